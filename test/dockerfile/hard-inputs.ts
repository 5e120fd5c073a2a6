/** Texts that take a careless reader a time that grows with more than their length, each about as long as asked for. */

/** Makes a text of about `size` characters. */
type Maker = (size: number) => string

const many = (size: number, line: (i: number) => string): string => {
  let text = ''
  for (let i = 0; text.length < size; i++) text += `${line(i)}\n`
  return text
}
const stage = (body: string): string => `FROM scratch\n${body}\n`
const times = (size: number, piece: string): string => piece.repeat(Math.ceil(size / piece.length))
/** A line's length is limited: what is longer is continued. */
const wide = (size: number, piece: string): string => {
  const perLine = Math.max(1, Math.floor(60_000 / piece.length))
  const line = `${piece.repeat(perLine)}\\\n`
  return times(size, piece).length <= line.length ? times(size, piece) : line.repeat(Math.ceil(size / line.length))
}
const list = (count: number, item: (i: number) => string, separator: string): string =>
  Array.from({ length: count }, (_, i) => item(i)).join(separator)

/** By name. */
export const hardDockerfiles: Readonly<Record<string, Maker>> = {
  'continued lines': (n) => stage(`RUN x${times(n, '\\\n')}`),
  'comments in a continued line': (n) => stage(`RUN x \\\n${times(n, '# c\n')}y`),
  comments: (n) => `${times(n, '# c\n')}FROM scratch\n`,
  'blanks inside a line': (n) => stage(`RUN a${' '.repeat(Math.min(n, 60_000))}b `),
  'carriage returns inside a line': (n) => stage(`RUN a${'\r'.repeat(Math.min(n, 60_000))}b`),
  'blanks in a directive': (n) => `#syntax=a${' '.repeat(Math.min(n, 60_000))}b\nFROM scratch\n`,
  'open references': (n) => stage(`ENV x=${wide(n, '${a:-')}`),
  'nested references': (n) => stage(`ENV x=${'${a:-'.repeat(n / 6)}${'}'.repeat(n / 6)}`),
  'nested replacements': (n) => stage(`ENV x=${'${a/'.repeat(n / 6)}${'/}'.repeat(n / 6)}`),
  'heredocs of one COPY': (n) => stage(`COPY ${wide(n / 2, '<<a ')}/x\n${'a\n'.repeat(n / 8)}`),
  'heredocs of many RUNs': (n) => stage(many(n, (i) => `RUN <<E${i}\nx\nE${i}`)),
  'blanks in a heredoc word': (n) => stage(`RUN "<<${' '.repeat(Math.min(n, 60_000))}<"`),
  'a JSON array': (n) => stage(`RUN [${wide(n, '"a",')}"b"]`),
  'brackets in JSON': (n) => stage(`RUN ${'['.repeat(n / 2)}${']'.repeat(n / 2)}`),
  'a variable that doubles': (n) => stage(many(n, () => 'ENV a=$a${a}x')),
  'a variable many times': (n) =>
    stage(`ENV a=${'x'.repeat(n / 4)}\nENV b=${'$a'.repeat(n / 4)}\nENV c=${'$b'.repeat(n / 4)}`),
  'args before FROM that double': (n) => `ARG a=xx\n${many(n, () => 'ARG a=$a$a')}FROM scratch\n`,
  variables: (n) => stage(many(n, (i) => `ENV k${i}=1`)),
  labels: (n) => stage(many(n, (i) => `LABEL k${i}=1`)),
  args: (n) => stage(many(n, (i) => `ARG k${i}`)),
  'ranges of ports': (n) => stage(many(n, () => 'EXPOSE 1-65535')),
  volumes: (n) => stage(many(n, (i) => `VOLUME /${i}`)),
  triggers: (n) => stage(many(n, () => 'ONBUILD RUN x')),
  runs: (n) => stage(many(n, (i) => `RUN ${i}`)),
  'runs with many variables': (n) =>
    stage(`ENV ${list(n / 20, (i) => `k${i}=1`, ' \\\n')}\n${many(n / 2, (i) => `RUN ${i}`)}`),
  'runs with many args': (n) =>
    stage(`ARG ${list(n / 20, (i) => `k${i}=1`, ' \\\n')}\n${many(n / 2, (i) => `RUN ${i}`)}`),
  copies: (n) => stage(many(n, () => 'COPY a b')),
  'copies with --link': (n) => stage(many(n, () => 'COPY --link a b')),
  'relative WORKDIRs': (n) => stage(many(n, () => 'WORKDIR a')),
  stages: (n) => many(n, () => 'FROM scratch'),
  'stages on one another': (n) => `FROM scratch AS s0\n${list(n / 20, (i) => `FROM s${i} AS s${i + 1}`, '\n')}\n`,
  'stages on one another with variables': (n) =>
    `FROM scratch AS s0\n${list(n / 40, (i) => `FROM s${i} AS s${i + 1}\nRUN x${i}\nENV e${i}=1`, '\n')}\n`,
  'stages that copy from one another': (n) =>
    `FROM scratch AS s0\n${list(n / 40, (i) => `FROM scratch AS s${i + 1}\nCOPY --from=s${i} a b`, '\n')}\n`,
  'stages with triggers on one another': (n) =>
    `FROM scratch AS s0\nONBUILD RUN x\n${list(n / 30, (i) => `FROM s${i} AS s${i + 1}\nONBUILD RUN x`, '\n')}\n`,
  flags: (n) => stage(`COPY ${wide(n, '--exclude=a ')}a b`),
  mounts: (n) => stage(`RUN ${wide(n, '--mount=type=tmpfs,target=/a ')}x`),
  'fields of a mount': (n) => stage(`RUN --mount=${wide(n, 'id=b,')}id=d x`),
  'a long pattern': (n) => stage(`ENV v=${'a'.repeat(n / 2)}\nENV w=\${v//${'a'.repeat(n / 2)}b/x}`),
  'a pattern that nearly matches': (n) => stage(`ENV v=${'a'.repeat(n / 2)}\nENV w=\${v/*b/x}`),
  'a pattern of runs': (n) => stage(`ENV v=${'a'.repeat(n / 2)}\nENV w=\${v/${'*a'.repeat(n / 5)}b/x}`),
  'a pattern of anything': (n) => stage(`ENV v=${'a'.repeat(n / 2)}\nENV w=\${v##${'*?'.repeat(n / 5)}b}`),
  'a long replacement': (n) => stage(`ENV v=${'a'.repeat(n / 2)}\nENV w=\${v//a/${'$0'.repeat(n / 5)}}`),
  quotes: (n) => stage(`ENV x=${wide(n, '""')}`),
  escapes: (n) => stage(`ENV x=${wide(n, '\\"')}`),
  'a long duration': (n) => stage(`HEALTHCHECK --interval=${wide(n, '1ms')} CMD x`),
  'a long mode': (n) => stage(`COPY --chmod=${wide(n, 'u+x,')}u=r a b`),
  'a long platform': (n) => `FROM --platform=${times(Math.min(n, 60_000), 'linux/')} a\n`,
  'a long URL': (n) => stage(`ADD https://${times(Math.min(n, 60_000), 'a.')}/x.git.git /`),
  'unknown instructions': (n) => stage(many(n, (i) => `FOO${i}`)),
}

/** By name, an ignore file and a path. */
export const hardIgnores: Readonly<Record<string, (size: number) => readonly [patterns: string, path: string]>> = {
  'folders of any depth': (n) => ['**/'.repeat(n / 3) + 'x', `${'a/'.repeat(1000)}b`],
  'named folders of any depth': (n) => ['**/a'.repeat(n / 4), `${'a/'.repeat(50)}b`],
  'a few folders of any depth': () => [`${'**/a/'.repeat(15)}b`, `${'a/'.repeat(200)}c`],
  'stars and letters': (n) => [`${'a*'.repeat(n / 2)}b`, 'a'.repeat(255)],
  'a few stars and letters': () => [`${'a*'.repeat(30)}b`, 'a'.repeat(255)],
  stars: (n) => [`${'*'.repeat(n)}b`, 'a'.repeat(255)],
  classes: (n) => [`${'[a-z]*'.repeat(n / 6)}!`, 'a'.repeat(255)],
  'a long class': (n) => [`[${'a-z'.repeat(n / 3)}]`, 'a'],
  'patterns and exceptions': (n) => ['!x\n*.y\n'.repeat(n / 7), 'a/b/c'],
}
