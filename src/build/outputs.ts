/** What a build hands out beside the store: OCI layouts, docker archives, and root file systems as folder or tar. */
import { createReadStream } from 'node:fs'
import { fromText } from '../core/bytepath.ts'
import { diffIdsOf } from '../oci/config.ts'
import type { Image } from '../oci/image.ts'
import { exportDockerArchive } from '../transfer/export-docker.ts'
import { exportOci } from '../transfer/export-oci.ts'
import { writeOutput } from '../transfer/output.ts'
import type { BuildRequest, Output } from './contract.ts'
import type { Session } from './engine.ts'
import { layerFiles } from './publish.ts'
import { treeItems } from './tree-items.ts'

/** Writes every output of the request. @throws WherryError `io`, `registry` (for layers that must be fetched first) */
export async function writeOutputs(
  image: Image,
  { request, session }: { request: BuildRequest; session: Session },
): Promise<void> {
  for (const output of request.outputs) await writeOne(output, image, { request, session })
}

async function writeOne(
  output: Output,
  image: Image,
  { request, session }: { request: BuildRequest; session: Session },
): Promise<void> {
  const { deps, scope } = session
  switch (output.type) {
    case 'oci':
      return exportOci(
        { image, names: request.tags, dest: output.dest, tar: output.tar, stdout: deps.stdout },
        deps,
        scope,
      )
    case 'docker':
      return exportDockerArchive({ image, names: request.tags, dest: output.dest, stdout: deps.stdout }, deps, scope)
    case 'local':
      return writeFolder(image, output.dest, session)
    case 'tar':
      return writeTar(image, output.dest, session)
  }
}

async function writeFolder(image: Image, dest: string, session: Session): Promise<void> {
  const items = await treeItems(session, diffIdsOf(image.config))
  const left = await session.deps.pool.run('exportFolder', { items, folder: fromText(dest) }, session.scope)
  if (left === 0) return
  session.scope.emit({
    type: 'warning',
    message: `${left} device nodes and fifos were left out of ${dest}: only a tar can hold them`,
  })
}

async function writeTar(image: Image, dest: string, session: Session): Promise<void> {
  const files = layerFiles(session)
  const items = await treeItems(session, diffIdsOf(image.config))
  await session.deps.pool.run('seal', { items, ...files }, session.scope)
  await writeOutput(createReadStream(files.tarPath), { dest, stdout: session.deps.stdout }, session.scope)
}
