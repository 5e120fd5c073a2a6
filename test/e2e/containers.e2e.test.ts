/** Working containers through the program: made, run in, changed, committed, in both modes and from a second terminal. */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Builder, newBuilder, noStaticBusybox } from '../support/busybox-image.ts'
import { lacks, missingTools, noFullMap, noUserNamespace } from '../support/need.ts'
import { type Home, finished } from '../support/wherry.ts'

const program = join(import.meta.dirname, '..', '..', 'bin', 'wherry.js')
const isMissing = lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox())
const modes = [
  ['mapped', isMissing || lacks('mapped', noFullMap())],
  ['single', isMissing],
] as const

describe.skipIf(isMissing)('working containers', () => {
  let builder: Builder
  let home: Home
  beforeAll(async () => {
    builder = await newBuilder()
    home = builder.home
    await builder.attempt(
      [
        'FROM box',
        'RUN mkdir /data /old && echo first > /data/f && echo x > /old/f',
        'VOLUME /data',
        'CMD ["cat", "/data/f"]',
      ],
      {},
      ['-t', 'stored', '--isolation', 'auto'],
    )
  })
  afterAll(() => home.remove())

  /** Runs and waits until it has said something. */
  async function started(
    ...args: readonly string[]
  ): Promise<{ readonly child: ChildProcess; readonly end: ReturnType<typeof finished> }> {
    const child = home.start(args)
    const end = finished(child)
    await new Promise<void>((resolve) => child.stdout?.once('data', () => resolve()))
    return { child, end }
  }
  /** Digests of the layers of an image. */
  async function layersOf(image: string): Promise<string[]> {
    const [told] = JSON.parse(await home.ok('inspect', image)) as [{ RootFS: { Layers: string[] } }]
    return told.RootFS.Layers
  }

  describe.each(modes)('in %s mode', (isolation, skipped) => {
    it.skipIf(skipped)('are made, changed, shown and committed', async () => {
      const name = `c-${isolation}`
      expect(await home.ok('from', '--isolation', isolation, '--name', name, 'stored')).toBe(name)
      await home.ok(
        'run',
        name,
        '--',
        'sh',
        '-c',
        'echo 1 > /new; chown 7:8 /new; rm /etc/group; echo x >> /etc/passwd; rm -r /old; mkdir /old',
      )
      expect((await home.ok('diff', name)).split('\n')).toEqual([
        'C /etc',
        'D /etc/group',
        'C /etc/passwd',
        'A /new',
        'C /old',
        'D /old/f',
      ])
      expect(await home.ok('run', name, '--', 'ls', '-ln', '/new')).toMatch(/ 7 +8 .*\/new$/)
      const context = join(home.dir, `files-${isolation}`)
      await mkdir(join(context, 'sub'), { recursive: true })
      await writeFile(join(context, 'sub', 'file'), 'from here\n', { mode: 0o640 })
      await symlink('file', join(context, 'sub', 'link'))
      await home.ok('cp', context, `${name}:/copied`)
      await home.ok('cp', `${context}/.`, `${name}:/old`)
      await home.ok('cp', `${name}:/copied`, join(context, 'back'))
      expect(await readFile(join(context, 'back', 'sub', 'link'), 'utf8')).toBe('from here\n')
      await home.ok('config', '--env', 'A=b c', '--cmd', `sh -c 'echo "$A"; cat /old/sub/file'`, '--label', 'k=v', name)
      const id = await home.ok('commit', '-a', 'me', '-m', 'a comment', '-c', 'ENV Z=1', name, `made/${isolation}`)
      expect(await home.ok('run', '--rm', '--isolation', isolation, id)).toBe('b c\nfrom here')
      expect(
        await home
          .ok('run', '--rm', '--isolation', isolation, id, 'ls', '-lnd', '/new', '/old/sub/file', '/old/f')
          .catch(String),
      ).toMatch(/ 7 +8 .*\/new\n-rw-r-----.* 0 +0 .*file/)
      expect(await home.ok('history', `made/${isolation}`)).toContain('a comment')
      const [{ Config, Author }] = JSON.parse(await home.ok('inspect', id)) as [
        { Config: { Env: string[]; Labels: object }; Author: string },
      ]
      expect([Author, Config.Labels]).toEqual(['me', { k: 'v' }])
      expect(Config.Env).toEqual(expect.arrayContaining(['A=b c', 'Z=1']))
      const squashed = await home.ok('commit', '--squash', name)
      expect(await layersOf(squashed)).toHaveLength(1)
      expect(await home.ok('run', '--rm', '--isolation', isolation, squashed, 'ls', '-ln', '/new')).toMatch(
        / 7 +8 .*\/new$/,
      )
    })

    it.skipIf(skipped)(
      'that run can be looked into, copied to, committed under writes and stopped from elsewhere',
      async () => {
        const writing = `trap 'exit 4' TERM; echo on; i=0; while :; do i=$((i+1)); for f in a b; do echo $i > /t; mv /t /$f; done; done`
        const name = `r-${isolation}`
        const { end } = await started('run', '--isolation', isolation, '--name', name, 'stored', 'sh', '-c', writing)
        expect(await home.ok('ps', '--filter', `name=${name}`, '--format', '{{.Names}} {{.State}}')).toBe(
          `${name} running`,
        )
        expect((await home.run(['rm', name])).stderr).toContain('container-in-use')
        expect((await home.run(['run', name, '--', 'true'])).code).toBe(125)
        const note = join(home.dir, 'note')
        await writeFile(note, 'noted\n')
        await home.ok('cp', note, `${name}:/`)
        const image = await home.ok('commit', name)
        const [a, b] = (
          await home.ok('run', '--rm', '--isolation', isolation, image, 'cat', '/a', '/b', '/note')
        ).split('\n')
        // Stopped, it was between the two writes at most.
        expect(Number(a) - Number(b)).toBeLessThanOrEqual(1)
        expect(Number(a)).toBeGreaterThan(0)
        expect(await home.ok('diff', name)).toContain('A /a\nA /b')
        expect(await home.ok('stop', '-t', '5', name)).toBe(name)
        expect((await end).code).toBe(4)
        expect(await home.ok('ps', '-a', '--filter', `name=${name}`, '--format', '{{.Status}}')).toMatch(
          /^Exited \(4\)/,
        )
      },
    )

    it.skipIf(skipped)('whose wherry is killed can be run, committed and removed', async () => {
      const name = `k-${isolation}`
      const { child, end } = await started(
        'run',
        '--isolation',
        isolation,
        '--name',
        name,
        'stored',
        'sh',
        '-c',
        'echo 1 > /kept; echo on; sleep 60',
      )
      child.kill('SIGKILL')
      await end
      expect(await home.ok('run', name, '--', 'cat', '/kept')).toBe('1')
      expect(await home.ok('commit', name)).toMatch(/^sha256:/)
      expect(await home.ok('rm', name)).toBe(name)
      expect(await home.ok('ps', '-aq', '--filter', `name=${name}`)).toBe('')
    })
  })

  it('have docker’s exit codes', async () => {
    const codeOf = async (...args: readonly string[]): Promise<number> =>
      (await home.run(['run', '--rm', ...args])).code
    expect(await codeOf('box', 'sh', '-c', 'exit 3')).toBe(3)
    expect(await codeOf('box', 'not-there')).toBe(127)
    expect(await codeOf('box', '/etc/passwd')).toBe(126)
    expect(await codeOf('box', 'sh', '-c', 'sleep 5 & kill -9 $!; wait $!')).toBe(137)
    expect(await codeOf('--pull=never', 'no-such-image', 'true')).toBe(125)
    expect(await codeOf('--no-such-option', 'box')).toBe(125)
    expect(await codeOf('-d', 'box')).toBe(125)
    expect(await codeOf('-P', 'box')).toBe(125)
    expect(await codeOf('-p', '8080:80', 'box', 'true')).toBe(125)
    expect(await codeOf('-p', '8080:8080', 'box', 'true')).toBe(0)
    expect(await codeOf('-it', 'box', 'true')).toBe(125)
  })

  it.skipIf(lacks('tools', missingTools('script')))('have a terminal of their own with -t', async () => {
    const wherry = `'${process.execPath}' '${program}' run --rm -it --root '${home.store}' box sh`
    const child = spawn('script', ['-qec', `stty rows 33 cols 99; ${wherry}`, '/dev/null'], {
      env: { ...process.env, HOME: home.dir },
    })
    const end = finished(child)
    // Not before the shell has the terminal.
    await new Promise<void>((resolve) => child.stdout.on('data', (text: Buffer) => text.includes('# ') && resolve()))
    child.stdin.write('tty; stty size; echo $TERM; exit 3\r')
    const { code, stdout } = await end
    expect(stdout.replaceAll('\r', '')).toContain('\n/dev/pts/0\n33 99\nxterm\n')
    expect(code).toBe(3)
  })

  it('get variables, folders and volumes, which are in no image', async () => {
    const file = join(home.dir, 'env')
    await writeFile(file, '# none\nF=from file\n')
    const folder = join(home.dir, 'shared')
    await mkdir(folder)
    // Root's own files are nobody's in a container of root.
    await chmod(folder, 0o777)
    const words = ['-e', 'E=1', '--env-file', file, '-v', `${folder}:/mnt/x`, '-w', '/mnt/x', '--name', 'vols']
    const script = 'echo "$E $F $PWD"; echo out > made; echo kept > /data/g'
    expect(await home.ok('run', ...words, 'stored', 'sh', '-c', script)).toBe('1 from file /mnt/x')
    expect(await readFile(join(folder, 'made'), 'utf8')).toBe('out\n')
    // The volume began with what the image has there, and is kept with the container.
    expect(await home.ok('run', 'vols', '--', 'cat', '/data/f', '/data/g')).toBe('first\nkept')
    expect(await home.ok('diff', 'vols')).toBe('')
    expect(await home.ok('run', '--rm', '-v', 'named:/v', 'box', 'sh', '-c', 'echo n > /v/n')).toBe('')
    expect(
      await home.ok(
        'run',
        '--rm',
        '-v',
        'named:/w:ro',
        'box',
        'sh',
        '-c',
        'cat /w/n; touch /w/x 2>/dev/null || echo no',
      ),
    ).toBe('n\nno')
    await home.ok('rm', '-v', 'vols')
  })

  it('that were to go with their program go when it was killed', async () => {
    const { child, end } = await started('run', '--rm', '--name', 'brief', 'box', 'sh', '-c', 'echo on; sleep 60')
    child.kill('SIGKILL')
    await end
    await delay(100)
    await home.ok('run', '--rm', 'box', 'true')
    expect(await home.ok('ps', '-aq', '--filter', 'name=brief')).toBe('')
  })

  it('can be mounted for programs of this machine', async () => {
    await home.ok('run', '--name', 'seen', 'box', 'sh', '-c', 'echo in > /it')
    const script = 'id -u; cat "$C/it"; echo back > "$C/out"; exit 6'
    expect(await home.run(['unshare', '--mount', 'C=seen', 'sh', '-c', script])).toMatchObject({
      code: 6,
      stdout: '0\nin\n',
    })
    expect(await home.ok('run', 'seen', '--', 'cat', '/out')).toBe('back')
    expect((await home.run(['mount', 'seen'])).stderr).toContain('wherry unshare')
  })

  it('keep their images from being collected', async () => {
    await builder.attempt(['FROM box', 'RUN echo only > /here'], {}, ['-t', 'gone'])
    const name = await home.ok('from', '--name', 'holder', 'gone')
    await home.ok('rmi', '-f', 'gone').catch(() => '')
    await home.ok('prune', '-a', '-f')
    expect(await home.ok('run', name, '--', 'cat', '/here')).toBe('only')
  })
})
