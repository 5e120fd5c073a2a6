/** Images through the archives of other programs and back: docker, skopeo, umoci, buildah. */
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Dockerd, noDockerd, startDockerd } from '../support/dockerd.ts'
import { lacks, missingTools, notRoot } from '../support/need.ts'
import { run } from '../support/tools.ts'
import { type Home, newHome } from '../support/wherry.ts'

let home: Home
let id: string
let digest: string

beforeAll(async () => {
  home = await newHome()
  const context = join(home.dir, 'context')
  await mkdir(context)
  await writeFile(
    join(context, 'Dockerfile'),
    ['FROM scratch', 'COPY one /', 'COPY two /dir/', 'LABEL a=b', 'CMD ["/one"]', ''].join('\n'),
  )
  await writeFile(join(context, 'one'), 'first layer\n'.repeat(1000))
  await writeFile(join(context, 'two'), 'second layer\n'.repeat(1000))
  id = (await home.ok('build', '-q', '-t', 'moved/app:1', '-t', 'moved/app:2', context)).split('\n').at(-1)!
  digest = (await home.ok('copy', 'store:moved/app:1', `oci:${join(home.dir, 'digest')}`)).replace('Digest: ', '')
})
afterAll(() => home.remove())

const path = (name: string): string => join(home.dir, name)

/** Loads into a store of its own; what that store then has. */
async function loaded(...input: readonly string[]): Promise<{ readonly said: string; readonly id: string }> {
  const other = await newHome()
  try {
    const said = await other.ok('load', '-q', ...input)
    const ids = (await other.ok('images', '-q', '--no-trunc')).split('\n')
    return { said, id: ids[0] ?? '' }
  } finally {
    await other.remove()
  }
}

describe.skipIf(lacks('docker', noDockerd()))('docker', () => {
  let dockerd: Dockerd

  beforeAll(async () => {
    dockerd = await startDockerd()
  })
  afterAll(() => dockerd.stop())

  test.each(['docker-archive', 'docker-legacy'])(
    'loads %s and saves what wherry loads, with the same id',
    async (form) => {
      await home.ok('save', '--format', form, '-o', path('to-docker.tar'), 'moved/app')
      const load = await dockerd.docker('load', '-q', '-i', path('to-docker.tar'))
      expect(load.stdout.trim().split('\n').sort(), load.stderr).toEqual([
        'Loaded image: moved/app:1',
        'Loaded image: moved/app:2',
      ])
      const inspected = await dockerd.docker(
        'image',
        'inspect',
        '--format',
        '{{.Id}} {{json .Config.Labels}}',
        'moved/app:1',
      )
      expect(inspected.stdout.trim()).toBe(`${id} {"a":"b"}`)
      const save = await dockerd.docker('save', '-o', path('from-docker.tar'), 'moved/app:1', 'moved/app:2')
      expect(save.code, save.stderr).toBe(0)
      expect(await loaded('-i', path('from-docker.tar'))).toEqual({
        said: expect.stringMatching(/^Loaded image: moved\/app:[12]\nLoaded image: moved\/app:[12]$/) as string,
        id,
      })
      const copied = await home.ok(
        'copy',
        `docker-archive:${path('from-docker.tar')}:moved/app:1`,
        `oci:${path('back')}:1`,
      )
      expect(JSON.parse(run('skopeo', 'inspect', '--config', `oci:${path('back')}:1`))).toMatchObject({
        config: { Cmd: ['/one'] },
      })
      expect(copied).toContain('sha256:')
      await dockerd.docker('rmi', '-f', 'moved/app:1', 'moved/app:2')
    },
  )

  test('imports what wherry exports, and exports what wherry imports', async () => {
    await home.ok('export', '-o', path('root.tar'), 'moved/app:1')
    expect((await dockerd.docker('import', path('root.tar'), 'imported:1')).code).toBe(0)
    const created = (await dockerd.docker('create', 'imported:1', '/one')).stdout.trim()
    expect((await dockerd.docker('export', '-o', path('docker-root.tar'), created)).code).toBe(0)
    const imported = await home.ok('import', path('docker-root.tar'), 'reimported:1')
    expect(imported).toMatch(/^sha256:[0-9a-f]{64}$/)
    await home.ok('export', '-o', path('again.tar'), 'reimported:1')
    expect(run('tar', '-xOf', path('again.tar'), 'dir/two')).toBe('second layer\n'.repeat(1000))
  })
})

