/** Dockerfiles to typed instructions: places, forms, flags, and all errors at once. */
import { describe, expect, it } from 'vitest'
import { WherryError, WherryErrors } from '../../src/core/errors.ts'
import type { Dockerfile, StageInstruction } from '../../src/dockerfile/instructions.ts'
import { parseDockerfile, parseInstruction } from '../../src/dockerfile/parse.ts'

function parse(text: string): Dockerfile {
  return parseDockerfile(text, { file: 'Dockerfile' })
}

/** The only instruction behind a FROM. */
function one(text: string): StageInstruction {
  const instruction = parse(`FROM scratch\n${text}`).stages[0]?.instructions[0]
  if (instruction === undefined) throw new Error('no instruction')
  return instruction
}

function errorsOf(text: string): readonly WherryError[] {
  try {
    parse(text)
    return []
  } catch (error) {
    if (error instanceof WherryErrors) return error.errors
    if (error instanceof WherryError) return [error]
    throw error
  }
}

describe('structure', () => {
  it('sorts instructions into global args and stages', () => {
    const file = parse(
      'ARG V=1\n# base\nFROM debian:$V AS Build\nRUN a\nfrom --platform=linux/arm64 scratch\nCOPY --from=build a b',
    )
    expect(file.globalArgs.map((arg) => arg.args)).toEqual([[{ key: 'V', value: '1' }]])
    expect(file.stages.map(({ index, from }) => [index, from.base, from.name, from.platform])).toEqual([
      [0, 'debian:$V', 'build', undefined],
      [1, 'scratch', undefined, 'linux/arm64'],
    ])
    expect(file.stages[0]?.from.comments).toEqual(['base'])
    expect(file.stages.map((stage) => stage.instructions.map(({ kind }) => kind))).toEqual([['RUN'], ['COPY']])
  })

  it('gives each instruction its place, excerpt and text', () => {
    const run = one('RUN a \\\n  # why\n  && b\n')
    expect(run.at).toEqual({
      file: 'Dockerfile',
      startLine: 2,
      endLine: 4,
      excerpt: ['RUN a \\', '  # why', '  && b'],
    })
    expect(run.text).toBe('RUN a   && b')
  })

  it('takes a byte order mark, CRLF line ends and no line end at the end', () => {
    const { stages } = parse('\ufeffFROM scratch\r\nRUN a \\\r\n  b\r\nENV A=b')
    expect(stages[0]?.instructions.map((instruction) => instruction.text)).toEqual(['RUN a   b', 'ENV A=b'])
  })

  it('keeps the line ends of CRLF heredocs', () => {
    const copy = one('COPY <<EOF /x\r\na\r\nEOF\r\n')
    expect(copy.kind === 'COPY' && copy.sources).toEqual([
      { kind: 'heredoc', heredoc: { name: 'EOF', content: 'a\r\n', expand: true, chomp: false, fd: 0 } },
    ])
  })

  it('honours the escape directive, also in paths', () => {
    const file = parse('# escape=`\nFROM scratch\nRUN a `\n b\nWORKDIR c:\\')
    expect(file.escape).toBe('`')
    expect(file.stages[0]?.instructions.map(({ text }) => text)).toEqual(['RUN a  b', 'WORKDIR c:\\'])
  })

  it('gives the directives by name', () => {
    expect(parse('#!/usr/bin/env x\n# Syntax=docker/dockerfile:1\n# check=skip=all\nFROM a').directives).toEqual({
      syntax: 'docker/dockerfile:1',
      check: 'skip=all',
    })
    expect(parse('# a comment\n# escape=`\nFROM a').escape).toBe('\\')
  })

  it('warns of a trigger that will fail', () => {
    const { warnings } = parse('FROM a\nONBUILD RNU x\nONBUILD RUN x')
    expect(warnings.map(({ at, message }) => [at.startLine, message])).toEqual([
      [2, 'this trigger will fail every build on this image: unknown instruction: RNU (did you mean RUN?)'],
    ])
  })
})

describe('instructions', () => {
  it('types every kind', async () => {
    const text = `ARG A B=c
ENV A=b "C D"=e F="g h"
ENV OLD value with spaces
LABEL a.b="c d"
MAINTAINER me <me@example.com>
RUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t --network=none --security=sandbox --device=x make
RUN ["a", "b c"]
RUN [ -d /x ] && y
COPY --from=x --chown=1:2 --chmod=644 --link --parents --exclude=*.a --exclude=b a b /c/
ADD --checksum=sha256:x --keep-git-dir=false --unpack https://example.com/x /y
WORKDIR /a b
USER a:b
CMD
CMD ["a"]
ENTRYPOINT a b
EXPOSE 80 443/tcp 8000-8010
VOLUME /a /b
VOLUME ["/a b"]
STOPSIGNAL SIGTERM
HEALTHCHECK NONE
HEALTHCHECK --interval=1m --timeout=3s --start-period=0s --start-interval=100ms --retries=3 CMD a b
HEALTHCHECK CMD ["a", "b"]
SHELL ["/bin/bash", "-c"]
ONBUILD RUN x y
`
    const { instructions } = parse(`FROM scratch\n${text}`).stages[0]!
    const plain = instructions.map(({ at: _at, comments: _comments, keyword: _keyword, text: _text, ...rest }) => rest)
    const lines = plain.map((instruction) => `${JSON.stringify(instruction)}\n`)
    await expect(lines.join('')).toMatchFileSnapshot('golden/instructions.txt')
  })

  it('takes JSON that is not valid as the shell form', () => {
    const cmd = one(`CMD ['a', "b"]`)
    expect(cmd.kind === 'CMD' && cmd.command).toEqual({ form: 'shell', text: `['a', "b"]` })
  })

  it('puts the body of a heredoc as written into RUN and into a trigger', () => {
    const run = one('RUN <<-EOF cat\n\ta\n\t\tb\n\tEOF')
    expect(run.kind === 'RUN' && run.heredocs[0]?.content).toBe('\ta\n\t\tb\n')
    const onbuild = one('ONBUILD COPY <<A <<-"B" /x/\n$a\nA\n\tb\n\tB\n')
    if (onbuild.kind !== 'ONBUILD') throw new Error('no ONBUILD')
    expect(onbuild.trigger).toBe('COPY <<A <<-"B" /x/\n$a\nA\n\tb\nB')
    const copy = parseInstruction(onbuild.trigger, onbuild.at)
    expect(copy.at).toBe(onbuild.at)
    expect(copy.kind === 'COPY' && copy.sources).toEqual([
      { kind: 'heredoc', heredoc: { name: 'A', content: '$a\n', expand: true, chomp: false, fd: 0 } },
      { kind: 'heredoc', heredoc: { name: 'B', content: 'b\n', expand: false, chomp: true, fd: 0 } },
    ])
  })

  it('copies paths before heredocs, as BuildKit does', () => {
    const copy = one('COPY <<EOF a /x/\nEOF')
    expect(copy.kind === 'COPY' && copy.sources.map(({ kind }) => kind)).toEqual(['path', 'heredoc'])
  })
})

