/** Answers `--call` and `--check` on standard output; notes go to standard error. */
import { isAbsolute, relative } from 'node:path'
import { type CheckResult, checkBuild, outlineBuild, readStages } from '../../build/check.ts'
import type { BuildRequest } from '../../build/contract.ts'
import type { Scope } from '../../core/scope.ts'
import type { TransferDeps } from '../../transfer/deps.ts'
import { warningText } from '../../ui/error.ts'
import { type Io, noteLine } from '../io.ts'
import { openStoreFor } from '../store.ts'
import { type RegistryOptionValues, registryFor, scopeOf } from '../wiring.ts'
import type { Call } from './call.ts'
import { checkList, checkText, lintResult } from './check-formats.ts'
import { outlineJson, outlineText, targetsJson, targetsText } from './describe.ts'
import { sarif } from './sarif.ts'

/** What an answer is made with. */
export interface CallParts {
  readonly request: BuildRequest
  readonly options: RegistryOptionValues & { readonly root: string | undefined }
  readonly io: Io
}

/**
 * Answers and gives the exit code: 1 if a check found something.
 * @throws the error that keeps the Dockerfile from being built, when what was found is told
 */
export async function runCall(call: Call, { request, options, io }: CallParts): Promise<number> {
  const say = (text: string): void => void io.stdout.write(text)
  if (call.method === 'targets') {
    const { text, stages } = await readStages(request)
    say(call.format === 'text' ? targetsText(stages) : targetsJson(stages, text))
    return 0
  }
  const deps: TransferDeps = { store: await openStoreFor(options, io), registry: registryFor(options, io) }
  const scope: Scope = scopeOf(io, (event) => {
    if (event.type === 'warning') noteLine(io, warningText(event))
  })
  if (call.method === 'outline') {
    const { text, outline } = await outlineBuild(request, deps, scope)
    say(call.format === 'text' ? outlineText(outline) : outlineJson(outline, text))
    return 0
  }
  const result = await checkBuild(request, deps, scope)
  say(formatted(result, call.format, shownPath(request.dockerfile, io.cwd)))
  if (result.error !== undefined) throw result.error
  return result.findings.length === 0 || call.ignoreStatus ? 0 : 1
}

function formatted(result: CheckResult, format: Call['format'], file: string): string {
  const source = { file, text: result.text }
  switch (format) {
    case 'text':
      return checkText(result, source)
    case 'json':
      return checkList(result.findings, source)
    case 'sarif':
      return sarif(result, source)
    case 'result':
      return lintResult(result, source)
  }
}

/** Relative to the working folder if it lies below it, which is how code hosts know their files. */
function shownPath(path: string, cwd: string): string {
  const below = relative(cwd, path)
  return below === '' || below.startsWith('..') || isAbsolute(below) ? path : below
}
