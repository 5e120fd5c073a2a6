/** Debian from its mirror in both id modes, beside what mmdebstrap itself makes, and a Dockerfile on each; then the page on bases. */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { docsLines } from '../support/docs-commands.ts'
import { type ImageEntry, imageEntries } from '../support/image-entries.ts'
import { lacks, missingTools, noFullMap, noMirror, noUserNamespace } from '../support/need.ts'
import { type Home, finished, newHome } from '../support/wherry.ts'

const root = join(import.meta.dirname, '../..')
const isMissing =
  lacks('network', noMirror()) || lacks('userns', noUserNamespace()) || lacks('tools', missingTools('gpgv'))
const noReference = lacks('tools', missingTools('mmdebstrap')) || lacks('mapped', noFullMap())
const modes = ['mapped', 'single'].filter((mode) => mode === 'single' || !lacks('mapped', noFullMap()))

const sources = [
  'deb http://deb.debian.org/debian bookworm main',
  'deb http://deb.debian.org/debian bookworm-updates main',
  'deb http://security.debian.org/debian-security bookworm-security main',
].join('\n')

/**
 * What may differ: files of the machine that mmdebstrap leaves in its result, /etc/hosts, which a process in the sandbox has
 * already, and backups of files that are changed in another order.
 */
const mayDiffer = new Set(['etc/hostname', 'etc/hosts', 'etc/resolv.conf', 'etc/passwd-', 'etc/shadow-', 'etc/group-'])

/** Type, mode, owner, device and link of every entry; names of one file are all of them files. */
function outline(entries: ReadonlyMap<string, ImageEntry>): Map<string, string> {
  return new Map(
    [...entries].flatMap(([path, { type, mode, uid, gid, link, device }]) => {
      if (mayDiffer.has(path)) return []
      const bits = type === 'symlink' ? '' : mode.toString(8)
      const shown = [type === 'hardlink' ? 'file' : type, bits, `${uid}:${gid}`, device.join(':')]
      return [[path, [...shown, type === 'symlink' ? link : ''].join(' ')] as const]
    }),
  )
}

/** Lines for what is different, few enough to read. */
function differences(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): string[] {
  const paths = [...new Set([...a.keys(), ...b.keys()])].sort()
  return paths.filter((p) => a.get(p) !== b.get(p)).map((p) => `${p}: ${a.get(p) ?? 'none'} | ${b.get(p) ?? 'none'}`)
}

