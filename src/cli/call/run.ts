/** Answers `--call` and `--check` on standard output; notes go to standard error. */
import { basename, isAbsolute, relative } from 'node:path'
import { type CheckResult, checkBuild, outlineBuild, readStages } from '../../build/check.ts'
import { presentDockerfile } from '../../build/context/present-dockerfile.ts'
import type { BuildRequest } from '../../build/contract.ts'
import { isElsewhere, withLocalRequest } from '../../build/local.ts'
import type { Scope } from '../../core/scope.ts'
import type { TransferDeps } from '../../transfer/deps.ts'
import { warningText } from '../../ui/error.ts'
import { type Io, noteLine } from '../io.ts'
import { openStoreFor } from '../store.ts'
import type { RegistryOptionValues } from '../registry-options.ts'
import { registryFor, scopeOf, withWorkshop } from '../wiring.ts'
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
 * Answers and gives the exit code: 1 if a check found something. What is elsewhere is fetched first.
 * @throws the error that keeps the Dockerfile from being built, when what was found is told
 */
export async function runCall(call: Call, { request, options, io }: CallParts): Promise<number> {
  const scope: Scope = scopeOf(io, (event) => {
    if (event.type === 'warning') noteLine(io, warningText(event))
  })
  if (isElsewhere(request))
    return withWorkshop(options, io, (deps) =>
      withLocalRequest(request, { deps, scope }, (local) => {
        const file = basename(local.dockerfile)
        // An error may point to it.
        io.sources.set(file, local.dockerfile)
        return answer(call, { request: local, file, io, scope, openDeps: () => Promise.resolve(deps) })
      }),
    )
  const openDeps = async (): Promise<TransferDeps> => ({
    store: await openStoreFor(options, io),
    registry: registryFor(options, io),
  })
  const local = await presentDockerfile(request)
  return answer(call, { request: local, file: shownPath(local.dockerfile, io.cwd), io, scope, openDeps })
}

interface Answering {
  readonly request: BuildRequest
  /** What the Dockerfile is called. */
  readonly file: string
  readonly io: Io
  readonly scope: Scope
  openDeps(this: void): Promise<TransferDeps>
}

async function answer(call: Call, { request, file, io, scope, openDeps }: Answering): Promise<number> {
  const say = (text: string): void => void io.stdout.write(text)
  if (call.method === 'targets') {
    const { text, stages } = await readStages(request)
    say(call.format === 'text' ? targetsText(stages) : targetsJson(stages, text))
    return 0
  }
  const deps = await openDeps()
  if (call.method === 'outline') {
    const { text, outline } = await outlineBuild(request, deps, scope)
    say(call.format === 'text' ? outlineText(outline) : outlineJson(outline, text))
    return 0
  }
  const result = await checkBuild(request, deps, scope)
  say(formatted(result, call.format, file))
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
