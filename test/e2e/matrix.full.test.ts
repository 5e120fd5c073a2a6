/** Where wherry builds what, and what it says where it cannot: every kind of place that its users have, for real. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cause } from '../../src/host/contract.ts'
import { type Dockerd, noDockerd, startDockerd } from '../support/dockerd.ts'
import { lacks, missingTools, noMirror, noRegistry, testRegistry } from '../support/need.ts'
import { loadOwnImage } from '../support/own-image.ts'
import { type Place, containerPlace, hideHelpers, readOnlyHome, userPlace } from '../support/places.ts'
import { trials } from '../support/users.ts'
import { type Home, fixtures, newHome } from '../support/wherry.ts'

const minutes = 60_000
const root = { name: 'root', uid: 0, gid: 0 }
const users = trials().filter(({ user }) => user.uid !== 0)
const rich = users.find(({ isolation }) => isolation === 'mapped')?.user
const poor = users.find(({ user }) => user.uid !== rich?.uid)?.user
const noUsers = rich && poor ? undefined : 'no ordinary users with and without subordinate ids'

const unfit = [
  lacks('docker', noDockerd()),
  lacks('registry', noRegistry()),
  lacks('network', noMirror()),
  lacks('tools', missingTools('skopeo', 'tar', 'setpriv', 'unshare')),
  lacks('userns', noUsers),
].includes(true)

type Outcome = { readonly mode: 'mapped' | 'single' | 'chroot' } | { readonly cause: Cause; readonly hint: string }

interface Row {
  /** The file of what doctor says there. */
  readonly name: string
  readonly title: string
  readonly expected: Outcome
  make(this: void, dockerd: Dockerd): Place
}

const open = ['--security-opt', 'seccomp=unconfined']
const seccomp = { cause: 'seccomp', hint: 'docker run --security-opt seccomp=unconfined' } as const
const mapped = { mode: 'mapped' } as const
const single = { mode: 'single' } as const

const rows: readonly Row[] = [
  { name: 'user', title: 'ordinary user with subordinate ids', expected: mapped, make: () => userPlace(rich!) },
  { name: 'user-no-subids', title: 'ordinary user without them', expected: single, make: () => userPlace(poor!) },
  { name: 'root', title: 'root', expected: mapped, make: () => userPlace(root) },
  {
    name: 'container-root',
    title: 'root in a default container',
    expected: { mode: 'chroot' },
    make: (dockerd) => containerPlace(dockerd, ['--user', '0']),
  },
  {
    name: 'container-user',
    title: 'ordinary user in a default container',
    expected: seccomp,
    make: (dockerd) => containerPlace(dockerd, []),
  },
  {
    name: 'container-root-unconfined',
    title: 'root in a container with `seccomp=unconfined`',
    expected: mapped,
    make: (dockerd) => containerPlace(dockerd, [...open, '--user', '0']),
  },
  {
    name: 'container-user-unconfined',
    title: 'ordinary user in a container with `seccomp=unconfined`',
    expected: mapped,
    make: (dockerd) => containerPlace(dockerd, open),
  },
  {
    name: 'container-unknown-unconfined',
    title: 'the same, with an id that the image does not know',
    expected: single,
    make: (dockerd) => containerPlace(dockerd, [...open, '--user', '54321:54321']),
  },
  {
    name: 'no-new-privs',
    title: 'ordinary user under `no_new_privs`',
    expected: single,
    make: () => userPlace(rich!, { setpriv: ['--no-new-privs'] }),
  },
  {
    name: 'no-namespaces',
    title: 'user namespaces off (`user.max_user_namespaces=0`)',
    expected: { cause: 'max-user-namespaces', hint: 'sudo sysctl -w user.max_user_namespaces=' },
    make: () => userPlace(rich!, { isLast: true }),
  },
  {
    name: 'no-helpers',
    title: '`newuidmap` and `newgidmap` removed',
    expected: single,
    make: () => userPlace(rich!, { mounts: hideHelpers() }),
  },
  {
    name: 'on-overlay',
    title: 'store on the overlay of a container',
    expected: mapped,
    make: (dockerd) => containerPlace(dockerd, open, '/workspace/../tmp/store'),
  },
  {
    name: 'read-only-home',
    title: 'home that cannot be written, with `--root` elsewhere',
    expected: mapped,
    make: () => userPlace(rich!, { mounts: readOnlyHome, root: true }),
  },
]

/** Files of an image that tell whether owners, modes and capabilities were kept: lines of `tar -tv`, by fixture. */
const proofs: Readonly<Record<string, readonly RegExp[]>> = {
  hello: [/^-rwxr-xr-x +0\/0 .* usr\/local\/bin\/greet$/m],
  nginx: [/^-rw-r--r-- +990\/\d+ .* var\/www\/html\/index\.html$/m, /^drwx.* +990\/\d+ .* var\/log\/nginx\/$/m],
  owners: [
    /^drwxr-s--- +990\/991 .* srv\/deck\/$/m,
    /^-rw-r----- +990\/991 .* srv\/deck\/log$/m,
    /^-rw-r--r-- +990\/991 .* srv\/deck\/flag$/m,
    /^-rwxr-xr-x\* 0\/991 .* usr\/local\/bin\/spyglass\n {2}x: +\d+ security\.capability$/m,
  ],
}

const base = `${testRegistry}/conformance/debian`
const cells = new Map<string, string>()

