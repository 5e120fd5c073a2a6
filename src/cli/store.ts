/** Where the store is, and how commands open it. */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Store } from '../store/contract.ts'
import { openStore } from '../store/store.ts'
import type { Io } from './io.ts'

/** The store's folder: `--root`, else `$XDG_DATA_HOME/wherry`, else `~/.local/share/wherry`. */
export function storeRoot(root: string | undefined, io: Pick<Io, 'env' | 'cwd'>): string {
  if (root !== undefined && root !== '') return resolve(io.cwd, root)
  const data = io.env['XDG_DATA_HOME']
  if (data?.startsWith('/')) return join(data, 'wherry')
  return join(io.env['HOME'] || homedir(), '.local', 'share', 'wherry')
}

/** Opens the store that the options name, making it if it is not there. */
export async function openStoreFor(
  options: { readonly root: string | undefined },
  io: Pick<Io, 'env' | 'cwd'>,
): Promise<Store> {
  return openStore(storeRoot(options.root, io))
}
