/** Odd places that a user builds in: other ranges of ids, helpers without rights, a masked /proc, a store on an overlay, root of one id. */
import { execFileSync, spawnSync } from 'node:child_process'
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lacks, missingTools, noUserNamespace, programPath } from '../support/need.ts'
import { type User, folderOf, trials } from '../support/users.ts'
import { removeTree } from '../support/wherry.ts'

const program = join(import.meta.dirname, '..', '..', 'bin', 'wherry.js')
const user = trials().find(({ isolation, user: { uid } }) => isolation === 'mapped' && uid !== 0)?.user
const isRoot = process.getuid?.() === 0
const unfit = [
  lacks('userns', noUserNamespace()),
  lacks('root', isRoot ? undefined : 'other mounts for a user can be made by root only'),
  isRoot && lacks('mapped', user === undefined ? 'no ordinary user with subordinate ids is there' : undefined),
  lacks('tools', missingTools('setpriv', 'unshare')),
].includes(true)

const dockerfile = `FROM test/base
RUN cat /proc/self/uid_map; ls /proc/self/stat; touch /f; chown 33:44 /f; chown 65534 /
RUN stat -c 'owner %u:%g' /f; ls -ldn / | cut -c 1-20
USER 33
RUN touch /tmp/x; stat -c 'mine %u' /tmp/x; id -u
`

describe.skipIf(unfit)('in a place of its own', () => {
  const { name, uid, gid } = user ?? ({ name: '', uid: 0, gid: 0 } satisfies User)
  let dir: string
  beforeAll(() => {
    dir = user === undefined ? '' : folderOf(user)
    mkdirSync(join(dir, 'context'))
    writeFileSync(join(dir, 'context', 'Dockerfile'), dockerfile)
  })
  afterAll(() => removeTree(dir))

  /** Builds as the user after `setup`, a shell script of root in a mount namespace of its own; `store` is below the user's folder. */
  function build(setup: string, options: { args?: string; store?: string; wrap?: string } = {}): string {
    const { args = '', store = 'store', wrap = '' } = options
    const wherry = `${wrap} ${process.execPath} ${program}`
    const root = `--root ${join(dir, store)}`
    const steps = [
      `${wherry} base host ${root} -t test/base >/dev/null 2>&1`,
      `${wherry} build ${root} --no-cache --progress=plain ${args} ${join(dir, 'context')}`,
    ]
    const asUser = `exec setpriv --reuid ${uid} --regid ${gid} --init-groups env HOME=${dir} sh -c '${steps.join(' && ')}'`
    const argv = ['--mount', '--propagation', 'private', 'sh', '-ec', `${setup}\numask 022; cd /; ${asUser}`]
    const { status, stdout, stderr } = spawnSync('unshare', argv, { encoding: 'utf8' })
    expect(status, stdout + stderr).toBe(0)
    return stdout + stderr
  }

  /** Puts text in place of /etc/subuid and /etc/subgid. */
  function subIds(text: string): string {
    writeFileSync(join(dir, 'subids'), text)
    return ['subuid', 'subgid'].map((file) => `mount --bind ${dir}/subids /etc/${file}`).join('\n')
  }

  function expectOwners(output: string): void {
    expect(output).toMatch(/ owner 33:44$/m)
    expect(output).toMatch(/ mine 33$/m)
    expect(output).toMatch(/ 33$/m)
  }
  test.each([
    ['by name', `# ranges\n${name}:200000:65536\n`, ['1 200000 65536']],
    ['by number, with lines that mean nothing', `x:y:z\n\n${uid}:200000:65536\n${name}:5\n`, ['1 200000 65536']],
    [
      'in several parts',
      `${name}:200000:1000\nother:1:5\n${name}:300000:65000\n`,
      ['1 200000 1000', '1001 300000 64535'],
    ],
    ['that overlap', `${name}:200000:65536\n${name}:210000:65536\n`, ['1 200000 65536']],
  ])('ranges %s are mapped', (_name, text, lines) => {
    const output = build(subIds(text))
    expectOwners(output)
    expect(output).not.toContain('single mode')
    const squeezed = output.replaceAll(/ +/g, ' ')
    for (const line of [`0 ${uid} 1`, ...lines]) expect(squeezed).toContain(` ${line}\n`)
  })

  test.each([
    ['a range without nobody', () => subIds(`${name}:200000:1000\n`)],
    ['no range', () => subIds('')],
    [
      'a newuidmap without rights',
      () => {
        const own = programPath('newuidmap') ?? ''
        execFileSync('install', ['-m', '755', own, join(dir, 'newuidmap')])
        return `mount --bind ${dir}/newuidmap ${own}`
      },
    ],
  ])('%s leads to single mode', (_name, setup) => {
    const output = build(setup())
    expectOwners(output)
    expect(output).toContain('single mode')
  })

  test.each(['mapped', 'single'])('a /proc that is covered in parts is shown as it is, in %s mode', (isolation) => {
    const output = build('mount --bind /dev/null /proc/keys', { args: `--isolation ${isolation}` })
    expectOwners(output)
    expect(output).toContain('/proc/self/stat')
  })

  test.each(['mapped', 'single'])('a store on an overlay keeps copies, in %s mode', (isolation) => {
    for (const part of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(dir, `${isolation}-${part}`))
    chownSync(join(dir, `${isolation}-upper`), uid, gid)
    const [lower, upper, work, merged] = ['lower', 'upper', 'work', 'merged'].map((part) =>
      join(dir, `${isolation}-${part}`),
    )
    const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`
    const output = build(`mount -t overlay overlay -o ${options} ${merged}; ls ${merged}`, {
      args: `--isolation ${isolation}`,
      store: `${isolation}-merged/store`,
    })
    expectOwners(output)
    expect(output).not.toContain('overlay')
  })

  test.each(['unshare -Ur', 'unshare -Urmpf --mount-proc'])('root of one id (%s) works in single mode', (wrap) => {
    const output = build('true', { wrap, store: `of-one-${wrap.length}` })
    expectOwners(output)
    expect(output).toContain('single mode')
  })
})
