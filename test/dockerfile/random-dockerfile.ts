/** Random Dockerfiles: made by the language's grammar, with odd words, and then damaged here and there. */
import fc from 'fast-check'

const names = ['a', 'b', 'base', 'build', 'S1', 'scratch', 'context'] as const
const name = fc.constantFrom(...names)
const variable = fc.constantFrom('X', 'Y', 'PATH', 'TARGETARCH', 'HTTP_PROXY', 'unset', 'constructor', '__proto__')
const plain = fc.constantFrom(
  'x',
  'a.txt',
  './d/',
  '/abs/f',
  '*',
  '**/x',
  '..',
  'C:\\x',
  'ü',
  'http://h/f',
  'g.git#r:s',
  '-',
)
const operator = fc.constantFrom(
  '',
  ':-w',
  '-',
  ':+w',
  '+',
  ':?',
  '?no',
  '#*a',
  '##*',
  '%x',
  '%%*.',
  '/a/b',
  '//?/$0',
  '//',
  ':x',
)

const word: fc.Arbitrary<string> = fc.letrec<{ word: string }>((tie) => ({
  word: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    plain,
    variable.map((v) => `$${v}`),
    fc.tuple(variable, operator).map(([v, o]) => `\${${v}${o}}`),
    fc.tuple(variable, tie('word')).map(([v, w]) => `\${${v}:-${w}}`),
    tie('word').map((w) => `"${w}"`),
    tie('word').map((w) => `'${w}'`),
    fc.tuple(tie('word'), tie('word')).map(([v, w]) => v + w),
    fc.string({ unit: 'binary', maxLength: 4 }),
  ),
})).word

const words = fc.array(word, { minLength: 1, maxLength: 4 }).map((list) => list.join(' '))
const json = fc.array(word, { maxLength: 4 }).map((list) => JSON.stringify(list))
const pairs = fc
  .array(fc.tuple(variable, word), { minLength: 1, maxLength: 4 })
  .map((l) => l.map((p) => p.join('=')).join(' '))
const heredoc = fc
  .tuple(
    fc.constantFrom('<<', '<<-', '3<<'),
    fc.constantFrom('EOF', '"EOF"', "'E'", 'a b'),
    fc.array(word, { maxLength: 3 }),
  )
  .map(([open, mark, body]) => ({
    open: open + mark,
    body: `\n${body.map((line) => `\t${line}\n`).join('')}${mark.replace(/['"]/g, '')}`,
  }))

const mountKeys = fc.constantFrom(
  'type',
  'target',
  'source',
  'from',
  'id',
  'mode',
  'uid',
  'required',
  'rw',
  'size',
  'env',
)
const mountValues = fc.oneof(fc.constantFrom('bind', 'cache', 'tmpfs', 'secret', 'ssh', 'true', '0', '/m', 'a'), word)
const mount = fc
  .array(fc.tuple(mountKeys, mountValues), { maxLength: 4 })
  .map((l) => l.map((p) => p.join('=')).join(','))
