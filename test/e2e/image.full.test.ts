/** wherry's own image: built by wherry from the repository's Dockerfile, and building in containers, whoever it runs as. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Finding } from '../../src/host/contract.ts'
import { type Dockerd, noDockerd, startDockerd } from '../support/dockerd.ts'
import { deployDocuments, dockerOptions, podsOf, seccompProfile } from '../support/deploy.ts'
import { lacks, noMirror, noRegistry, testRegistry } from '../support/need.ts'
import { loadOwnImage, ownImage } from '../support/own-image.ts'
import { trials } from '../support/users.ts'
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
  const open = ['--security-opt', 'seccomp=unconfined']
  const rightsOf = (path: string): string[] => podsOf(deployDocuments(path)).flatMap(dockerOptions)
  const places: readonly (readonly [who: string, options: readonly string[], mode: string | null])[] = [
    ['a user that it does not know', [...open, '--user', '54321:54321'], 'single'],
    ['its own user under no_new_privs', [...open, '--security-opt', 'no-new-privileges'], 'single'],
    ['a pod with the rights of mapped.yaml', rightsOf('kubernetes/mapped.yaml'), 'mapped'],
    ['a pod with the rights of user-namespace.yaml', rightsOf('kubernetes/user-namespace.yaml'), 'mapped'],
    ['a pod with the rights of single.yaml', rightsOf('kubernetes/single.yaml'), 'single'],
    ['a pod with the rights of chroot.yaml', rightsOf('kubernetes/chroot.yaml'), 'chroot'],
    ['its own user under the seccomp profile', ['--security-opt', `seccomp=${seccompProfile}`], 'mapped'],
    [
      'a user under it whom the image does not know',
      ['--security-opt', `seccomp=${seccompProfile}`, '--user', '54321'],
      'single',
    ],
    ['the task of Tekton', rightsOf('tekton/task.yaml'), 'mapped'],
  ]

  const options = ['--progress=plain', '--build-arg', `BASE=${base}`, '-t', 'hello']

  test.each(places)('builds hello as %s', { timeout: 600_000 }, async (_who, rights, mode) => {
    const given = [...rights, ...hello]
    const doctor = JSON.parse((await run(given, 'doctor', '--json')).stdout) as { mode: string | null }
    expect(doctor.mode).toBe(mode)
    const built = await run(given, 'build', ...options, '.')
    expect(built, built.stderr).toMatchObject({ code: 0 })
  })

  test('builds what has no RUN in the strictest pod, and refuses a RUN with the setting that allows it', async () => {
    const rights = rightsOf('kubernetes/without-run.yaml')
    const scratch = ['-v', `${join(fixtures, 'scratch')}:/workspace:ro`]
    const built = await run([...rights, ...scratch], 'build', '-t', 'scratch', '.')
    expect(built, built.stderr).toMatchObject({ code: 0 })
    const refused = await run([...rights, ...hello], 'build', ...options, '.')
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain('hint: start the container with: docker run --security-opt seccomp=unconfined')
  })

  const remapped = trials().find(({ user, isolation }) => user.uid !== 0 && isolation === 'mapped')?.user
  const noUser = remapped === undefined ? 'no ordinary user with subordinate ids' : undefined

  test.skipIf(lacks('userns', noUser))(
    'maps all ids in a pod with a user namespace of its own',
    { timeout: 600_000 },
    async () => {
      const remapping = await startDockerd(remapped!.name)
      try {
        await loadOwnImage(home, base, remapping)
        const rights = rightsOf('kubernetes/user-namespace.yaml')
        const container = ['run', '--rm', '--network', 'none', ...rights, ownImage]
        const { stdout } = await remapping.docker(...container, 'doctor', '--json')
        const { works, mode, findings } = JSON.parse(stdout) as { works: boolean; mode: string; findings: Finding[] }
        expect({ works, mode }).toEqual({ works: true, mode: 'mapped' })
        const found = (name: string): Finding | undefined => findings.find((finding) => finding.name === name)
        expect(found('user ids')?.found).toContain('hostUsers: false')
        expect(found('proc')?.level).toBe('ok')
        expect(found('subordinate ids')?.level).toBe('ok')
      } finally {
        await remapping.stop()
      }
    },
  )
})
