/** Real package installations on the Debian base, pushed to a real registry and judged by other tools. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lacks, missingTools, noFullMap, noMirror, noRegistry, noUserNamespace, testRegistry } from '../support/need.ts'
import { type Home, fixtures, newHome } from '../support/wherry.ts'

const minutes = 60_000
const unfit = [
  lacks('userns', noUserNamespace()),
  lacks('registry', noRegistry()),
  lacks('network', noMirror()),
  lacks('tools', missingTools('skopeo', 'umoci', 'buildah', 'tar')),
].includes(true)

describe.skipIf(unfit).each(['mapped', 'single'])('nginx from packages, in %s mode', (isolation) => {
  const unmapped = isolation === 'mapped' && lacks('mapped', noFullMap())
  const image = `${testRegistry}/wherry-test/nginx-${isolation}-${process.pid}`
  let home: Home
  beforeAll(async () => {
    home = await newHome()
  })
  afterAll(() => home.remove())

  test.skipIf(unmapped)(
    'is built, pushed, and accepted by skopeo, umoci and buildah',
    { timeout: 8 * minutes },
    async () => {
      const context = join(home.dir, 'context')
      await cp(join(fixtures, 'nginx'), context, { recursive: true })
      const dockerfile = await readFile(join(context, 'Dockerfile'), 'utf8')
      await writeFile(join(context, 'Dockerfile'), `${dockerfile}USER root\nRUN rm /etc/issue.net\nUSER site\n`)
      const base = ['--build-arg', `BASE=${testRegistry}/conformance/debian`]
      await home.ok('build', '--progress=plain', '--isolation', isolation, ...base, '-t', image, '--push', context)

      const inspected = tool('skopeo', 'inspect', '--tls-verify=false', `docker://${image}`)
      expect(JSON.parse(inspected)).toMatchObject({ Os: 'linux' })
      const config = JSON.parse(tool('skopeo', 'inspect', '--config', '--tls-verify=false', `docker://${image}`)) as {
        config: Record<string, unknown>
      }
      expect(config.config).toMatchObject({ User: 'site', StopSignal: 'SIGQUIT', ExposedPorts: { '8080/tcp': {} } })

      tool('skopeo', 'copy', '--src-tls-verify=false', `docker://${image}`, `dir:${join(home.dir, 'dir')}`)
      const listing = await listLayers(join(home.dir, 'dir'))
      expect(listing).toMatch(/^-rw-r--r-- 990\/\d+ .* var\/www\/html\/index\.html$/m)
      expect(listing).toMatch(/etc\/\.wh\.issue\.net$/m)
      if (isolation === 'mapped') {
        expect(listing).toMatch(/^-rw-r----- 0\/42 .* etc\/shadow$/m)
        expect(await layersWithCapability(join(home.dir, 'dir'))).toBeGreaterThan(0)
      }

      tool('skopeo', 'copy', '--src-tls-verify=false', `docker://${image}`, `oci:${join(home.dir, 'oci')}:x`)
      tool(
        'umoci',
        'unpack',
        ...(process.getuid?.() === 0 ? [] : ['--rootless']),
        '--image',
        `${join(home.dir, 'oci')}:x`,
        join(home.dir, 'bundle'),
      )
      expect(await readdir(join(home.dir, 'bundle/rootfs/etc'))).not.toContain('issue.net')
      await buildahFrom(image)
    },
  )

  async function buildahFrom(name: string): Promise<void> {
    const runroot = join(home.dir, 'run')
    await mkdir(runroot, { recursive: true, mode: 0o700 })
    const storage = ['--root', join(home.dir, 'buildah'), '--runroot', runroot, '--storage-driver', 'vfs']
    process.env['XDG_RUNTIME_DIR'] = runroot
    tool('buildah', ...storage, 'from', '--name', 'judge', '--tls-verify=false', `docker://${name}`)
    expect(
      tool(
        'buildah',
        ...storage,
        'run',
        '--isolation',
        'chroot',
        '--user',
        'root',
        'judge',
        'stat',
        '-c',
        '%u',
        '/var/www/html/index.html',
      ).trim(),
    ).toBe('990')
    tool('buildah', ...storage, 'rm', '--all')
    tool('buildah', ...storage, 'rmi', '--all', '--force')
  }
})

describe.skipIf(unfit)('the classic Dockerfiles', () => {
  let home: Home
  beforeAll(async () => {
    home = await newHome()
  })
  afterAll(() => home.remove())

  const cases: readonly (readonly [
    folder: string,
    args: readonly string[],
    probe: readonly string[],
    answer: RegExp,
  ])[] = [
    ['apache', [], ['ls', '/var/www/html'], /css\s+index\.html/],
    ['registry', [], ['docker-registry', '--version'], /docker-registry/],
    ['compile', [], [], /shipped in another/],
    [
      'browser',
      ['BROWSER=dillo'],
      ['sh', '-c', 'id -un; ls -la .xinitrc; echo $BROWSER'],
      /viewer\n.*viewer viewer.*\ndillo/,
    ],
  ]

  test.each(cases)('%s builds and runs', { timeout: 8 * minutes }, async (folder, args, probe, answer) => {
    const given = [`BASE=${testRegistry}/conformance/debian`, ...args].flatMap((arg) => ['--build-arg', arg])
    await home.ok('build', '--progress=plain', ...given, '-t', folder, join(fixtures, folder))
    const entrypoint = folder === 'registry' ? ['--entrypoint', probe[0]!] : []
    const words = folder === 'registry' ? probe.slice(1) : probe
    expect(await home.ok('run', '--rm', ...entrypoint, folder, ...words)).toMatch(answer)
  })
})

function tool(name: string, ...args: readonly string[]): string {
  return execFileSync(name, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 << 20 })
}

/** The layers' blobs of a `dir:` copy, lowest first, their digests checked. */
async function layerBlobs(dir: string): Promise<Buffer[]> {
  const manifest = JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8')) as { layers: { digest: string }[] }
  return Promise.all(
    manifest.layers.map(async ({ digest }) => {
      const blob = await readFile(join(dir, digest.replace('sha256:', '')))
      expect(createHash('sha256').update(blob).digest('hex')).toBe(digest.slice(7))
      return blob
    }),
  )
}

async function listLayers(dir: string): Promise<string> {
  const listings = (await layerBlobs(dir)).map((blob) =>
    execFileSync('tar', ['--numeric-owner', '-tvzf', '-'], { input: blob, encoding: 'utf8', maxBuffer: 64 << 20 }),
  )
  return listings.join('')
}

async function layersWithCapability(dir: string): Promise<number> {
  return (await layerBlobs(dir)).filter((blob) => gunzipSync(blob).includes('SCHILY.xattr.security.capability=')).length
}
