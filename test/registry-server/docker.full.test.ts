/** docker as judge of the embedded registry: push, pull and delete, with and without a password. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { passwordAccess } from '../../src/registry-server/password-access.ts'
import { type Dockerd, noDockerd, startDockerd } from '../support/dockerd.ts'
import { lacks } from '../support/need.ts'
import { rawTar } from '../support/raw-tar.ts'
import { type TestRegistry, startEmbeddedRegistry } from '../support/registries.ts'
import { tempDir } from '../support/temp.ts'

describe.skipIf(lacks('docker', noDockerd()))('docker', () => {
  let dockerd: Dockerd
  beforeAll(async () => {
    dockerd = await startDockerd()
  })
  afterAll(() => dockerd.stop())

  const docker = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await dockerd.docker(...args)
    if (code !== 0) throw new Error(`docker ${args.join(' ')} ended with ${code}: ${stderr}`)
    return stdout.trim()
  }

  /** An image of its own. Its id. */
  const importImage = (name: string): Promise<string> => {
    const tar = join(tempDir(), 'root.tar')
    writeFileSync(tar, rawTar([{ name: 'file', data: name.repeat(100_000) }]))
    return docker('import', tar, name)
  }

  const pushAndPull = async (registry: TestRegistry, config: string): Promise<string> => {
    const name = `${registry.address}/by/docker:v1`
    const id = await importImage(name)
    const pushed = await docker('--config', config, 'push', name)
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(pushed)?.[1] ?? ''
    await docker('rmi', name)
    expect(await docker('--config', config, 'pull', name)).toContain(`Digest: ${digest}`)
    expect(await docker('image', 'inspect', '--format', '{{.Id}}', name)).toBe(id)
    expect(await docker('--config', config, 'push', name)).toContain('Layer already exists')
    await docker('rmi', name)
    return digest
  }

  test('pushes and pulls, and does not find what is deleted', async () => {
    const registry = await startEmbeddedRegistry()
    try {
      const digest = await pushAndPull(registry, tempDir())
      const url = `http://${registry.address}/v2/by/docker/manifests/${digest}`
      expect((await fetch(url, { method: 'DELETE' })).status).toBe(202)
      await expect(docker('pull', `${registry.address}/by/docker:v1`)).rejects.toThrow(/manifest unknown|not found/)
      expect(registry.failures).toEqual([])
    } finally {
      await registry.stop()
    }
  })

  test('logs in with a password', async () => {
    const dir = tempDir()
    writeFileSync(join(dir, 'passwords'), `ada:${hashSync('secret', 4)}\n`)
    const registry = await startEmbeddedRegistry({ access: await passwordAccess(join(dir, 'passwords')) })
    const config = join(dir, 'docker')
    mkdirSync(config)
    const login = (password: string): Promise<string> =>
      docker('--config', config, 'login', '-u', 'ada', '-p', password, registry.address)
    try {
      await expect(login('wrong')).rejects.toThrow(/unauthorized|401/)
      await expect(docker('pull', `${registry.address}/by/docker:v1`)).rejects.toThrow(
        /no basic auth|unauthorized|denied/,
      )
      await login('secret')
      await pushAndPull(registry, config)
      expect(registry.failures).toEqual([])
    } finally {
      await registry.stop()
    }
  })
})
