/** Command lines as docker users type them. */
import { describe, expect, it } from 'vitest'
import { readArguments } from '../../src/cli/argv.ts'
import { type Command, defineCommand } from '../../src/cli/command.ts'
import { commands, findCommand } from '../../src/cli/commands.ts'
import { splitGlobals } from '../../src/cli/globals.ts'
import { WherryError } from '../../src/core/errors.ts'

const command = defineCommand({
  usage: '[OPTIONS] PATH',
  arguments: [0, 2],
  options: {
    tag: { kind: 'list', short: 't', help: '' },
    file: { kind: 'string', short: 'f', help: '' },
    interactive: { kind: 'boolean', short: 'i', help: '' },
    quiet: { kind: 'boolean', short: 'q', help: '' },
    verify: { kind: 'boolean', on: true, help: '' },
    pull: { kind: 'optional', bare: 'true', choices: ['true', 'false', 'always'], help: '' },
    mode: { kind: 'string', choices: ['a', 'b'], aliases: ['modus'], help: '' },
  },
  unsupported: ['--secret', '-m'],
  refused: { '--destination': 'write -t NAME --push' },
  run: () => Promise.resolve(0),
})

const read = (argv: readonly string[], of: Command = command) => readArguments(argv, of, 'try')
const failure = (argv: readonly string[]): WherryError => {
  try {
    read(argv)
  } catch (error) {
    if (error instanceof WherryError) return error
  }
  throw new Error('was accepted')
}

describe('reading options', () => {
  it.each<[string[], Record<string, unknown>]>([
    [['-t', 'x/y', '.'], { tag: ['x/y'] }],
    [['-t=x/y', '.'], { tag: ['x/y'] }],
    [['-tx/y'], { tag: ['x/y'] }],
    [['--tag', 'a', '--tag=b'], { tag: ['a', 'b'] }],
    [['-f', '-'], { file: '-' }],
    [['-f-'], { file: '-' }],
    [['--file', '--odd'], { file: '--odd' }],
    [['--file=a', '--file', 'b'], { file: 'b' }],
    [['--file='], { file: '' }],
    [['--file=a=b'], { file: 'a=b' }],
    [['-iq'], { interactive: true, quiet: true }],
    [['-qit', 'x'], { interactive: true, quiet: true, tag: ['x'] }],
    [['--quiet=false', '-i=0'], { quiet: false, interactive: false }],
    [['--verify=F'], { verify: false }],
    [[], { verify: true, quiet: false, pull: undefined, tag: [], file: undefined }],
    [['--pull'], { pull: 'true' }],
    [['--pull=always', '.'], { pull: 'always' }],
    [['--modus', 'b'], { mode: 'b' }],
    [['--cache-dir', '/s'], { root: '/s' }],
  ])('takes %j', (argv, expected) => {
    expect(read(argv).options).toMatchObject(expected)
  })

  it('keeps arguments in order, with - among them and everything after --', () => {
    expect(read(['a', '-q', '-']).args).toEqual(['a', '-'])
    expect(read(['-q', '--', '-t', 'x']).args).toEqual(['-t', 'x'])
  })

  it('gives no value to an optional one from the next argument', () => {
    const { options, args } = read(['--pull', 'always'])
    expect([options['pull'], args]).toEqual(['true', ['always']])
  })

  it('leaves the rest to a program when the command says so', () => {
    const run = { ...command, stopAtArgument: true, arguments: [0, Infinity] as const }
    expect(read(['-q', 'image', 'ls', '-t', '--file'], run).args).toEqual(['image', 'ls', '-t', '--file'])
  })
})

describe('refusing', () => {
  it.each<[string[], RegExp]>([
    [['--nope'], /unknown option --nope/],
    [['-x'], /unknown option -x/],
    [['-qx'], /unknown option -x/],
    [['--tag'], /--tag needs a value/],
    [['-qt'], /-t needs a value/],
    [['--quiet=maybe'], /neither true nor false/],
    [['--mode', 'c'], /"c" is not one of a, b/],
    [['--pull=often'], /not one of/],
    [['--secret', 'id=x'], /--secret is not implemented yet/],
    [['-m', '1g'], /-m is not implemented yet/],
    [['--destination=x'], /--destination is not an option here: write -t NAME --push/],
    [['a', 'b', 'c'], /takes 0 to 2 arguments, not 3/],
  ])('%j', (argv, message) => {
    const error = failure(argv)
    expect(error.code).toBe('usage')
    expect(error.message).toMatch(message)
  })

  it('suggests the option that was meant', () => {
    expect(failure(['--quite']).hint).toBe('Did you mean --quiet?')
  })

  it('does not count arguments when help is asked for', () => {
    expect(read(['--help', 'a', 'b', 'c']).options.help).toBe(true)
  })
})

describe('finding the command', () => {
  it.each([
    ['image ls', 'images'],
    ['image rm', 'rmi'],
    ['images', 'images'],
    ['image history', 'history'],
  ])('%s is %s', (typed, name) => {
    expect(findCommand([...typed.split(' '), 'rest'])).toMatchObject({ typed, rest: ['rest'], entry: { name } })
  })

  it('finds nothing for half a name', () => {
    expect(findCommand(['image'])).toBeUndefined()
    expect(findCommand([])).toBeUndefined()
  })

  it('has every name once', () => {
    const names = commands.flatMap((entry) => [entry.name, ...entry.also])
    expect(new Set(names).size).toBe(names.length)
  })

  it('takes global options before it', () => {
    expect(splitGlobals(['--root', '/s', '-D', 'images', '-q'])).toEqual({
      globals: ['--root=/s', '--debug'],
      words: ['images', '-q'],
    })
    expect(() => splitGlobals(['--tag', 'x'])).toThrow('unknown option --tag before the command')
  })
})

describe('every command', () => {
  it.each(commands.map((entry) => [entry.name, entry] as const))(
    '%s has options that can be told apart',
    async (_, entry) => {
      const { options, unsupported, refused } = await entry.load()
      const written = Object.entries(options).flatMap(([name, spec]) => [
        `--${name}`,
        ...(spec.aliases ?? []).map((alias) => `--${alias}`),
        ...(spec.short === undefined ? [] : [`-${spec.short}`]),
      ])
      const all = [
        ...written,
        ...(unsupported ?? []),
        ...Object.keys(refused ?? {}),
        '--root',
        '--cache-dir',
        '--debug',
        '-D',
        '--help',
        '-h',
      ]
      expect(all.filter((name, i) => all.indexOf(name) !== i)).toEqual([])
    },
  )
})
