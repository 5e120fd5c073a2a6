/** From options to a BuildRequest. */
import { describe, expect, it } from 'vitest'
import { readArguments } from '../../src/cli/argv.ts'
import { buildOptions } from '../../src/cli/build-options.ts'
import { type BuildOptions, buildRequest } from '../../src/cli/build-request.ts'
import { defineCommand } from '../../src/cli/command.ts'
import { parseOutputs } from '../../src/cli/outputs.ts'

const command = defineCommand({ usage: '', arguments: [0, 1], options: buildOptions, run: () => Promise.resolve(0) })

const request = (line: string, env: Record<string, string> = {}) => {
  const { options, args } = readArguments(line.split(' ').filter(Boolean), command, 'build')
  return buildRequest(options as unknown as BuildOptions, args[0] ?? '.', { cwd: '/work', env })
}

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
      push: false,
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
      sourceDateEpoch: 1_700_000_000,
    })
    expect(() => request('.', { SOURCE_DATE_EPOCH: 'now' })).toThrow('not a number')
    expect(() => request('--platform linux/amd64,linux/arm64 .')).toThrow('several platforms')
  })

  it('pushes only what has a name', () => {
    expect(request('--push -t me/app .').push).toBe(true)
    expect(() => request('--push .')).toThrow('--push needs a name')
    expect(() => request('-o type=registry .')).toThrow('--push needs a name')
  })

  it('refuses to turn off what cannot be turned off', () => {
    expect(() => request('--rm=false .')).toThrow('--rm=false is not possible')
  })
})

describe('outputs', () => {
  it.each([
    ['out', { type: 'local', dest: '/work/out' }],
    ['-', { type: 'tar', dest: '-' }],
    ['type=oci,dest=/x/y', { type: 'oci', dest: '/x/y', tar: true }],
    ['type=oci,dest=o,tar=false', { type: 'oci', dest: '/work/o', tar: false }],
    ['type=docker,dest=i.tar', { type: 'docker', dest: '/work/i.tar' }],
    ['type=tar,dest=-', { type: 'tar', dest: '-' }],
    ['"dest=a,b",type=local', { type: 'local', dest: '/work/a,b' }],
  ])('%s', (value, output) => {
    expect(parseOutputs([value], '/work')).toEqual({ outputs: [output], push: false })
  })

  it('takes type=registry and image,push=true as pushes', () => {
    expect(parseOutputs(['type=registry'], '/')).toEqual({ outputs: [], push: true })
    expect(parseOutputs(['type=image,push=true'], '/')).toEqual({ outputs: [], push: true })
    expect(parseOutputs(['type=image'], '/')).toEqual({ outputs: [], push: false })
  })

  it.each([
    ['type=oci', 'it has no dest'],
    ['type=zip,dest=x', '"zip" is not a type'],
    ['dest=x', 'it has no type'],
    ['type=oci,dest=x,rewrite-timestamp=true', 'the attribute "rewrite-timestamp" is not implemented'],
    ['type=oci,dest=x,tar=2', 'tar is neither true nor false'],
    ['type=oci,x', '"x" is not KEY=VALUE'],
    ['type="oci', 'a quote is in the wrong place'],
  ])('refuses %s', (value, message) => {
    expect(() => parseOutputs([value], '/')).toThrow(message)
  })
})
