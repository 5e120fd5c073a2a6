/** Cache mounts that machines share, through the program: `--cache-to …,mounts=true` and a build with an empty store. */
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { busybox, noStaticBusybox } from '../support/busybox.ts'
import { type DebianRegistry, startDebianRegistry } from '../support/debian-registry.ts'
import { lacks, missingTools, noUserNamespace } from '../support/need.ts'
import { folderOf, runNodeAs, trials } from '../support/users.ts'
import { type Home, newHome, removeTree } from '../support/wherry.ts'

const program = join(import.meta.dirname, '..', '..', 'bin', 'wherry.js')

const isMissing =
  lacks('userns', noUserNamespace()) ||
  lacks('tools', noStaticBusybox()) ||
  lacks('tools', missingTools('docker-registry'))

const run = (mount: string, command: string): string =>
  `RUN --mount=type=cache,target=/c,${mount} ["/bin/busybox", "sh", "-c", "${command}"]`

describe.skipIf(isMissing)('cache mounts that are shared', () => {
  let home: Home
  let registry: DebianRegistry
  let context: string
  let made = 0
  beforeAll(async () => {
    home = await newHome()
    registry = await startDebianRegistry()
    context = await mkdtemp(join(home.dir, 'context-'))
    await copyFile(busybox, join(context, 'busybox'))
  })
  afterAll(async () => {
    await registry.stop()
    await home.remove()
  })

  const newRoot = (): string => join(home.dir, `store-${made++}`)
  const written = async (lines: readonly string[]): Promise<string> => {
    const path = join(context, `Dockerfile-${made++}`)
    await writeFile(path, ['FROM scratch', 'COPY busybox /bin/busybox', ...lines].join('\n'))
    return path
  }
  const build = async (root: string, lines: readonly string[], ...args: string[]): Promise<string> => {
    const file = await written(lines)
    const ran = await home.run(['build', '--progress=plain', '--root', root, '-f', file, ...args, context])
    const output = ran.stdout + ran.stderr
    expect(ran.code, output).toBe(0)
    return output
  }
  const fill = [run('id=m', 'echo warm > /c/f; mkdir /c/d; /bin/busybox ln /c/f /c/d/g')]
  const isWarm = [run('id=m', '/bin/busybox cat /c/f /c/d/g')]
  const isEmpty = [run('id=m', '/bin/busybox test -z \\"$(/bin/busybox ls /c)\\"')]
  const local = (name: string): { to: string; from: string; folder: string } => {
    const folder = join(home.dir, name)
    return {
      to: `--cache-to=type=local,dest=${folder},emulated=true,mounts=true`,
      from: `--cache-from=type=local,src=${folder}`,
      folder,
    }
  }

  it('are warm on a new machine, from a folder and from a registry', async () => {
    const ref = `${registry.address}/warm/cache`
    const { to, from } = local('warm')
    const root = newRoot()
    const first = await build(root, fill, to, `--cache-to=type=registry,ref=${ref},emulated=true,mounts=true`)
    expect(first.match(/cache mounts written: 1/g)).toHaveLength(2)
    for (const source of [from, `--cache-from=${ref}`]) {
      const other = newRoot()
      const seen = await build(other, isWarm, source)
      expect(seen).toContain('the cache mount /m begins as the cache')
      expect(seen.match(/warm$/gm)).toHaveLength(2)
    }
  })

  it('are written again when they changed, and only then; what a machine has stays', async () => {
    const { to, from } = local('newest')
    const root = newRoot()
    await build(root, fill, to)
    expect(await build(root, fill, to)).toContain('cache mounts written: 0')
    // Copied, it is the same; then another one is newer.
    const other = newRoot()
    expect(await build(other, isWarm, from, to)).toContain('cache mounts written: 0')
    expect(await build(other, [run('id=m', 'echo newer > /c/f')], from, to)).toContain('cache mounts written: 1')
    expect(await build(newRoot(), [run('id=m', '/bin/busybox cat /c/f; echo now')], from)).toMatch(/newer$/m)
    expect(await build(root, [run('id=m', '/bin/busybox cat /c/f; echo again')], from)).toMatch(/warm$/m)
  })

  it('are exported only if that is asked for, also later', async () => {
    const { to, from } = local('asked')
    const root = newRoot()
    await build(root, fill, to.replace(',mounts=true', ''))
    await build(newRoot(), isEmpty, from)
    expect(await build(root, fill, to)).toContain('cache mounts written: 1')
    expect(await build(newRoot(), isWarm, from)).toMatch(/warm$/m)
  })

  it('with a mode of their own are other ones', async () => {
    const { to, from } = local('modes')
    const closed = (command: string): string => run('id=m,mode=0700', command)
    await build(newRoot(), [...fill, closed('echo closed > /c/f')], to)
    const seen = await build(newRoot(), [...isWarm, closed('/bin/busybox stat -c %a /c; /bin/busybox cat /c/f')], from)
    expect(seen).toMatch(/warm$/m)
    expect(seen).toMatch(/700$/m)
    expect(seen).toMatch(/closed$/m)
  })

  it('are not read again if no step ran with them', async () => {
    const { to, from } = local('unread')
    await build(newRoot(), fill, to)
    // An empty store: the step is cached, and the mount is not here.
    const again = await build(newRoot(), [...fill, 'COPY busybox /again'], from, to)
    expect(again).toContain('cache mounts written: 0')
    expect(again).not.toContain('begins as the cache')
  })

  it('have no secrets, wherever those are mounted', async () => {
    const { to, folder } = local('secret')
    const secret = 'a-word-that-nobody-may-read'
    const step =
      'RUN --mount=type=cache,target=/c --mount=type=secret,id=s,target=/c/key ["/bin/busybox", "sh", "-c", "/bin/busybox wc -c /c/key; echo x > /c/f"]'
    const file = await written([step])
    const ran = await home.run(
      [
        'build',
        '--progress=plain',
        '--root',
        newRoot(),
        '-f',
        file,
        '--secret=id=s,env=WORD',
        `${to},compression=uncompressed`,
        context,
      ],
      { env: { WORD: secret } },
    )
    expect(ran.code, ran.stdout + ran.stderr).toBe(0)
    expect(ran.stdout + ran.stderr).toMatch(new RegExp(` ${secret.length} /c/key`))
    const blobs = join(folder, 'blobs', 'sha256')
    const found = readdirSync(blobs).filter((name) => readFileSync(join(blobs, name)).includes(secret))
    expect(readdirSync(blobs).some((name) => readFileSync(join(blobs, name)).includes('ustar'))).toBe(true)
    expect(found).toEqual([])
  })

  it('and results of steps are carried elsewhere by cp -a and by tar, also to another user', async () => {
    const { to, folder } = local('carried')
    await build(newRoot(), fill, `${to},mode=max`)
    const other = trials().find(({ user }) => user.uid !== process.getuid?.())?.user
    const place = other === undefined ? await mkdtemp(join(home.dir, 'place-')) : folderOf(other)
    try {
      execFileSync('cp', ['-a', folder, join(place, 'copied')])
      execFileSync('sh', ['-c', `tar -C ${home.dir} -cf - carried | tar -C ${place} -xf -`])
      await rm(folder, { recursive: true })
      const [same, warm] = await Promise.all([fill, isWarm].map(written))
      execFileSync('cp', ['-a', context, join(place, 'context')])
      if (other !== undefined) execFileSync('chown', ['-R', `${other.uid}:${other.gid}`, place])
      const me = { name: '', uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
      for (const name of ['copied', 'carried']) {
        const outputs = [same, warm].map(async (file, i) => {
          const args = ['--root', join(place, `${name}-${i}`), '-f', join(place, 'context', basename(file!))]
          const source = `--cache-from=type=local,src=${join(place, name)}`
          const { stdout, stderr, end } = await runNodeAs(other ?? me, [
            program,
            'build',
            '--progress=plain',
            ...args,
            source,
            join(place, 'context'),
          ])
          expect(end, stdout + stderr).toBe(0)
          return stdout + stderr
        })
        const [hits, seen] = await Promise.all(outputs)
        expect(hits).not.toMatch(/\] DONE/)
        expect(seen!.match(/warm$/gm)).toHaveLength(2)
      }
    } finally {
      await removeTree(place)
    }
  })

  it('are left out with a warning if they are larger than the limit', async () => {
    const { to, from } = local('limit')
    const large = [run('id=m', '/bin/busybox head -c 20000 /bin/busybox > /c/f')]
    const said = await build(newRoot(), large, `${to},mounts-limit=10k`)
    expect(said).toMatch(/the cache mount \/m is not exported to \S+: it has \d+ bytes, more than the 10240/)
    await build(newRoot(), isEmpty, from)
  })

  it('are left out with a warning while another build has them to itself', async () => {
    const { to } = local('locked')
    const root = newRoot()
    await build(root, fill)
    const file = await written([run('id=m,sharing=locked', 'echo is-held; /bin/busybox sleep 60')])
    const holder = home.start(['build', '--progress=plain', '--root', root, '-f', file, context])
    const ended = new Promise((resolve) => holder.once('exit', resolve))
    try {
      await new Promise<void>((resolve, reject) => {
        let output = ''
        const read = (chunk: Buffer): void => {
          output += chunk.toString()
          if (/ is-held$/m.test(output)) resolve()
        }
        holder.stdout?.on('data', read)
        holder.stderr?.on('data', read)
        holder.once('exit', () => reject(new Error(output)))
      })
      expect(await build(root, fill, to)).toMatch(/\/m is not exported to \S+: another build has it to itself/)
    } finally {
      holder.kill('SIGINT')
      await ended
    }
  })

  it('begin empty, with a warning, if what a cache has is damaged', async () => {
    const { to, from, folder } = local('damaged')
    await build(newRoot(), fill, to)
    const blobs = join(folder, 'blobs', 'sha256')
    const texts = readdirSync(blobs).map((name) => ({ name, bytes: readFileSync(join(blobs, name)) }))
    const record = texts.find(({ bytes }) => bytes.includes('contents of the cache mount /m'))
    const { layers } = JSON.parse(record?.bytes.toString() ?? '') as { layers: { digest: string }[] }
    const layer = join(blobs, (layers[0]?.digest ?? '').slice('sha256:'.length))
    const good = readFileSync(layer)
    writeFileSync(layer, Buffer.alloc(good.length, 7))
    const said = await build(newRoot(), isEmpty, from)
    expect(said).toContain('the cache mount /m cannot be had from a cache, and begins empty')
    writeFileSync(layer, good)
    writeFileSync(join(blobs, record?.name ?? ''), record?.bytes.toString().replace('contents', 'kontents') ?? '')
    expect(await build(newRoot(), isEmpty, from)).toContain('is of no use')
  })

  it('from single mode stay here, unless that is asked for', async () => {
    const { to, from } = local('single')
    const said = await build(newRoot(), fill, '--isolation=single', to.replace('emulated=true,', ''))
    expect(said).toContain('in single mode they have not every owner')
    await build(newRoot(), isEmpty, '--isolation=single', from)
  })
})
