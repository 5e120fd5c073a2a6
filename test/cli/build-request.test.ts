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
      buildArgs: {},
      labels: {},
      env: {},
      unsetEnv: [],
      unsetLabels: [],
      platforms: [],
      tags: [],
      noCache: false,
      noCacheStages: [],
      pull: 'missing',
      network: 'host',
      outputs: [],
      annotations: [],
      squash: false,
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