describe.skipIf(lacks('tools', missingTools('skopeo', 'umoci')))('skopeo and umoci', () => {
  test('see the digest that wherry gave, whatever the form', async () => {
    await home.ok('save', '--format', 'oci-archive', '-o', path('oci.tar'), 'moved/app:1')
    await home.ok('save', '--format', 'oci-dir', '-o', path('layout'), 'moved/app:1')
    await home.ok('save', '-o', path('docker.tar'), 'moved/app:1')
    for (const place of [`oci-archive:${path('oci.tar')}`, `oci:${path('layout')}:1`]) {
      expect(JSON.parse(run('skopeo', 'inspect', place))).toMatchObject({ Digest: digest })
    }
    run('skopeo', 'copy', '-q', `docker-archive:${path('docker.tar')}`, `oci:${path('from-docker-archive')}:1`)
    expect(run('skopeo', 'inspect', '--config', `oci:${path('from-docker-archive')}:1`)).toBe(
      run('skopeo', 'inspect', '--config', `oci:${path('layout')}:1`),
    )
    run('umoci', 'stat', '--image', `${path('layout')}:1`)
    run('umoci', 'raw', 'unpack', '--rootless', '--image', `${path('layout')}:1`, path('unpacked'))
    expect(readFileSync(path('unpacked/dir/two'), 'utf8')).toBe('second layer\n'.repeat(1000))
  })

  test('give back what wherry loads with the same id', async () => {
    await home.ok('save', '--format', 'oci-dir', '-o', path('give'), 'moved/app:1')
    run('umoci', 'tag', '--image', `${path('give')}:1`, 'tagged')
    run('skopeo', 'copy', '-q', `oci:${path('give')}:tagged`, `docker-archive:${path('give-docker.tar')}:given:1`)
    run('skopeo', 'copy', '-q', `oci:${path('give')}:tagged`, `oci-archive:${path('give-oci.tar')}:localhost/given:1`)
    expect(await loaded('-i', path('give-docker.tar'))).toEqual({ said: 'Loaded image: given:1', id })
    expect(await loaded('-i', path('give-oci.tar'))).toEqual({ said: 'Loaded image: localhost/given:1', id })
    const copied = await home.ok('copy', `oci:${path('give')}:tagged`, `oci-archive:${path('same.tar')}:same`)
    expect(copied).toBe(`Digest: ${digest}`)
  })
})

describe.skipIf(lacks('tools', missingTools('buildah')) || lacks('root', notRoot()))('buildah', () => {
  const buildah = (...args: readonly string[]): string => {
    const folders = ['--root', path('containers'), '--runroot', path('containers-run'), '--storage-driver', 'vfs']
    return run('buildah', ...folders, ...args)
  }

  test.each([
    ['docker-archive', 'docker-archive'],
    ['oci-archive', 'oci-archive'],
  ])('takes %s and gives %s with the same id', async (form, back) => {
    const archive = path(`to-buildah-${form}.tar`)
    await home.ok('save', '--format', form, '-o', archive, 'moved/app:1')
    const pulled = buildah('pull', '-q', `${form}:${archive}`).trim()
    expect(`sha256:${pulled}`).toBe(id)
    const returned = path(`from-buildah-${form}.tar`)
    buildah('push', '-q', pulled, `${back}:${returned}:localhost/returned:1`)
    expect(await loaded('-i', returned)).toEqual({ said: 'Loaded image: localhost/returned:1', id })
  })
})
