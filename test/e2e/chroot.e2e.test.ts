/** Builds in chroot mode, by root of the machine in the place of a container's: the images of mapped mode, and what is refused. */
import { existsSync, statSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { imageEntries } from '../support/image-entries.ts'
import { lacks, noUserNamespace, notRoot } from '../support/need.ts'
import { folderOf, runNodeAs, trials } from '../support/users.ts'
import { type Home, type Ran, fixtures, newHome } from '../support/wherry.ts'

const unfit = [lacks('root', notRoot()), lacks('userns', noUserNamespace())].includes(true)

describe.skipIf(unfit)('in chroot mode', () => {
  let home: Home
  beforeAll(async () => {
    home = await newHome()
    await home.ok('base', 'host', '-t', 'test/base')
  })
  afterAll(() => home.remove())

  async function contextOf(name: string, ...lines: string[]): Promise<string> {
    const folder = join(home.dir, name)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'Dockerfile'), `FROM test/base\n${lines.join('\n')}\n`)
    return folder
  }

  const build = (context: string, ...more: string[]): Promise<Ran> =>
    home.run(['build', '--progress=plain', '--build-arg', 'BASE=test/base', '--isolation=chroot', ...more, context])

  async function entriesIn(isolation: string, context: string): Promise<ReturnType<typeof imageEntries>> {
    const dest = join(home.dir, `${isolation}.tar`)
    const { code, stderr } = await build(
      context,
      `--isolation=${isolation}`,
      '--no-cache',
      '-o',
      `type=tar,dest=${dest}`,
    )
    expect(code, stderr).toBe(0)
    return imageEntries(dest)
  }

  test('images are those of mapped mode, entry by entry', async () => {
    const lines = [
      'RUN mkdir -p /srv/deck && chown 990:991 /srv/deck && chmod 2750 /srv/deck && echo log > /srv/deck/log',
      'RUN chown -R 7:8 /srv && ln /srv/deck/log /srv/link && ln -s /none /srv/soft && mkdir -m 1777 /srv/all',
      'RUN cp /bin/sh /srv/sh && chmod 6755 /srv/sh && rm -r /srv/all && chown 0:0 /srv',
      'WORKDIR /made/here',
      'USER 33:44',
      'RUN touch /tmp/mine; echo x >/dev/shm/x; id > /tmp/ids',
    ]
    const context = await contextOf('owners', ...lines)
    expect([...(await entriesIn('chroot', context))]).toEqual([...(await entriesIn('mapped', context))])
    const hello = join(fixtures, 'hello')
    expect([...(await entriesIn('chroot', hello))]).toEqual([...(await entriesIn('mapped', hello))])
  })

  test('trees are its own, and nobody else gets to their setuid programs', async () => {
    const context = await contextOf('trees', 'RUN echo here > /here')
    expect((await build(context)).code).toBe(0)
    expect(await readdir(join(home.store, 'snapshots-v1'))).toContain('copy-chroot')
    expect(statSync(join(home.store, 'snapshots-v1/copy-chroot')).mode & 0o777).toBe(0o700)
    // Exact in both modes: what one has built the other takes, and unpacks for itself.
    const more = await contextOf('trees', 'RUN echo here > /here', 'RUN cat /here')
    const { code, stdout, stderr } = await build(more, '--isolation=mapped')
    expect(code, stderr).toBe(0)
    expect(stdout + stderr).toMatch(/CACHED[^]*here/)
  })

  test('a secret is a variable, or in a file if that is allowed', async () => {
    const variable = await contextOf('variable', 'RUN --mount=type=secret,id=s,env=S test "$S" = s3cret && echo had it')
    await writeFile(join(home.dir, 'secret'), 's3cret')
    const secret = ['--secret', `id=s,src=${join(home.dir, 'secret')}`]
    expect((await build(variable, ...secret)).code).toBe(0)
    const file = await contextOf('file', 'RUN --mount=type=secret,id=s grep -c s3cret /run/secrets/s')
    const refused = await build(file, ...secret)
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toMatch(/in chroot mode a secret[^]*--allow secrets\.disk/)
    expect((await build(file, ...secret, '--allow', 'secrets.disk')).code).toBe(0)
    expect(existsSync(join(home.dir, 'secret'))).toBe(true)
  })

  test('a step cannot be without network', async () => {
    const { code, stderr } = await build(await contextOf('network', 'RUN --network=none true'))
    expect(code).not.toBe(0)
    expect(stderr).toContain('in chroot mode a step has the network of the container')
  })
})

describe('where a mode is refused', () => {
  const user = trials().find(({ user: { uid } }) => uid !== 0)?.user
  const program = join(import.meta.dirname, '../../bin/wherry.js')

  test.skipIf(lacks('root', user === undefined ? 'there is no ordinary user to be' : undefined))(
    'builds without RUN work with the right owners, and a RUN is told why not',
    async () => {
      const folder = folderOf(user!)
      try {
        const wherry = (...args: string[]): ReturnType<typeof runNodeAs> =>
          runNodeAs(user!, [program, ...args, '--isolation=chroot', '--root', join(folder, 'store'), folder])
        const dest = join(folder, 'out.tar')
        await writeFile(join(folder, 'file'), 'text\n')
        const lines = ['FROM scratch', 'WORKDIR /app', 'COPY --chown=7:8 --chmod=640 file /app/', 'USER 9']
        await writeFile(join(folder, 'Dockerfile'), `${lines.join('\n')}\n`)
        expect(await wherry('build', '-q', '-o', `type=tar,dest=${dest}`)).toMatchObject({ end: 0 })
        expect(imageEntries(dest).get('app/file')).toMatchObject({ uid: 7, gid: 8, mode: 0o640 })
        await writeFile(join(folder, 'Dockerfile'), `${lines.join('\n')}\nRUN ["/app/file"]\n`)
        const refused = await wherry('build', '--progress=plain')
        expect(refused.end).toBe(1)
        expect(refused.stderr).toMatch(/does not let wherry run a step: chroot: only root may change its root/)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  )
})
