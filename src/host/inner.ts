/** What makes a process the inner one, from its first moment. */
import { closeDescriptorsOnExec, dieWithParent } from './process.ts'

/**
 * What the inner process does first, before any thread starts: modes of files are then exactly those asked for, children
 * inherit nothing, Ctrl-C is the outer process's business, and the process dies with the outer one.
 * @param parentPid pid of the outer process
 * @throws WherryError `cancelled` if the outer process is gone
 */
export function prepareInner(parentPid: number): void {
  process.umask(0)
  dieWithParent(parentPid)
  closeDescriptorsOnExec()
  process.on('SIGINT', () => undefined)
}
