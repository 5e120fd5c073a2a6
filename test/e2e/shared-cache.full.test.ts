/** Many builds with empty stores share one cache in a registry at once: images are equal, and whoever comes next builds nothing. */
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { busybox, noStaticBusybox } from '../support/busybox.ts'
import { type DebianRegistry, startDebianRegistry } from '../support/debian-registry.ts'
import { lacks, missingTools, noUserNamespace } from '../support/need.ts'
import { type Home, newHome } from '../support/wherry.ts'

const rounds = Number(process.env['WHERRY_CACHE_ROUNDS'] ?? '20')
const builders = 8

const isMissing =
  lacks('userns', noUserNamespace()) ||
  lacks('tools', noStaticBusybox()) ||
  lacks('tools', missingTools('docker-registry'))

/** Two projects with a stage in common; nothing that a step makes depends on the clock. */
const dockerfile = (project: string): string => `FROM scratch AS common
COPY busybox /bin/busybox
ARG ROUND
RUN ["/bin/busybox", "sh", "-c", "echo $ROUND > /common; /bin/busybox touch -d @0 /common /"]
FROM common AS own
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox wc -c < /common > /${project}; /bin/busybox touch -d @0 /${project} /"]
FROM scratch
COPY --from=common /common /
COPY --from=own /${project} /
COPY ${project}.txt /
`

describe.skipIf(isMissing)('one cache for many builds', () => {
  let home: Home
  let registry: DebianRegistry
  let context: string
  beforeAll(async () => {
    home = await newHome()
    registry = await startDebianRegistry()
    context = join(home.dir, 'context')
    await mkdir(context)
    await copyFile(busybox, join(context, 'busybox'))
    for (const project of ['one', 'two']) {
      await writeFile(join(context, `${project}.Dockerfile`), dockerfile(project))
      await writeFile(join(context, `${project}.txt`), project)
    }
  })
  afterAll(async () => {
    await registry.stop()
    await home.remove()
  })

  /** Builds and pushes with an empty store; gives the tag and the number of steps that ran. */
  const build = async (project: string, round: number, store: string): Promise<{ tag: string; ran: number }> => {
    const root = join(home.dir, store)
    const cache = `${registry.address}/shared/cache`
    const name = `${registry.address}/shared/${project}:${round}-${store}`
    const args = [`--cache-from=${cache}`, `--cache-to=type=registry,ref=${cache},mode=max,emulated=true`]
    const ran = await home.run([
      ...['build', '--root', root, '--progress=plain', '--push', '-t', name, `--build-arg=ROUND=${round}`],
      ...args,
      ...['-f', join(context, `${project}.Dockerfile`), context],
    ])
    expect(ran.code, ran.stdout + ran.stderr).toBe(0)
    const output = ran.stdout + ran.stderr
    expect(output).not.toMatch(/is of no use|is not used|cannot be had/)
    await home.run(['prune', '--root', root, '--all', '--force'])
    await rm(root, { recursive: true, force: true })
    return { tag: `${project}/manifests/${round}-${store}`, ran: [...output.matchAll(/\] DONE/g)].length }
  }
  /** The layers of a pushed image. Docker's registry answers wrongly while others push the same manifest: asked afterwards. */
  const layersOf = async ({ tag }: { readonly tag: string }): Promise<string> => {
    const headers = { accept: 'application/vnd.oci.image.manifest.v1+json' }
    const answer = await fetch(`http://${registry.address}/v2/shared/${tag}`, { headers })
    expect(answer.status, tag).toBe(200)
    const { layers } = (await answer.json()) as { layers: { digest: string }[] }
    return layers.map(({ digest }) => digest).join(' ')
  }
  const all = async (
    round: number,
    pass: string,
  ): ReturnType<typeof Promise.all<Awaited<ReturnType<typeof build>>[]>> =>
    Promise.all(Array.from({ length: builders }, (_, i) => build(i % 2 === 0 ? 'one' : 'two', round, `${pass}-${i}`)))

  test(`${rounds} rounds of ${builders} builds at once, each then repeated`, async () => {
    for (let round = 0; round < rounds; round++) {
      const first = await all(round, 'first')
      const second = await all(round, 'second')
      expect(second.map(({ ran }) => ran)).toEqual(second.map(() => 0))
      for (const project of [0, 1]) {
        const layers = [...first, ...second].filter((_, i) => i % 2 === project).map(layersOf)
        expect(new Set(await Promise.all(layers)).size, `round ${round}`).toBe(1)
      }
    }
  }, 3_600_000)
})