const runFlag = fc.oneof(
  mount.map((m) => `--mount=${m} `),
  fc.constantFrom('--network=none ', '--network=x ', '--security=sandbox ', '--device=x ', '-- '),
)
const copyFlag = fc.oneof(
  fc.constantFrom('--link ', '--parents ', '--chmod=755 ', '--chmod=u+x ', '--exclude=*.a ', '--unpack=true ', '--x '),
  name.map((n) => `--from=${n} `),
  fc.integer({ min: -1, max: 5 }).map((n) => `--from=${n} `),
  word.map((w) => `--chown=${w} `),
)
const flags = (flag: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.array(flag, { maxLength: 2 }).map((list) => list.join(''))

const run = fc.oneof(
  fc.tuple(flags(runFlag), fc.oneof(words, json)).map(([f, w]) => `RUN ${f}${w}`),
  fc.tuple(flags(runFlag), heredoc).map(([f, h]) => `RUN ${f}${h.open}${h.body}`),
  fc.tuple(words, heredoc, heredoc).map(([w, g, h]) => `RUN ${w} ${g.open} ${h.open}${g.body}${h.body}`),
)
const copy = fc.oneof(
  fc.tuple(fc.constantFrom('COPY ', 'ADD '), flags(copyFlag), words, word).map(([c, f, w, d]) => `${c}${f}${w} ${d}`),
  fc.tuple(fc.constantFrom('COPY ', 'ADD '), json).map(([c, j]) => c + j),
  fc.tuple(fc.constantFrom('COPY ', 'ADD '), heredoc, word).map(([c, h, d]) => `${c}${h.open} ${d}${h.body}`),
)
const from = fc
  .tuple(
    fc.constantFrom('', '--platform=$BUILDPLATFORM ', '--platform=linux/arm64 ', '--platform=$X '),
    fc.oneof(name, word),
  )
  .chain(([platform, base]) =>
    fc.oneof(
      fc.constant(`FROM ${platform}${base}`),
      name.map((n) => `FROM ${platform}${base} AS ${n}`),
    ),
  )
const health = fc
  .tuple(
    fc.constantFrom('', '--interval=1s ', '--start-interval=1ms ', '--retries=3 ', '--timeout=x '),
    fc.oneof(words, json),
  )
  .map(([f, w]) => `HEALTHCHECK ${f}CMD ${w}`)
const simple = fc
  .tuple(
    fc.constantFrom(
      'CMD',
      'ENTRYPOINT',
      'SHELL',
      'VOLUME',
      'USER',
      'WORKDIR',
      'STOPSIGNAL',
      'MAINTAINER',
      'EXPOSE',
      'WROKDIR',
    ),
    fc.oneof(words, json),
  )
  .map(([i, w]) => `${i} ${w}`)
const settings = fc.tuple(fc.constantFrom('ENV', 'LABEL', 'ARG'), fc.oneof(pairs, words)).map(([i, p]) => `${i} ${p}`)
const ports = fc.constantFrom('80', '1-99/udp', '$X', '1-65535', '8:9', '[::1]:1:2', '99999').map((p) => `EXPOSE ${p}`)
const plainInstruction = fc.oneof(run, copy, settings, simple, health, ports)
const instruction = fc.oneof(
  { weight: 8, arbitrary: plainInstruction },
  { weight: 1, arbitrary: plainInstruction.map((i) => `ONBUILD ${i}`) },
  { weight: 2, arbitrary: from },
  { weight: 1, arbitrary: fc.constantFrom('# comment', '', '# escape=`', '# check=skip=all', '\t# x') },
)

/** Something done to a text at a place. */
interface Damage {
  readonly at: number
  readonly cut: number
  readonly put: string
}

const damage: fc.Arbitrary<Damage> = fc.record({
  at: fc.nat(2000),
  cut: fc.nat(12),
  put: fc.oneof(
    fc.constantFrom(
      '\\\n',
      '\\',
      '\n',
      '"',
      "'",
      '$',
      '${',
      '}',
      '<<',
      '<<EOF',
      '[',
      ']',
      '--',
      '=',
      '\0',
      '\ufeff',
      '`\n',
      '\r\n',
    ),
    fc.string({ unit: 'binary', maxLength: 3 }),
  ),
})

function damaged(text: string, all: readonly Damage[]): string {
  return all.reduce((now, { at, cut, put }) => {
    const place = at % (now.length + 1)
    return now.slice(0, place) + put + now.slice(place + cut)
  }, text)
}

const head = fc.constantFrom(
  '',
  '# syntax=docker/dockerfile:1\n',
  '# escape=`\n',
  'ARG X=a\n',
  'ARG X\nARG Y=$X$X\n',
  '\ufeff',
)

const hurts = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(damage, { maxLength: 3 }) },
)

/** The text of a Dockerfile, most of the time nearly right. */
export const randomDockerfile: fc.Arbitrary<string> = fc
  .tuple(
    head,
    fc.oneof(fc.constantFrom('FROM base', 'FROM scratch AS a'), from),
    fc.array(instruction, { maxLength: 8 }),
    hurts,
  )
  .map(([top, first, rest, hurt]) => damaged(`${top}${[first, ...rest].join('\n')}\n`, hurt))

/** One instruction, as an image's ONBUILD might hold it. */
export const randomTrigger: fc.Arbitrary<string> = fc
  .tuple(plainInstruction, fc.array(damage, { maxLength: 1 }))
  .map(([text, hurt]) => damaged(text, hurt))

/** Build args. */
export const randomArgs: fc.Arbitrary<Record<string, string>> = fc
  .array(fc.tuple(fc.oneof(variable, fc.constantFrom('BUILDKIT_INLINE_CACHE', 'SOURCE_DATE_EPOCH')), word), {
    maxLength: 3,
  })
  .map((list) => Object.fromEntries(list))