describe('errors', () => {
  it('are reported all at once, in order, each with its place', () => {
    const errors = errorsOf('FROM a\nENV x\nFOO bar\nCOPY a\nRUN --mout=x y\nSHELL x\n')
    expect(errors.map(({ code, message, at }) => [at?.startLine, code, message])).toEqual([
      [2, 'dockerfile-syntax', 'ENV must have two arguments'],
      [3, 'dockerfile-syntax', 'unknown instruction: FOO'],
      [
        4,
        'dockerfile-syntax',
        'COPY requires at least two arguments, but only one was provided. Destination could not be determined',
      ],
      [5, 'dockerfile-syntax', 'RUN: unknown flag: --mout (did you mean mount?)'],
      [6, 'dockerfile-syntax', 'SHELL requires the arguments to be in JSON form'],
    ])
    expect(errors[3]?.hint).toBe('RUN takes --mount, --network, --security, --device.')
    expect(errors[3]?.at?.excerpt).toEqual(['RUN --mout=x y'])
  })

  it.each([
    ['', 'file with no instructions'],
    ['# only\n', 'file with no instructions'],
    ['ARG a', 'dockerfile contains no stages to build'],
    ['RUN a\nFROM b', 'no build stage in current context'],
    ['# escape=x\nFROM a', "invalid escape token 'x' does not match ` or \\"],
    ['# escape=\\\n# ESCAPE=`\nFROM a', 'only one escape parser directive can be used'],
    ['FROM a AS 1b', `invalid name for build stage: "1b", name can't start with a number or contain symbols`],
    ['FROM a b', 'FROM requires either one or three arguments'],
    ['FROM a\nRUN <<EOF\nx', 'unterminated heredoc'],
    ['FROM a\nONBUILD ONBUILD RUN x', "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
    ['FROM a\nONBUILD from x', "FROM isn't allowed as an ONBUILD trigger"],
    ['FROM a\nONBUILD MAINTAINER x', "MAINTAINER isn't allowed as an ONBUILD trigger"],
    [
      'FROM a\nCOPY --from=$x a b',
      'variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround',
    ],
    ['FROM a\nCOPY --link=maybe a b', 'expecting boolean value for flag --link, not: maybe'],
    ['FROM a\nCOPY --link= a b', 'missing a value on flag: --link'],
    ['FROM a\nCOPY --chown a b', 'missing a value on flag: --chown'],
    ['FROM a\nCOPY --chown=a --chown=b a b', 'duplicate flag specified: --chown'],
    ['FROM a\nUSER --x y', 'USER: unknown flag: --x'],
    ['FROM a\nRUN --network=hots x', 'invalid network mode "hots"'],
    [
      'FROM a\nRUN --mount=from=$x,target=/y z',
      "'from' doesn't support variable expansion, define alias stage instead",
    ],
    ['FROM a\nRUN ["a", 1]', 'when using JSON array syntax, arrays must be comprised of strings only'],
    ['FROM a\nHEALTHCHECK NONE x', 'HEALTHCHECK NONE takes no arguments'],
    ['FROM a\nHEALTHCHECK x', 'Unknown type "X" in HEALTHCHECK (try CMD)'],
    ['FROM a\nHEALTHCHECK --retries=-1 CMD x', '--retries cannot be negative (-1)'],
    ['FROM a\nVOLUME [" "]', 'VOLUME specified can not be an empty string'],
    ['FROM a\nARG =x', 'ARG names can not be blank'],
    ['{"syntax": "foo/bar"}', 'the file is no Dockerfile: it is written for the frontend foo/bar'],
  ])('%j: %s', (text, message) => {
    expect(errorsOf(text).map((error) => error.message)).toEqual([message])
  })

  it('of a trigger point to the FROM that brought it', () => {
    const at = { file: 'Dockerfile', startLine: 3, endLine: 3 }
    for (const trigger of ['RUN a\nRUN b', 'FROM x', 'COPY a', '', 'RUN <<EOF']) {
      expect(() => parseInstruction(trigger, at)).toThrow(WherryError)
      try {
        parseInstruction(trigger, at)
      } catch (error) {
        expect((error as WherryError).at).toBe(at)
      }
    }
  })
})
