/** wherry's own image: built by wherry from the repository's Dockerfile, and building in containers, whoever it runs as. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Dockerd, noDockerd, startDockerd } from '../support/dockerd.ts'
import { lacks, noMirror, noRegistry, testRegistry } from '../support/need.ts'
import { loadOwnImage, ownImage } from '../support/own-image.ts'
import { type Home, fixtures, newHome } from '../support/wherry.ts'

const unfit = [lacks('docker', noDockerd()), lacks('registry', noRegistry()), lacks('network', noMirror())].includes(
  true,
)
const base = `${testRegistry}/conformance/debian`

describe.skipIf(unfit)("wherry's own image", () => {
  let home: Home
  let dockerd: Dockerd
  beforeAll(async () => {
    home = await newHome()
    dockerd = await startDockerd()
    await loadOwnImage(home, base, dockerd)
  })
  afterAll(async () => {
    await dockerd.stop()
    await home.remove()
  })

  const run = (options: readonly string[], ...words: readonly string[]): ReturnType<Dockerd['docker']> =>
    dockerd.docker('run', '--rm', '--network', 'host', ...options, ownImage, ...words)

  test('says its version and its help', async () => {
    expect(await run([], 'version')).toMatchObject({ code: 0 })
    expect((await run([])).stdout).toContain('wherry build')
  })

  test('runs as a user without rights who has subordinate ids', async () => {
    const { stdout } = await run(['--entrypoint', 'sh'], '-c', 'id -un; cat /etc/subuid; getsubids wherry')
    expect(stdout).toMatch(/^wherry\nwherry:1:999\nwherry:1001:64535\n/)
  })

  const hello = ['-v', `${join(fixtures, 'hello')}:/workspace:ro`]
  const places: readonly (readonly [who: string, options: readonly string[], mode: string])[] = [
    ['its own user', [], 'mapped'],
    ['root', ['--user', '0'], 'mapped'],
    ['a user that it does not know', ['--user', '54321:54321'], 'single'],
    ['its own user under no_new_privs', ['--security-opt', 'no-new-privileges'], 'single'],
  ]

  test.each(places)('builds hello as %s', async (_who, options, mode) => {
    const open = ['--security-opt', 'seccomp=unconfined', ...options, ...hello]
    const doctor = JSON.parse((await run(open, 'doctor', '--json')).stdout) as { mode: string }
    expect(doctor.mode).toBe(mode)
    const built = await run(open, 'build', '--progress=plain', '--build-arg', `BASE=${base}`, '-t', 'hello', '.')
    expect(built, built.stderr).toMatchObject({ code: 0 })
  })
})
