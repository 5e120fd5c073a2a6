/**
 * The parts of a stage's config that grow with every instruction, kept so that adding to them costs the same however many there
 * are; they become part of the config when the stage is done.
 */
import { type ImageConfig, runtimeOf, withRuntime } from '../oci/config.ts'

/** A config's lists and maps while a stage is lowered. */
export interface Collections {
  /** `NAME=value` in order. Use `setEnvLine`. */
  readonly env: string[]
  /** Where a name stands first. */
  readonly envIndex: Map<string, number>
  readonly labels: Map<string, string>
  readonly exposedPorts: Set<string>
  readonly volumes: Set<string>
  readonly onBuild: string[]
}

/** What a config has to begin with. */
export function collectionsOf(config: ImageConfig): Collections {
  const { env, labels, exposedPorts, volumes, onBuild } = runtimeOf(config)
  const envIndex = new Map<string, number>()
  env.forEach((line, i) => {
    const name = line.split('=', 1)[0]!
    if (!envIndex.has(name)) envIndex.set(name, i)
  })
  return {
    env: [...env],
    envIndex,
    labels: new Map(Object.entries(labels)),
    exposedPorts: new Set(exposedPorts),
    volumes: new Set(volumes),
    onBuild: [...onBuild],
  }
}

/** How many entries there are in all. */
export function sizeOf({ env, labels, exposedPorts, volumes, onBuild }: Collections): number {
  return env.length + labels.size + exposedPorts.size + volumes.size + onBuild.length
}

/** Sets a variable, in its old place if it had one. */
export function setEnvLine({ env, envIndex }: Collections, name: string, value: string): void {
  const at = envIndex.get(name) ?? env.length
  envIndex.set(name, at)
  env[at] = `${name}=${value}`
}

/** The config with all of it; what is empty is left out. */
export function withCollections(config: ImageConfig, all: Collections): ImageConfig {
  const { env, labels, exposedPorts, volumes, onBuild } = all
  const keys = (set: ReadonlySet<string>): Record<string, object> | undefined =>
    set.size === 0 ? undefined : Object.fromEntries([...set].map((key) => [key, {}]))
  const parts = [
    ['Env', env.length === 0 ? undefined : env],
    ['Labels', labels.size === 0 ? undefined : Object.fromEntries(labels)],
    ['ExposedPorts', keys(exposedPorts)],
    ['Volumes', keys(volumes)],
    ['OnBuild', onBuild.length === 0 ? undefined : onBuild],
  ] as const
  return parts.reduce((made, [field, value]) => withRuntime(made, field, value as never), config)
}