describe.skipIf(isMissing)('Debian from its mirror', () => {
  let home: Home
  const references = new Map<string, Map<string, string>>()
  beforeAll(async () => {
    home = await newHome()
    if (noReference) return
    const hooks = ['--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr']
    for (const [tool, options] of [
      ['mmdebstrap', []],
      ['wherry', hooks],
    ] as const) {
      const tar = join(home.dir, `${tool}.tar`)
      const args = ['--mode=unshare', '--variant=important', ...options, 'bookworm', tar, sources]
      const ran = await finished(spawn('mmdebstrap', args, { stdio: ['ignore', 'pipe', 'pipe'] }))
      if (ran.code !== 0) throw new Error(`mmdebstrap failed: ${ran.stderr}`)
      references.set(tool, outline(imageEntries(tar)))
    }
  })
  afterAll(() => home.remove())

  async function layerOf(image: string): Promise<string> {
    const layers = JSON.parse(await home.ok('inspect', '--format', '{{json .RootFS.Layers}}', image)) as string[]
    expect(layers).toHaveLength(1)
    return join(home.store, 'oci-v1/blobs/sha256', layers[0]!.replace('sha256:', ''))
  }

  for (const mode of modes) {
    for (const tool of noReference ? ['wherry'] : ['mmdebstrap', 'wherry']) {
      it(`made by ${tool} in mode ${mode} has the files, owners and modes of mmdebstrap's own`, async () => {
        const name = `local/${tool}-${mode}`
        await home.ok('base', 'debootstrap', '--tool', tool, '--isolation', mode, '-t', name, 'bookworm')
        const made = outline(imageEntries(await layerOf(name)))
        expect(made.size).toBeGreaterThan(8000)
        const reference = references.get(tool)
        if (reference !== undefined) expect(differences(made, reference)).toEqual([])
        expect(made.get('etc/shadow')).toBe('file 640 0:42  ')
        expect(made.get('dev/null')).toBe('char 666 0:0 1:3 ')
        const dir = join(home.dir, name)
        mkdirSync(dir, { recursive: true })
        const lines = [`FROM ${name}`, 'RUN dpkg --audit && apt-get check && su nobody -s /bin/sh -c id >/who']
        await writeFile(join(dir, 'Dockerfile'), lines.join('\n'))
        await home.ok('build', '--isolation', mode, '-t', `${name}-app`, dir)
        expect(await home.ok('run', '--isolation', mode, `${name}-app`, 'cat', '/who', '/etc/debian_version')).toMatch(
          /^uid=65534\(nobody\)[^]*\n12\./,
        )
      })
    }

    it(`packages of this machine in mode ${mode} are a base for a Dockerfile`, async () => {
      const name = `local/host-${mode}`
      await home.ok('base', 'host', '-t', name, 'bash', 'coreutils')
      const dir = join(home.dir, name)
      mkdirSync(dir, { recursive: true })
      await writeFile(join(dir, 'Dockerfile'), `FROM ${name}\nRUN chown 7:8 /tmp && ls -ldn /tmp >/listing\n`)
      await home.ok('build', '--isolation', mode, '-t', `${name}-app`, dir)
      expect(await home.ok('run', '--isolation', mode, `${name}-app`, 'cat', '/listing')).toMatch(
        /^drwxrwxrwt \d+ 7 +8 /,
      )
    })
  }

  it('a variant, packages and SOURCE_DATE_EPOCH are heeded, and the result is the same twice', async () => {
    const make = (name: string): ReturnType<Home['run']> =>
      home.run(
        ['base', 'debootstrap', '--tool', 'wherry', '--variant=minbase', '--include=file', '-t', name, 'bookworm'],
        {
          env: { SOURCE_DATE_EPOCH: '1700000000' },
        },
      )
    for (const name of ['local/one', 'local/two']) expect((await make(name)).code).toBe(0)
    const [one, two] = [imageEntries(await layerOf('local/one')), imageEntries(await layerOf('local/two'))]
    const changed = [...one].filter(([path, entry]) => two.get(path)?.sha256 !== entry.sha256).map(([path]) => path)
    expect(changed).toEqual([])
    expect(await home.ok('run', 'local/one', 'file', '--version')).toMatch(/^file-5/)
    const times = execFileSync('tar', ['--full-time', '--utc', '-tvf', await layerOf('local/one')], {
      encoding: 'utf8',
    })
    const latest = times
      .split('\n')
      .map((line) => /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/.exec(line)?.[0] ?? '')
      .sort()
      .at(-1)
    expect(latest).toBe('2023-11-14 22:13:20')
  })

  it('docs/bases.md says only what works', async () => {
    const lines = docsLines('docs/bases.md')
    const work = join(home.dir, 'docs')
    mkdirSync(work)
    const program = `"${process.execPath}" "${root}/bin/wherry.js"`
    const script = ['set -o pipefail', ...lines.map((line) => line.replaceAll('npx wherry', program))].join('\n')
    const shell = spawn('bash', ['-exc', script], {
      cwd: work,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: home.dir, XDG_DATA_HOME: join(home.dir, 'docs-data') },
    })
    const ran = await finished(shell)
    expect(ran.code, ran.stdout + ran.stderr).toBe(0)
    expect(readdirSync(join(work, 'tree'))).toEqual(expect.arrayContaining(['bin', 'etc', 'usr']))
  })
})
