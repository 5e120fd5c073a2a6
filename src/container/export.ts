/** All files of a container as a tar. */
import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { Scope } from '../core/scope.ts'
import type { ContainerRecord } from '../store/contract.ts'
import { type Destination, writeOutput } from '../transfer/output.ts'
import { withTree } from './access.ts'
import type { ContainerDeps } from './deps.ts'

/** Writes what a container shows, volumes excepted; its processes are stopped while it is read. */
export async function exportContainer(
  record: ContainerRecord,
  destination: Destination,
  { deps, scope }: { readonly deps: ContainerDeps; readonly scope: Scope },
): Promise<void> {
  const files = { tarPath: deps.store.tempPath('export.tar'), contentsPath: deps.store.tempPath('export.contents') }
  try {
    await withTree(record, { deps, scope }, ({ containers, tree }) =>
      containers.seal(tree, { what: 'all', pause: true, ...files }, scope),
    )
    await writeOutput(createReadStream(files.tarPath), destination, scope)
  } finally {
    for (const file of Object.values(files)) await rm(file, { force: true })
  }
}
