/** `wherry base debootstrap`: a Debian or Ubuntu system from its mirrors, as an image or as a tree of files. */
import { fromText } from '../../core/bytepath.ts'
import { WherryError } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import type { SealItem } from '../../layer/contract.ts'
import { type BaseImage, type SealItems, storeBaseImage } from '../base-image.ts'
import { installedPackages } from '../installed/installed.ts'
import { openWorkspace } from '../workspace.ts'
import { type Driver, makeDriven } from './driven.ts'
import { type DebianDeps, makeOwn } from './own.ts'
import { platformOfArchitecture } from './sources.ts'
import type { DebianTool, DebootstrapSpec } from './spec.ts'

/** A system to make, how, and what becomes of it. */
export interface DebootstrapRequest extends DebootstrapSpec {
  /** Undefined: mmdebstrap or debootstrap if it is installed, else our own way. */
  readonly tool: DebianTool | undefined
  readonly onOutput: (text: string) => void
  readonly result:
    | { readonly kind: 'image'; readonly tags: readonly string[]; readonly created: Date; readonly command: string }
    | { readonly kind: 'tree'; readonly folder: string }
}

/** What came of it: an image, or the number of entries that only root could have written to a folder. */
export type DebootstrapResult =
  | { readonly kind: 'image'; readonly image: BaseImage }
  | { readonly kind: 'tree'; readonly leftOut: number }

/**
 * Makes the system and stores it, or writes it to a folder as the caller's own files.
 * @throws WherryError `usage`, `network`, `auth-failed`, `host-unsupported`, `run-failed`, `io`, `cancelled`
 */
export async function debootstrap(
  request: DebootstrapRequest,
  deps: DebianDeps,
  scope: Scope,
): Promise<DebootstrapResult> {
  const driver = await driverFor(request.tool, scope)
  const workspace = await openWorkspace(deps)
  const place = { deps, workspace, onOutput: request.onOutput }
  try {
    const items =
      driver === undefined ? await makeOwn(request, place, scope) : await makeDriven(request, { driver, place }, scope)
    return await finish(items, { request, deps }, scope)
  } finally {
    await workspace.close(scope)
  }
}

async function finish(
  items: readonly SealItem[],
  { request, deps }: { readonly request: DebootstrapRequest; readonly deps: DebianDeps },
  scope: Scope,
): Promise<DebootstrapResult> {
  const { result, clampMtime, architecture } = request
  if (result.kind === 'tree') {
    const leftOut = await deps.pool.run('exportFolder', { items, folder: fromText(result.folder) }, scope)
    return { kind: 'tree', leftOut }
  }
  const { tags, created, command } = result
  const image = {
    ...{ tags, created, command, clampMtime },
    platform: platformOfArchitecture(architecture),
    shell: 'bash',
    fidelity: deps.trees.fidelity,
  }
  const seal: SealItems = (all, to) => deps.pool.run('seal', { items: all, ...to }, scope)
  return { kind: 'image', image: await storeBaseImage(items, image, { deps: { store: deps.store, seal }, scope }) }
}

/** The program that the machine has; undefined for our own way. @throws WherryError `host-unsupported` for one that is asked for and not there */
async function driverFor(tool: DebianTool | undefined, scope: Scope): Promise<Driver | undefined> {
  if (tool === 'wherry') return undefined
  const packages = await installedPackages('/', scope.signal)
  const wanted = tool === undefined ? (['mmdebstrap', 'debootstrap'] as const) : [tool]
  const found = wanted.find((name) => packages?.has(name) === true)
  if (found !== undefined && packages !== undefined) return { tool: found, packages }
  if (tool === undefined) return undefined
  throw new WherryError('host-unsupported', `${tool} is not installed on this machine`, {
    hint: 'Install the package, or leave out --tool: wherry can do without.',
  })
}
