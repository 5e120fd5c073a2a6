/** Where every run sees something else than its root file system. */
import { type BytePath, fromText } from '../core/bytepath.ts'

/** Folders at the top. */
export const kernelFolders = ['proc', 'sys', 'dev']

/** Name resolution. */
export const resolverPath = 'etc/resolv.conf'
/** Names and addresses. */
export const hostsPath = 'etc/hosts'

/** All of them. */
export const mountPoints: readonly BytePath[] = [...kernelFolders, resolverPath, hostsPath].map(fromText)