describe.skipIf(unfit)('the matrix', () => {
  let home: Home
  let dockerd: Dockerd
  const base2 = `${testRegistry}/wherry-test/setcap`
  beforeAll(async () => {
    home = await newHome()
    dockerd = await startDockerd()
    await loadOwnImage(home, base, dockerd)
    await baseWithSetcap()
  }, 10 * minutes)
  afterAll(async () => {
    await dockerd.stop()
    await home.remove()
  })

  async function baseWithSetcap(): Promise<void> {
    const folder = join(home.dir, 'setcap')
    await mkdir(folder)
    const install = 'apt-get update && apt-get install -y --no-install-recommends libcap2-bin'
    await writeFile(join(folder, 'Dockerfile'), `FROM ${base}\nRUN ${install}\n`)
    await home.ok('build', '-t', base2, '--push', folder)
  }

  describe.each(rows)('$title', (row) => {
    let place: Place
    beforeAll(() => {
      place = row.make(dockerd)
    })
    afterAll(() => place.remove())

    test('doctor names mode and cause', async () => {
      const { stdout } = await place.run(() => ['doctor', '--json'])
      const { works, mode, refused } = JSON.parse(stdout) as {
        works: boolean
        mode: string | null
        refused: { cause: string }[]
      }
      if ('mode' in row.expected) expect({ works, mode }).toEqual({ works: true, mode: row.expected.mode })
      else
        expect({ works, mode, cause: refused[0]?.cause }).toEqual({
          works: false,
          mode: null,
          cause: row.expected.cause,
        })
      cells.set(`${row.name} mode`, mode ?? 'none')
      const text = (await place.run(() => ['doctor'])).stdout
      await expect(withoutMachine(text, place)).toMatchFileSnapshot(`golden/doctor/${row.name}.txt`)
    })

    test.each(Object.keys(proofs))('%s', { timeout: 8 * minutes }, async (fixture) => {
      const image = `${testRegistry}/wherry-test/matrix-${row.name}-${fixture}`
      const from = fixture === 'owners' ? base2 : base
      const options = ['--progress=plain', '--build-arg', `BASE=${from}`, '-t', image, '--push']
      const built = await place.run((context) => ['build', ...options, context], join(fixtures, fixture))
      if ('cause' in row.expected) {
        cells.set(`${row.name} ${fixture}`, `refused: ${row.expected.cause}`)
        expect(built.code).not.toBe(0)
        expect(built.stderr).toContain(row.expected.hint)
        return
      }
      expect(built.code, built.stdout + built.stderr).toBe(0)
      const listing = await listImage(image)
      for (const proof of proofs[fixture]!) expect(listing).toMatch(proof)
      cells.set(`${row.name} ${fixture}`, 'built')
    })
  })

  test('stands in the README as it was just found', async () => {
    const readme = join(import.meta.dirname, '..', '..', 'README.md')
    const marks = /(<!-- matrix -->\n)[^]*?(\n<!-- \/matrix -->)/
    const text = readFileSync(readme, 'utf8')
    expect(text).toMatch(marks)
    await expect(text.replace(marks, (_all, start: string, end: string) => start + table() + end)).toMatchFileSnapshot(
      readme,
    )
  })
})

function table(): string {
  const fixtureNames = Object.keys(proofs)
  const cell = (row: Row, column: string): string => cells.get(`${row.name} ${column}`) ?? 'FAILED'
  return [
    `| where | mode | ${fixtureNames.map((name) => `[${name}](fixtures/${name}/Dockerfile)`).join(' | ')} |`,
    `| --- | --- | ${fixtureNames.map(() => '---').join(' | ')} |`,
    ...rows.map((row) => `| ${row.title} | ${['mode', ...fixtureNames].map((name) => cell(row, name)).join(' | ')} |`),
  ].join('\n')
}

/** Every entry of an image's layers as `tar -tv` lists it, with the names of attributes. */
async function listImage(image: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'wherry-matrix-'))
  try {
    execFileSync('skopeo', ['copy', '--quiet', '--src-tls-verify=false', `docker://${image}`, `dir:${dir}`])
    const names = (await readdir(dir)).filter((name) => /^[0-9a-f]{64}$/.test(name))
    return names.map((name) => list(join(dir, name))).join('')
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

function list(blob: string): string {
  if (readFileSync(blob).subarray(0, 1).toString() === '{') return '' // The config.
  return execFileSync('tar', ['--xattrs', '--xattrs-include=*', '--numeric-owner', '-tvvzf', blob], {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  })
}

/** What doctor says, without what is this machine's alone. */
function withoutMachine(text: string, place: Place): string {
  const named = place.names.reduce((all, [name, word]) => all.replaceAll(name, word), text)
  return named
    .replace(/^(.. {2}node +).*/m, '$1VERSION')
    .replace(/^(.. {2}kernel +).*/m, '$1Linux VERSION')
    .replace(/^(.. {2}container +[^,\n]+, [^,\n]+).*/m, '$1')
    .replace(/^(.. {2}control groups +).*/m, '$1LOOKED AT')
    .replace(/^(.. {2}registries +).*/m, '$1LOOKED AT')
    .replace(/(user namespaces +allowed).*/, '$1')
    .replace(/\d\d{3,}\+\d{3,}/g, 'FIRST+COUNT')
    .replace(/\d{5,}-\d{5,}/g, 'FIRST-LAST')
    .replace(
      /\((?:overlay|(\w+)), \S+ free\)/,
      (_all, disk?: string) => `(${disk === undefined ? 'overlay' : 'DISK'}, SIZE free)`,
    )
}
