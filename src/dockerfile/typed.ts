/** Nodes to typed instructions, with the checks of docker/dockerfile:1 and its messages. */
import { parseAdd, parseCopy } from './copy-instruction.ts'
import { flagTables } from './flag-tables.ts'
import { parseHealthcheck } from './healthcheck-instruction.ts'
import type {
  ArgInstruction,
  FromInstruction,
  Instruction,
  OnbuildInstruction,
  ShellInstruction,
  VolumeInstruction,
} from './instructions.ts'
import type { Node } from './parser.ts'
import { type Request, commandOf, flagsOf, onlyArgument, pairsOf, requestOf, someArguments } from './request.ts'
import { parseRun } from './run-instruction.ts'
import { nearest } from './suggest.ts'
import { syntaxError } from './syntax-error.ts'
import { trim } from './text.ts'

type Parsers = { readonly [K in Instruction['kind']]: (request: Request) => Extract<Instruction, { kind: K }> }

const parsers: Parsers = {
  ADD: parseAdd,
  ARG: parseArg,
  CMD: (request) => ({ ...plain(request), kind: 'CMD', command: commandOf(request.args, request.json) }),
  COPY: parseCopy,
  ENTRYPOINT: (request) => ({ ...plain(request), kind: 'ENTRYPOINT', command: commandOf(request.args, request.json) }),
  ENV: (request) => ({ ...plain(request), kind: 'ENV', pairs: pairsOf(request) }),
  // Sorted, because the order shows in the image's history.
  EXPOSE: (request) => ({ ...plain(request), kind: 'EXPOSE', ports: [...someArguments(request)].sort() }),
  FROM: parseFrom,
  HEALTHCHECK: parseHealthcheck,
  LABEL: (request) => ({ ...plain(request), kind: 'LABEL', pairs: pairsOf(request) }),
  MAINTAINER: (request) => ({ ...plain(request), kind: 'MAINTAINER', name: onlyArgument(request) }),
  ONBUILD: parseOnbuild,
  RUN: parseRun,
  SHELL: parseShell,
  STOPSIGNAL: (request) => ({ ...request.common, kind: 'STOPSIGNAL', signal: onlyArgument(request) }),
  USER: (request) => ({ ...plain(request), kind: 'USER', user: onlyArgument(request) }),
  VOLUME: parseVolume,
  WORKDIR: (request) => ({ ...plain(request), kind: 'WORKDIR', path: onlyArgument(request) }),
}

/**
 * Types one instruction.
 * @throws WherryError `dockerfile-syntax`, without a place
 */
export function typeNode(node: Node): Instruction {
  const request = requestOf(node)
  if (isKind(request.name)) return parsers[request.name](request)
  const near = nearest(node.name, Object.keys(parsers))
  const suggestion = near === undefined ? '' : ` (did you mean ${near}?)`
  throw syntaxError(
    `unknown instruction: ${node.name}${suggestion}`,
    'A line that continues the one above needs an escape character at the end of that one.',
  )
}

function isKind(name: string): name is Instruction['kind'] {
  return Object.hasOwn(parsers, name)
}

/** The common parts of an instruction that has no flags. */
function plain(request: Request): Request['common'] {
  flagsOf(request)
  return request.common
}

const stageName = /^[a-z][a-z0-9\-_.]*$/

function parseFrom(request: Request): FromInstruction {
  const [base, as, name] = request.args
  const named = request.args.length === 3 && as?.toLowerCase() === 'as' && name !== undefined
  if (base === undefined || (!named && request.args.length !== 1)) {
    throw syntaxError('FROM requires either one or three arguments', 'Write FROM image, or FROM image AS name.')
  }
  if (named && !stageName.test(name.toLowerCase())) {
    const why = "name can't start with a number or contain symbols"
    throw syntaxError(`invalid name for build stage: ${JSON.stringify(name)}, ${why}`)
  }
  const platform = flagsOf(request, flagTables.FROM).string('platform')
  const stage = named ? { name: name.toLowerCase(), written: { as, name } } : {}
  return { ...request.common, kind: 'FROM', base, platform, ...stage }
}

function parseArg(request: Request): ArgInstruction {
  const args = someArguments(request).map((word) => {
    const at = word.indexOf('=')
    if (at < 0) return { key: word }
    if (at === 0) throw syntaxError('ARG names can not be blank')
    return { key: word.slice(0, at), value: word.slice(at + 1) }
  })
  return { ...request.common, kind: 'ARG', args }
}

function parseVolume(request: Request): VolumeInstruction {
  const paths = someArguments(request).map(trim)
  if (paths.includes('')) throw syntaxError('VOLUME specified can not be an empty string')
  return { ...plain(request), kind: 'VOLUME', paths }
}

function parseShell(request: Request): ShellInstruction {
  const shell = someArguments(request)
  if (!request.json) {
    throw syntaxError(
      'SHELL requires the arguments to be in JSON form',
      'Write SHELL ["/bin/bash", "-c"] for instance.',
    )
  }
  return { ...plain(request), kind: 'SHELL', shell }
}

/** The trigger is kept as text: it is parsed where it runs, in an image built on this one. */
function parseOnbuild(request: Request): OnbuildInstruction {
  someArguments(request)
  const common = plain(request)
  const name = request.node.arguments.trigger?.name.toUpperCase() ?? ''
  if (name === 'ONBUILD') throw syntaxError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
  if (name === 'MAINTAINER' || name === 'FROM') throw syntaxError(`${name} isn't allowed as an ONBUILD trigger`)
  const line = request.node.line.replace(/^[\t\n\f\r ]*ONBUILD[\t\n\f\r ]*/i, '')
  const bodies = request.node.heredocs.map((heredoc) => `\n${heredoc.body}${heredoc.name}`)
  return { ...common, kind: 'ONBUILD', trigger: line + bodies.join('') }
}
