/** What holds for every input: the front end fails with errors of its own only, and ends. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WherryError } from '../../src/core/errors.ts'
import { expandHeredoc, expandWord, expandWords } from '../../src/dockerfile/expand.ts'
import { goMatch } from '../../src/dockerfile/go-match.ts'
import { compileIgnore } from '../../src/dockerfile/ignore.ts'
import { parseDockerfile, parseInstruction } from '../../src/dockerfile/parse.ts'
import { parsePorts } from '../../src/dockerfile/ports.ts'

/** Gives what `work` gives, or undefined if it threw an error of ours; anything else fails the test. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof WherryError) return undefined
    throw error
  }
}

/** Texts made of pieces that mean something, so that the odd corners are reached. */
function textOf(pieces: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...pieces) },
    fc.string({ unit: 'binary', maxLength: 3 }),
  )
  return fc.array(piece, { maxLength: 25 }).map((parts) => parts.join(''))
}

const instructions = 'FROM ARG ENV LABEL RUN COPY ADD CMD SHELL EXPOSE VOLUME ONBUILD HEALTHCHECK USER'.split(' ')
const dockerfiles = textOf([
  ...instructions.map((name) => `${name} `),
  ...['\n', '\n', '\\\n', '\r\n', '# ', '# escape=`\n', '`\n', '<<EOF', '<<-"E"', '\nEOF\n', '["a"]', '[', '"', "'"],
  ...['--from=', '--x ', '-- ', ' ', 'a=b', '$x', '${x:-y}', 'NONE', 'CMD ', '\ufeff', '\t'],
])
const words = textOf([...'${}:-+?#%/\\\'"<* '.split(''), '${x', '${x:-', '${x#', '${x//', 'x', 'unset', '<<'])
const env = (name: string): string | undefined => (name === 'x' ? 'va lue/$0*' : undefined)

describe('the parser', () => {
  it('throws nothing but errors of wherry, each with its place', () => {
    fc.assert(
      fc.property(dockerfiles, (text) => {
        try {
          const { stages } = parseDockerfile(`FROM a\n${text}`, { file: 'f' })
          for (const { instructions: list } of stages) for (const { at } of list) expect(at.endLine).toBeGreaterThan(0)
        } catch (error) {
          if (!(error instanceof WherryError)) throw error
          expect(error.code).toBe('dockerfile-syntax')
          expect(error.at).toBeDefined()
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('takes any text as a trigger or refuses it', () => {
    fc.assert(
      fc.property(
        dockerfiles,
        (text) => void attempt(() => parseInstruction(text, { file: 'f', startLine: 1, endLine: 1 })),
      ),
    )
  })

  it('gives back every pair of an ENV that is quoted', () => {
    const value = fc.string({ maxLength: 20 }).filter((text) => !/[\n\r"\\$]/.test(text))
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), (values) => {
        const text = values.map((v, i) => `K${i}="${v}"`).join(' ')
        const [instruction] = parseDockerfile(`FROM a\nENV ${text}`, { file: 'f' }).stages[0]!.instructions
        const pairs = instruction?.kind === 'ENV' ? instruction.pairs : []
        expect(pairs.map((pair) => expandWord(pair.value, env, { escape: '\\' }).value)).toEqual(values)
      }),
    )
  })
})

describe('expansion', () => {
  it('is total', () => {
    fc.assert(
      fc.property(words, (word) => {
        for (const escape of ['\\', '`']) {
          attempt(() => expandWord(word, env, { escape }))
          attempt(() => expandWords(word, env, { escape, keepQuotes: true, keepEscapes: true, keepUnset: true }))
        }
        attempt(() => expandHeredoc(word, env))
      }),
      { numRuns: 3000 },
    )
  })

  it('leaves text without special characters alone', () => {
    const plain = fc.string({ unit: 'binary' }).filter((text) => !/[$\\'"]/.test(text))
    fc.assert(
      fc.property(plain, (text) => {
        expect(expandWord(text, env, { escape: '\\' }).value).toBe(text)
      }),
    )
  })

  it('does not hang on patterns with many stars', () => {
    const value = 'a'.repeat(2000)
    const pattern = '*a'.repeat(30)
    const lookup = (): string => value
    const started = performance.now()
    expect(expandWord(`\${x##${pattern}b}`, lookup, { escape: '\\' }).value).toBe(value)
    expect(performance.now() - started).toBeLessThan(2000)
  })
})

describe('patterns', () => {
  const patterns = textOf(['*', '**', '?', '[', ']', '^', '-', '\\', '/', '!', 'a', 'b', '.', '[a-b]', '(', '$'])
  const paths = fc.array(fc.constantFrom('a', 'b', 'ab', '.a', '\u00c3\u00a9', '\u00ff'), {
    minLength: 1,
    maxLength: 4,
  })

  it('are matched or refused', () => {
    fc.assert(
      fc.property(patterns, paths, (pattern, parts) => {
        attempt(() => goMatch(pattern, parts.join('/')))
        attempt(() => compileIgnore([pattern, `!${pattern}`]).ignores(parts.join('/')))
      }),
      { numRuns: 2000 },
    )
  })

  it('never prune a folder that holds something to bring back', () => {
    const some = fc.array(
      fc.tuple(
        fc.boolean(),
        fc.constantFrom('*', '**', 'a', 'b', 'a/b', 'a/*', '**/b', 'a/**', 'ab/b', '?b', 'a/b/**', '**/a/*'),
      ),
      { minLength: 1, maxLength: 5 },
    )
    fc.assert(
      fc.property(some, paths, (list, parts) => {
        const matcher = compileIgnore(list.map(([inverted, pattern]) => (inverted ? `!${pattern}` : pattern)))
        let parent: ReturnType<typeof matcher.match> | undefined
        let pruned = false
        for (let i = 1; i <= parts.length; i++) {
          const path = parts.slice(0, i).join('/')
          parent = matcher.match(path, parent)
          if (pruned) expect(parent.ignored).toBe(true)
          pruned ||= matcher.canPruneDirectory(path, parent)
        }
      }),
      { numRuns: 3000 },
    )
  })

  it('with a literal path match that path alone', () => {
    fc.assert(
      fc.property(paths, paths, (a, b) => {
        expect(goMatch(a.join('/'), b.join('/'))).toBe(a.join('/') === b.join('/'))
      }),
    )
  })
})

describe('EXPOSE', () => {
  it('takes any word or refuses it', () => {
    fc.assert(
      fc.property(
        textOf(['80', '-', '/', 'tcp', ':', '[', ']', '::1', '+']),
        (word) => void attempt(() => parsePorts([word])),
      ),
    )
  })

  it('counts ranges', () => {
    expect(parsePorts(['80', '53/UDP', '8000-8002/tcp', '127.0.0.1:1-2:3'])).toEqual([
      '80/tcp',
      '53/udp',
      '8000/tcp',
      '8001/tcp',
      '8002/tcp',
      '3/tcp',
    ])
  })
})
