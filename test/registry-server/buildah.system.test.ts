/** buildah as judge of the embedded registry: push, pull and delete. */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { lacks, missingTools } from '../support/need.ts'
import { startEmbeddedRegistry } from '../support/registries.ts'
import { tempDir } from '../support/temp.ts'

test.skipIf(lacks('tools', missingTools('buildah', 'skopeo')))('buildah pushes, pulls and builds on it', async () => {
  const registry = await startEmbeddedRegistry()
  const dir = tempDir()
  const run = async (program: string, ...args: string[]): Promise<string> =>
    (await promisify(execFile)(program, args, { cwd: dir })).stdout.trim()
  const buildah = (command: string, ...args: string[]): Promise<string> =>
    run('buildah', '--storage-driver=vfs', `--root=${dir}/root`, `--runroot=${dir}/run`, command, ...args)
  try {
    await mkdir(join(dir, 'context'))
    await writeFile(join(dir, 'context', 'hello.txt'), 'hello\n')
    await writeFile(join(dir, 'policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}')
    const policy = `--signature-policy=${dir}/policy.json`
    const name = `${registry.address}/by/buildah:v1`
    const working = await buildah('from', 'scratch')
    await buildah('copy', working, 'context/hello.txt', '/hello.txt')
    const id = await buildah('commit', '-q', policy, working, name)
    await buildah('push', '--tls-verify=false', policy, name)
    await buildah('rm', working)
    await buildah('rmi', '-a', '-f')
    expect(await buildah('pull', '-q', '--tls-verify=false', policy, name)).toBe(id.replace('sha256:', ''))
    await run('skopeo', '--insecure-policy', 'delete', '--tls-verify=false', `docker://${name}`)
    await buildah('rmi', '-a', '-f')
    await expect(buildah('pull', '-q', '--tls-verify=false', policy, name)).rejects.toThrow('manifest unknown')
    expect(registry.failures).toEqual([])
  } finally {
    await registry.stop()
  }
})
