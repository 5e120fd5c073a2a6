/** The Dockerfile of a folder: docker takes one named `dockerfile` where there is no `Dockerfile`. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BuildRequest } from '../contract.ts'

/** A request for the Dockerfile that there is. */
export async function presentDockerfile(request: BuildRequest): Promise<BuildRequest> {
  const { context, dockerfile } = request
  if (dockerfile !== join(context, 'Dockerfile') || (await exists(dockerfile))) return request
  const lower = join(context, 'dockerfile')
  return (await exists(lower)) ? { ...request, dockerfile: lower } : request
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
