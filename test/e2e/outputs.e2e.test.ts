/** What leaves a build, through the program: read by skopeo and tar. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Builder, newBuilder, noStaticBusybox } from '../support/busybox-image.ts'
import { type DebianRegistry, startDebianRegistry } from '../support/debian-registry.ts'
import { lacks, missingTools, noUserNamespace } from '../support/need.ts'
import { run } from '../support/tools.ts'

const isMissing =
  lacks('userns', noUserNamespace()) ||
  lacks('tools', noStaticBusybox()) ||
  lacks('tools', missingTools('skopeo', 'docker-registry', 'zstd'))

interface Described {
  readonly mediaType: string
  readonly digest: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly platform?: { readonly os: string; readonly architecture: string; readonly 'os.version'?: string }
}

interface RawManifest {
  readonly mediaType: string
  readonly config: Described
  readonly layers: readonly Described[]
  readonly manifests: readonly Described[]
  readonly annotations?: Readonly<Record<string, string>>
}

interface Event {
  readonly type: string
  readonly id?: string
  readonly kind?: string
}

describe.skipIf(isMissing)('outputs', () => {
  let builder: Builder
  let registry: DebianRegistry
  beforeAll(async () => {
    builder = await newBuilder()
    registry = await startDebianRegistry()
  })
  afterAll(async () => {
    await registry.stop()
    await builder.home.remove()
  })

  const folder = (): Promise<string> => mkdtemp(join(builder.home.dir, 'out-'))
  const json = <T = RawManifest>(text: string, _as?: T): T => JSON.parse(text) as T
  const raw = (at: string): RawManifest => json(run('skopeo', 'inspect', '--raw', '--tls-verify=false', at))
  const ofArchive = (file: string, path: string): RawManifest => json(run('tar', '-xOf', file, path))
  const pushed = (name: string): RawManifest => raw(`docker://${registry.address}/${name}`)
  const attempt = async (dockerfile: readonly string[], ...args: string[]): Promise<string> => {
    const ran = await builder.attempt(dockerfile, { f: 'f' }, args)
    expect(ran.code, ran.stderr).toBe(0)
    return ran.stdout + ran.stderr
  }
  const misuse = async (dockerfile: readonly string[], args: readonly string[]): Promise<string> => {
    const ran = await builder.attempt(dockerfile, { f: 'f' }, args)
    expect(ran.code, ran.stdout + ran.stderr).toBe(2)
    return ran.stderr
  }
  const small = ['FROM scratch', 'COPY f /f']

  it('of one platform are an index where BUILDKIT_MULTI_PLATFORM asks for one', async () => {
    const to = await folder()
    const wanted = ['--build-arg', 'BUILDKIT_MULTI_PLATFORM=1', '--platform', 'linux/amd64']
    await attempt(small, ...wanted, '-o', `type=oci,dest=${to}/o.tar`, '-o', `${to}/tree`)
    const index = raw(`oci-archive:${to}/o.tar`)
    expect(index.manifests.map(({ platform }) => platform)).toEqual([{ os: 'linux', architecture: 'amd64' }])
    expect(readFileSync(`${to}/tree/linux_amd64/f`, 'utf8')).toBe('f')
    expect(await misuse(small, [...wanted, '-o', `type=docker,dest=${to}/d.tar`])).toContain('one platform')
  })

  it('leave for the registry while later steps still run', async () => {
    const steps = ['FROM box', 'COPY f /f', 'RUN sleep 2']
    const ran = await builder.attempt(steps, { f: 'f' }, ['--progress=json', '--push', `-t${registry.address}/early`])
    expect(ran.code, ran.stderr).toBe(0)
    const events = (ran.stdout + ran.stderr)
      .split('\n')
      .flatMap((line) => (line.startsWith('{') ? [json<Event>(line)] : []))
    const ends = events.flatMap(({ type, id = '', kind }, at) => ({ type, id, kind, at }))
    const pushed = ends.find(({ type, id }) => type === 'transfer-finished' && id.startsWith('push '))!
    const lastStep = ends.findLast(({ type }) => type === 'step-finished')!
    expect(pushed.at).toBeLessThan(lastStep.at)
  })

  it('are several at once, with the names of -t', async () => {
    const to = await folder()
    await attempt(
      ['FROM box', 'RUN echo x > /x && ln /x /y', 'COPY f /d/f'],
      ...['-t', 'me/app:1', '-o', `type=oci,dest=${to}/o.tar`, '-o', `type=docker,dest=${to}/d.tar`],
      ...['-o', `${to}/tree`, '-o', `type=tar,dest=${to}/t.tar`, '-o', `type=oci,tar=false,dest=${to}/layout`],
    )
    const oci = json<{ Digest: string; Layers: string[] }>(run('skopeo', 'inspect', `oci-archive:${to}/o.tar`))
    const docker = json<{ Layers: string[] }>(run('skopeo', 'inspect', `docker-archive:${to}/d.tar`))
    expect(oci.Layers).toHaveLength(docker.Layers.length)
    expect(json<{ Digest: string }>(run('skopeo', 'inspect', `oci:${to}/layout`)).Digest).toBe(oci.Digest)
    // What docker load takes is an OCI layout too, for engines of the new kind.
    expect(raw(`oci-archive:${to}/d.tar`)).toEqual(raw(`oci-archive:${to}/o.tar`))
    const [entry] = ofArchive(`${to}/o.tar`, 'index.json').manifests
    expect(entry?.annotations).toMatchObject({ 'io.containerd.image.name': 'docker.io/me/app:1' })
    expect(readFileSync(`${to}/tree/d/f`, 'utf8')).toBe('f')
    expect(statSync(`${to}/tree/x`).ino).toBe(statSync(`${to}/tree/y`).ino)
    expect(run('tar', '-tvf', `${to}/t.tar`, 'y')).toContain('y link to x')
    await builder.home.ok('inspect', 'me/app:1')
  })

  describe('with a compression', () => {
    const typesOf = (file: string): string[] =>
      raw(`oci-archive:${file}`).layers.map((l) => l.mediaType.split('.').at(-1)!)

    it('of zstd have layers of this build in it, and those of the base too if it is forced', async () => {
      const to = await folder()
      await attempt(['FROM box'], '-t', 'packed', '-o', 'type=image,compression=gzip')
      const args = ['-o', `type=oci,dest=${to}/a.tar,compression=zstd`]
      await attempt(['FROM packed', 'COPY f /f'], ...args)
      expect(typesOf(`${to}/a.tar`).at(-1)).toBe('tar+zstd')
      expect(new Set(typesOf(`${to}/a.tar`).slice(0, -1))).toEqual(new Set(['tar+gzip']))
      const forced = ['-o', `type=oci,dest=${to}/b.tar,compression=zstd,force-compression=true`]
      await attempt(['FROM packed', 'COPY f /f'], ...forced)
      expect(new Set(typesOf(`${to}/b.tar`))).toEqual(new Set(['tar+zstd']))
      run('skopeo', 'copy', `oci-archive:${to}/b.tar`, `dir:${to}/copied`)
    })

    it('are the same each time, and leave the default as it was', async () => {
      const to = await folder()
      const build = (name: string, more: string): Promise<string> =>
        attempt(small, '-o', `type=oci,dest=${to}/${name}${more}`)
      await build('plain.tar', ',compression=uncompressed')
      await build('zstd.tar', ',compression=zstd,compression-level=9')
      await build('again.tar', ',compression=zstd,compression-level=9')
      await build('gzip.tar', '')
      await build('best.tar', ',compression-level=9')
      expect(typesOf(`${to}/plain.tar`)).toEqual(['tar'])
      expect(readFileSync(`${to}/zstd.tar`).equals(readFileSync(`${to}/again.tar`))).toBe(true)
      expect(typesOf(`${to}/gzip.tar`)).toEqual(['tar+gzip'])
      expect(typesOf(`${to}/best.tar`)).toEqual(['tar+gzip'])
    })
  })

  it('with oci-mediatypes=false have docker’s media types all over', async () => {
    const to = await folder()
    const name = `${registry.address}/types:1`
    await attempt(small, '-t', name, '-o', 'type=registry,oci-mediatypes=false', '--annotation', 'a=b')
    const manifest = pushed('types:1')
    expect([manifest.mediaType, manifest.config.mediaType, manifest.layers[0]?.mediaType]).toEqual([
      'application/vnd.docker.distribution.manifest.v2+json',
      'application/vnd.docker.container.image.v1+json',
      'application/vnd.docker.image.rootfs.diff.tar.gzip',
    ])
    // The stored image stays what it is, also when it is pushed later.
    await builder.home.ok('push', name)
    expect(pushed('types:1')).toEqual(manifest)
    run('skopeo', 'copy', '--src-tls-verify=false', `docker://${name}`, `dir:${to}/copied`)
  })

  describe('that are pushed', () => {
    it('have every name, and the metadata of what the registry has', async () => {
      const to = await folder()
      const names = [`${registry.address}/many/a:1`, `${registry.address}/many/b:2`]
      const files = ['--metadata-file', `${to}/m.json`, '--iidfile', `${to}/id`]
      await attempt(small, ...names.flatMap((n) => ['-t', n]), '--push', ...files)
      const metadata = json<Record<string, string>>(await readFile(`${to}/m.json`, 'utf8'))
      const seen = names.map((n) =>
        json<{ Digest: string }>(run('skopeo', 'inspect', '--tls-verify=false', `docker://${n}`)),
      )
      expect(seen.map((s) => s.Digest)).toEqual([metadata['containerimage.digest'], metadata['containerimage.digest']])
      expect(metadata['containerimage.config.digest']).toBe(pushed('many/a:1').config.digest)
      expect(await readFile(`${to}/id`, 'utf8')).toBe(pushed('many/a:1').config.digest)
      expect(metadata['image.name']).toBe(names.join(','))
      expect(metadata['containerimage.descriptor']).toMatchObject({ digest: metadata['containerimage.digest'] })
    })

    it('by digest have no tag', async () => {
      const to = await folder()
      const output = `type=image,name=${registry.address}/nameless,push=true,push-by-digest=true`
      await attempt(small, '-o', output, '--metadata-file', `${to}/m.json`)
      const digest = json<Record<string, string>>(await readFile(`${to}/m.json`, 'utf8'))['containerimage.digest']
      expect(pushed(`nameless@${digest}`).layers).toHaveLength(1)
      expect(() => pushed('nameless:latest')).toThrow()
    })

    it('to nowhere name what failed', async () => {
      const told = await builder.refusal(small, { f: 'f' }, ['-t', '127.0.0.1:1/no/where:1', '--push'])
      expect(told).toContain('127.0.0.1:1/no/where')
    })
  })

  describe('with annotations', () => {
    it('have them where they belong', async () => {
      const to = await folder()
      const annotations = ['--annotation', 'org.example.m=1', '--annotation', 'manifest-descriptor:org.example.d=2']
      await attempt(small, ...annotations, '-o', `type=oci,dest=${to}/a.tar,annotation.org.example.o=3`)
      expect(raw(`oci-archive:${to}/a.tar`).annotations).toEqual({ 'org.example.m': '1', 'org.example.o': '3' })
      expect(ofArchive(`${to}/a.tar`, 'index.json').manifests[0]?.annotations).toEqual({ 'org.example.d': '2' })
    })

    it('of an index, for one platform, are refused', async () => {
      const told = await misuse(small, ['--annotation', 'index:a=b'])
      expect(told).toContain('an image for one platform has no index')
    })

    it('of another platform are refused', async () => {
      const told = await misuse(small, ['--annotation', 'manifest[linux/s390x]:a=b'])
      expect(told).toContain('nothing is built for linux/s390x')
    })
  })

  describe('for several platforms', () => {
    const dockerfile = [
      'FROM scratch',
      'ARG TARGETARCH TARGETPLATFORM',
      'LABEL p=$TARGETPLATFORM',
      'COPY $TARGETARCH /arch',
    ]
    const platforms = ['--platform', 'linux/amd64,linux/arm/v6', '--platform', 'windows(10.0.17763)/amd64']
    const files = { amd64: 'amd64', arm: 'arm' }

    it('are an index in store, archive and registry', async () => {
      const to = await folder()
      const name = `${registry.address}/multi:1`
      const args = [
        ...platforms,
        ...['-t', name, '--push', '-o', `type=oci,dest=${to}/o.tar`, '--metadata-file', `${to}/m.json`],
        ...['--annotation', 'index:i=1', '--annotation', 'manifest[linux/arm/v6]:m=2'],
        ...['--annotation', 'manifest-descriptor:d=3', '--iidfile', `${to}/id`],
      ]
      const ran = await builder.attempt(dockerfile, files, args)
      expect(ran.code, ran.stderr).toBe(0)
      const index = pushed('multi:1')
      expect(index.mediaType).toBe('application/vnd.oci.image.index.v1+json')
      expect(index.annotations).toEqual({ i: '1' })
      expect(index.manifests.map((m) => m.platform)).toEqual([
        { architecture: 'amd64', os: 'linux' },
        { architecture: 'arm', os: 'linux', variant: 'v6' },
        { architecture: 'amd64', os: 'windows', 'os.version': '10.0.17763' },
      ])
      expect(index.manifests.map((m) => m.annotations)).toEqual([{ d: '3' }, { d: '3' }, { d: '3' }])
      const arm = pushed(`multi@${index.manifests[1]!.digest}`)
      expect(arm.annotations).toEqual({ m: '2' })
      const inspected = json<{ Labels: unknown }>(
        run('skopeo', 'inspect', '--tls-verify=false', '--override-os=windows', `docker://${name}`),
      )
      expect(inspected.Labels).toEqual({ p: 'windows(10.0.17763)/amd64' })
      run('skopeo', 'copy', '--all', `oci-archive:${to}/o.tar`, `dir:${to}/copied`)
      const metadata = json<Record<string, string>>(await readFile(`${to}/m.json`, 'utf8'))
      const top = json<{ Digest: string }>(run('skopeo', 'inspect', '--tls-verify=false', `docker://${name}`)).Digest
      expect(metadata['containerimage.digest']).toBe(top)
      expect(metadata['containerimage.config.digest']).toBeUndefined()
      // Later from the store, and from it under another name.
      await builder.home.ok('tag', name, `${registry.address}/multi:2`)
      await builder.home.ok('push', `${registry.address}/multi:2`)
      expect(pushed('multi:2')).toEqual(index)
      expect(await builder.home.ok('images', '-q')).toContain((await readFile(`${to}/id`, 'utf8')).slice(7, 19))
      const [shown] = json<{ Manifests: Described[] }[]>(await builder.home.ok('inspect', name))
      expect(shown?.Manifests.map((m) => m.platform)).toEqual(index.manifests.map((m) => m.platform))
      expect(await builder.home.ok('history', name)).toContain('LABEL p=linux/amd64')
    })

    it('are bases for builds of each', async () => {
      await builder.attempt(dockerfile, files, [...platforms, '-t', 'multi-base'])
      const to = await folder()
      const ran = await builder.attempt(['FROM multi-base'], {}, ['--platform=linux/arm/v6', '-o', to])
      expect(ran.code, ran.stderr).toBe(0)
      expect(readFileSync(`${to}/arch`, 'utf8')).toBe('arm')
    })

    it('are folders side by side, or one if their files differ', async () => {
      const to = await folder()
      const args = [...platforms, '-o', `${to}/split`, '-o', `type=tar,dest=${to}/t.tar`]
      const ran = await builder.attempt(dockerfile, files, args)
      expect(ran.code, ran.stderr).toBe(0)
      expect(readdirSync(`${to}/split`).sort()).toEqual(['linux_amd64', 'linux_arm_v6', 'windows(10.0.17763)_amd64'])
      expect(readFileSync(`${to}/split/linux_arm_v6/arch`, 'utf8')).toBe('arm')
      expect(run('tar', '-xOf', `${to}/t.tar`, 'linux_arm_v6/arch')).toBe('arm')
      const together = [...platforms.slice(0, 2), '-o', `type=local,dest=${to}/one,platform-split=false`]
      const split = ['FROM scratch', 'ARG TARGETARCH', 'COPY $TARGETARCH /']
      expect((await builder.attempt(split, files, together)).code).toBe(0)
      expect(readdirSync(`${to}/one`).sort()).toEqual(['amd64', 'arm'])
      expect(await builder.refusal(dockerfile, files, together)).toContain('cannot overwrite arch from linux/amd64')
    })

    it('run a step that they share once', async () => {
      const shared = ['FROM --platform=$BUILDPLATFORM box AS one', 'RUN cat /proc/sys/kernel/random/uuid > /id']
      const to = await folder()
      const build = [...shared, 'FROM scratch', 'COPY --from=one /id /id']
      const ran = await builder.attempt(build, {}, ['--platform=linux/amd64,linux/arm64', '-o', to])
      expect(ran.code, ran.stderr).toBe(0)
      const [a, b] = ['amd64', 'arm64'].map((p) => readFileSync(`${to}/linux_${p}/id`, 'utf8'))
      expect(a).toBe(b)
    })

    it('say what is missing where a step cannot run', async () => {
      const told = await builder.refusal(
        ['FROM scratch', 'COPY --chmod=755 sh /bin/sh', 'RUN true'],
        { sh: alienProgram() },
        ['--platform=linux/arm64'],
      )
      expect(told).toMatch(/has no emulator for programs of linux\/arm64: .*binfmt_misc/)
    })

    it('cannot be a docker archive', async () => {
      const told = await misuse(dockerfile, [...platforms, '-o', 'type=docker,dest=x'])
      expect(told).toContain('type=docker holds an image for one platform')
    })
  })

  it('with --squash have one layer above the base, and the same files', async () => {
    const dockerfile = [
      'FROM box',
      'RUN mkdir /d && echo 1 > /d/a && ln /d/a /d/b && rm /etc/group && rm -r /tmp && echo x > /gone',
      'RUN rm /gone && echo 2 > /d/c && mkdir /tmp && touch /tmp/mine',
      'RUN rm -r /d && mkdir /d && echo 3 > /d/e && ln /d/e /d/f',
      'COPY f /f',
    ]
    const plain = await builder.build(dockerfile, { f: 'f' })
    const squashed = await builder.build(dockerfile, { f: 'f' }, ['--squash'])
    const base = await builder.build(['FROM box'])
    expect(squashed.layers).toHaveLength(base.layers.length + 1)
    const shown = (root: typeof plain): string[] =>
      [...root.root().values()].map((e) => `${e.path} ${e.type} ${e.mode} ${e.owner} ${e.size} ${e.link ?? ''}`)
    expect(shown(squashed)).toEqual(shown(plain))
    expect(squashed.paths(-1)).toContain('etc/.wh.group')
    expect(squashed.paths(-1)).not.toContain('.wh.gone')
    expect(squashed.config.history.filter((h) => h.empty_layer !== true)).toHaveLength(squashed.layers.length)
  })

  it('into an engine are a note, as there is none', async () => {
    for (const args of [['--load'], ['-o', 'type=docker']]) {
      expect(await attempt(small, '-t', 'loaded', ...args)).toContain('there is no engine to load into')
    }
  })

  it('go to folders that are made, and not over a file that is none', async () => {
    const to = await folder()
    await attempt(small, '-o', `type=tar,dest=${to}/new/deep/t.tar`)
    expect(run('tar', '-tf', `${to}/new/deep/t.tar`)).toBe('f\n')
    const told = await builder.refusal(small, { f: 'f' }, ['-o', `${to}/new/deep/t.tar`])
    expect(told).toMatch(/t\.tar is a file, where a folder is to be written \[io\]/)
  })

  it('to standard output are the archive alone', async () => {
    const to = await folder()
    const context = await folder()
    await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n')
    const child = builder.home.start(['build', '-o', '-', context])
    const chunks: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    await new Promise((resolve) => child.once('close', resolve))
    await writeFile(`${to}/t.tar`, Buffer.concat(chunks))
    expect(run('tar', '-tf', `${to}/t.tar`)).toBe('Dockerfile\n')
  })
})

/** The head of a program for 64-bit ARM (no byte of it would run anywhere). */
function alienProgram(): Buffer {
  const head = Buffer.alloc(120)
  Buffer.from('\x7fELF\x02\x01\x01', 'latin1').copy(head)
  head.writeUInt16LE(2, 16)
  head.writeUInt16LE(183, 18)
  head.writeUInt32LE(1, 20)
  head.writeBigUInt64LE(0x400000n, 24)
  head.writeBigUInt64LE(64n, 32)
  for (const [at, value] of [
    [52, 64],
    [54, 56],
    [56, 1],
    [58, 64],
  ] as const)
    head.writeUInt16LE(value, at)
  head.writeUInt32LE(1, 64)
  head.writeUInt32LE(5, 68)
  return head
}
