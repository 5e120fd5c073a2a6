/** From options to a BuildRequest. */
import { describe, expect, it } from 'vitest'
import { readArguments } from '../../src/cli/argv.ts'
import { buildOptions } from '../../src/cli/build-options.ts'
import { type BuildOptions, buildRequest, wantsLoad } from '../../src/cli/build-request.ts'
import { defineCommand } from '../../src/cli/command.ts'

const command = defineCommand({ usage: '', arguments: [0, 1], options: buildOptions, run: () => Promise.resolve(0) })

const read = (line: string) => readArguments(line.split(' ').filter(Boolean), command, 'build')
const options = (line: string) => read(line).options as unknown as BuildOptions
const request = (line: string, env: Record<string, string> = {}) =>
  buildRequest(options(line), read(line).args[0] ?? '.', { cwd: '/work', env })

describe('a request', () => {
  it('has docker’s defaults', () => {
    expect(request('app')).toEqual({
      context: '/work/app',
      dockerfile: '/work/app/Dockerfile',
      contexts: {},
      buildArgs: {},
      labels: {},
      env: {},
      unsetEnv: [],
      unsetLabels: [],
      platforms: [],
      tags: [],
      noCache: false,
      noCacheStages: [],
      preflight: true,
      explain: false,
      cacheFrom: [],
      cacheTo: [],
      inlineCache: false,
      pull: 'missing',
      secrets: [],
      ssh: [],
      run: { extraHosts: [], ulimits: [] },
      network: 'host',
      outputs: [],
      annotations: [],
      squash: false,
      compatVolumes: false,
    })
  })

  it('resolves -f against the working folder, not the context', () => {
    expect(request('-f other/Dockerfile app').dockerfile).toBe('/work/other/Dockerfile')
  })

  it('gives tags in full', () => {
    expect(request('-t me/app -t localhost:5000/x:1 .').tags).toEqual(['docker.io/me/app:latest', 'localhost:5000/x:1'])
    expect(() => request(`-t x@sha256:${'0'.repeat(64)} .`)).toThrow('is a digest')
    expect(() => request('-t UPPER .')).toThrow('lowercase')
  })

  it('takes build args without a value from the environment, and drops those that are not there', () => {
    expect(request('--build-arg A --build-arg B=x=y --build-arg C --build-arg D= .', { A: 'a' }).buildArgs).toEqual({
      A: 'a',
      B: 'x=y',
      D: '',
    })
  })

  it('reads variables to set and to leave out', () => {
    const made = request('--env A=1 --env B --env C --unsetenv X,Y --unsetenv Z --unsetlabel l .', { B: 'b' })
    expect(made).toMatchObject({ env: { A: '1', B: 'b' }, unsetEnv: ['X', 'Y', 'Z'], unsetLabels: ['l'] })
  })

  it('reads labels', () => {
    expect(request('--label a=b=c --label empty .').labels).toEqual({ a: 'b=c', empty: '' })
    expect(() => request('--label =x .')).toThrow('has no key')
  })

  it('tells folders, repositories and URLs from each other', () => {
    const git = { kind: 'git', url: 'https://h/r.git#main:sub' }
    expect(request('https://h/r.git#main:sub')).toMatchObject({ context: '', dockerfile: '', remote: git })
    expect(request('-f d/Dockerfile git@h:r')).toMatchObject({ dockerfile: 'd/Dockerfile', remote: { url: 'git@h:r' } })
    expect(request('https://h/context.tar.gz').remote).toEqual({ kind: 'url', url: 'https://h/context.tar.gz' })
    expect(request('-f https://h/Dockerfile .')).toMatchObject({ context: '/work', dockerfile: 'https://h/Dockerfile' })
    expect(request('github.com/me/repo').remote).toEqual({ kind: 'git', url: 'github.com/me/repo' })
    expect(request('folder').remote).toBeUndefined()
  })

  it('reads named contexts', () => {
    const line =
      '--build-context a=dir --build-context docker.io/library/alpine:latest=docker-image://alpine:3 ' +
      '--build-context l=oci-layout://lay:v1 --build-context t=target:base --build-context g=https://h/r.git .'
    expect(request(line).contexts).toEqual({
      a: '/work/dir',
      alpine: 'docker-image://alpine:3',
      l: 'oci-layout:///work/lay:v1',
      t: 'target:base',
      g: 'https://h/r.git',
    })
    expect(() => request('--build-context a .')).toThrow('is not NAME=VALUE')
  })

  it('reads secrets as buildx does: a file, a variable, or what the id alone means', () => {
    const secrets = (line: string) => request(`${line} .`, { TOKEN: 't', EMPTY: '' }).secrets
    expect(secrets('--secret id=a,src=f')).toEqual([{ id: 'a', file: '/work/f' }])
    expect(secrets('--secret id=a,source=/f,type=file')).toEqual([{ id: 'a', file: '/f' }])
    expect(secrets('--secret id=a,env=TOKEN')).toEqual([{ id: 'a', variable: 'TOKEN', value: 't' }])
    expect(secrets('--secret type=env,id=a,src=TOKEN')).toEqual([{ id: 'a', variable: 'TOKEN', value: 't' }])
    expect(secrets('--secret type=env,id=NONE')).toEqual([{ id: 'NONE', variable: 'NONE', value: undefined }])
    expect(secrets('--secret id=TOKEN --secret id=EMPTY --secret id=file')).toEqual([
      { id: 'TOKEN', variable: 'TOKEN', value: 't' },
      { id: 'EMPTY', variable: 'EMPTY', value: '' },
      { id: 'file', file: '/work/file' },
    ])
    expect(secrets('--secret id=TOKEN,env=')).toEqual([{ id: 'TOKEN', variable: 'TOKEN', value: 't' }])
    expect(secrets('--secret id=a,src=,env=')).toEqual([{ id: 'a', file: '/work/a' }])
    expect(secrets('--secret id=a,type=env,src=,env=')).toEqual([{ id: 'a', variable: 'a', value: undefined }])
    expect(() => request('--secret src=f .')).toThrow('it has no id')
    expect(() => request('--secret id=a,mode=0400 .')).toThrow('unexpected key "mode"')
    expect(() => request('--secret id=a,type=vault .')).toThrow('unsupported type "vault"')
  })

  it('reads ssh agents and keys', () => {
    expect(request('--ssh default --ssh k=a,/b .', { SSH_AUTH_SOCK: '/s' }).ssh).toEqual([
      { id: 'default', paths: ['/s'] },
      { id: 'k', paths: ['/work/a', '/b'] },
    ])
    expect(() => request('--ssh default .')).toThrow('SSH_AUTH_SOCK is not set')
    expect(() => request('--ssh k=a,raw=true .')).toThrow('unsupported option "raw=true"')
  })

  it('reads what RUN is given', () => {
    const line =
      '--add-host db:10.0.0.5 --add-host six=[::1] --add-host v6:fe80::1 --shm-size 1.5g --ulimit nofile=1024:-1 --cgroup-parent p .'
    expect(request(line).run).toEqual({
      extraHosts: [
        ['db', '10.0.0.5'],
        ['six', '::1'],
        ['v6', 'fe80::1'],
      ],
      shmSize: 1.5 * 1024 ** 3,
      ulimits: [{ name: 'nofile', soft: 1024, hard: -1 }],
      cgroupParent: 'p',
    })
    expect(request('--ulimit core=0 --allow network.host .').run?.ulimits).toEqual([{ name: 'core', soft: 0, hard: 0 }])
  })

  it.each([
    ['--add-host db', 'no address'],
    ['--add-host db:host-gateway', 'there is no gateway'],
    ['--shm-size big', 'is not a size'],
    ['--ulimit nofile', 'is not NAME=SOFT'],
    ['--ulimit files=3', '"files" is no limit'],
    ['--ulimit nofile=5:3', 'above the hard one'],
    ['--ulimit nofile=-1:3', 'above the hard one'],
    ['--allow security.insecure', 'is not possible'],
    ['--allow anything', 'is not possible'],
  ])('refuses %s', (option, message) => {
    expect(() => request(`${option} .`)).toThrow(message)
  })

  it.each([
    ['--pull', 'always'],
    ['--pull=true', 'always'],
    ['--pull=false', 'missing'],
    ['--pull=never', 'never'],
    ['', 'missing'],
  ])('reads "%s" as %s', (option, policy) => {
    expect(request(`${option} .`).pull).toBe(policy)
  })

  it('reads platform, network and epoch', () => {
    const made = request('--platform linux/arm64/v8 --network none .', { SOURCE_DATE_EPOCH: '1700000000' })
    expect(made).toMatchObject({
      platforms: [{ os: 'linux', architecture: 'arm64' }],
      network: 'none',
      buildArgs: { SOURCE_DATE_EPOCH: '1700000000' },
    })
    expect(request('--build-arg SOURCE_DATE_EPOCH=2 .', { SOURCE_DATE_EPOCH: '1' }).buildArgs).toEqual({
      SOURCE_DATE_EPOCH: '2',
    })
    expect(request('--platform linux/amd64,arm64 --platform linux/arm .').platforms).toEqual([
      { os: 'linux', architecture: 'amd64' },
      { os: 'linux', architecture: 'arm64' },
      { os: 'linux', architecture: 'arm', variant: 'v7' },
    ])
  })

  it('pushes only what has a name', () => {
    expect(request('--push -t me/app .').outputs).toMatchObject([{ type: 'image', push: 'tag' }])
    expect(() => request('--push .')).toThrow('--push needs a name')
    expect(() => request('-o type=registry .')).toThrow('needs a name to push to')
  })

  it('refuses to turn off what cannot be turned off', () => {
    expect(() => request('--rm=false .')).toThrow('--rm=false is not possible')
    expect(() => request('--load=false .')).toThrow('--load=false is not possible')
  })

  it.each(['--provenance=false', '--sbom=false', '--sbom=0', '--attest type=sbom,disabled=true'])(
    'takes %s',
    (line) => {
      expect(request(`${line} .`).outputs).toEqual([])
    },
  )

  it.each(['--provenance', '--provenance=mode=max', '--sbom=true', '--attest type=provenance,mode=min'])(
    'refuses %s, which would be ignored',
    (line) => {
      expect(() => request(`${line} .`)).toThrow('wherry makes no attestations')
    },
  )

  it('reads annotations with their places', () => {
    expect(request('--annotation a=1 --annotation index,manifest[linux/arm64]:b.c=x=y .').annotations).toEqual([
      { scope: 'manifest', key: 'a', value: '1' },
      { scope: 'index', key: 'b.c', value: 'x=y' },
      { scope: 'manifest', platform: 'linux/arm64', key: 'b.c', value: 'x=y' },
    ])
    expect(() => request('--annotation layer:a=1 .')).toThrow('"layer" is not a place for annotations')
    expect(() => request('--annotation a .')).toThrow('it is not KEY=VALUE')
    expect(() => request('--annotation index[linux/arm64]:a=1 .')).toThrow('an index is not of one platform')
  })

  it('knows when an engine is wanted', () => {
    const wants = (line: string): boolean => wantsLoad(options(line))
    expect(wants('--load .')).toBe(true)
    expect(wants('-o type=docker .')).toBe(true)
    expect(wants('-o type=docker,dest=x .')).toBe(false)
    expect(wants('-o type=docker,dest=x,tar=false .')).toBe(false)
    expect(wants('.')).toBe(false)
  })
})
