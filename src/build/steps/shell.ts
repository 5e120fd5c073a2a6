/** `--on-error shell`: which shell a failed RUN leaves its user in. */
import { fromText } from '../../core/bytepath.ts'
import type { Digest } from '../../core/digest.ts'
import type { TreeView } from '../../oci/tree.ts'
import { resolveInTree } from '../../oci/tree-resolve.ts'
import type { RunStep } from '../../plan/contract.ts'
import type { Session } from '../engine.ts'

const usualShell = '/bin/sh'

/** The stage's SHELL if the image has it, else /bin/sh, else none. */
export async function failureShell(
  step: RunStep,
  input: readonly Digest[],
  session: Session,
): Promise<readonly string[] | undefined> {
  if (session.onError !== 'shell') return undefined
  const tree = await session.layers.tree(input)
  const found = [step.shell, usualShell].find((path) => path !== undefined && isThere(tree, path))
  return found === undefined ? undefined : [found]
}

/** Said in the error when a shell was asked for and there is none. */
export function noShellHint({ shell }: RunStep): string {
  const tried = shell === undefined || shell === usualShell ? usualShell : `${shell} nor ${usualShell}`
  return `No shell was opened: the image has ${tried.includes(' nor ') ? 'neither ' : 'no '}${tried}.`
}

function isThere(tree: TreeView, path: string): boolean {
  if (!path.startsWith('/')) return false
  return tree.lookup(resolveInTree(tree, fromText(path.slice(1)), { followLast: true }))?.type === 'file'
}
