/** `wherry build`: a Dockerfile and a context become an image. */
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { build } from '../../build/build.ts'
import type { BuildRequest, BuildResult } from '../../build/contract.ts'
import type { BuildDeps } from '../../build/deps.ts'
import { WherryError } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import type { ProgressMode } from '../../ui/pick.ts'
import { type Call, parseCall } from '../call/call.ts'
import type { CallParts } from '../call/run.ts'
import { readBuildArgFiles } from '../build-arg-file.ts'
import { type BuildOptions, buildRequest, wantsLoad } from '../build-request.ts'
import { buildOptions } from '../build-options.ts'
import { type OptionValues, defineCommand, type globalOptions } from '../command.ts'
import { type Io, printLine } from '../io.ts'
import { refusedBuildOptions } from '../refused-options.ts'
import { metadataText, writeResultFile } from '../result-files.ts'
import { hasTerminal, withWayToShell } from '../on-error.ts'
import { buildRenderer } from '../progress.ts'
import { withStdin } from '../stdin-source.ts'
import { allowsSecretsOnDisk } from '../run-settings.ts'
import { type WorkshopOptions, scopeOf, withWorkshop } from '../wiring.ts'

export const command = defineCommand({
  usage: '[OPTIONS] CONTEXT',
  arguments: [0, 1],
  options: buildOptions,
  refused: refusedBuildOptions,
  examples: [
    ['wherry build -t me/app .', 'Build the Dockerfile here'],
    ['wherry build -t reg.example.com/me/app:1.2 --push .', 'Build and push'],
    ['wherry build -f docker/Dockerfile --target test --build-arg V=2 .', 'One stage of another Dockerfile'],
    ['wherry build -o out .', "The result's files as a folder"],
    ['wherry build --output type=oci,dest=app.tar .', 'The image as an OCI archive'],
    ['wherry build https://example.com/app.git#v1.2:docker', 'A folder of a git repository'],
    ['wherry build - < Dockerfile', 'A Dockerfile that copies nothing'],
    ['tar -cz . | wherry build -', 'A context on standard input'],
    [
      'wherry build --cache-from reg.example.com/me/cache --cache-to type=registry,ref=reg.example.com/me/cache,mode=max .',
      'Share results of steps with other machines',
    ],
    ['wherry build --check .', 'What is doubtful in the Dockerfile, without building it'],
  ],
  run: async ({ options: given, args }, io) => {
    const fromFiles = await readBuildArgFiles(given['build-arg-file'], io.cwd)
    const options = { ...given, 'build-arg': [...fromFiles, ...given['build-arg']] }
    const context = contextOf(args)
    const call = parseCall(options)
    if (call !== undefined && options.report !== undefined) throw notBuilt()
    const around = { ...io, exists: existsSync }
    const perform = (request: BuildRequest): Promise<number> =>
      call === undefined ? runBuild(request, options, io) : answer(call, { request, options, io })
    if (context !== '-' && options.file !== '-') return perform(buildRequest(options, context, around))
    if (context === '-' && options.file === '-') throw twice()
    return withStdin(io, async ({ kind, file, emptyContext }) => {
      const dockerfile = '-'
      if (options.file === '-')
        return perform({ ...buildRequest({ ...options, file }, context, around), shown: { dockerfile } })
      if (kind === 'archive') return perform(archiveRequest(buildRequest(options, '', around), options.file, file))
      if (options.file !== undefined) throw noArchive()
      const shown = { context: '-', dockerfile }
      return perform({ ...buildRequest({ ...options, file }, emptyContext, around), shown })
    })
  },
})

type Options = BuildOptions & OptionValues<typeof globalOptions>

function contextOf([context]: readonly string[]): string {
  if (context !== undefined) return context
  throw new WherryError('usage', '`wherry build` needs a build context', {
    hint: 'Name the folder that COPY and ADD take files from: `wherry build .`.',
  })
}

/** A request whose context is an archive; the Dockerfile is in it. */
function archiveRequest(request: BuildRequest, dockerfile: string | undefined, archive: string): BuildRequest {
  return { ...request, context: '', dockerfile: dockerfile ?? '', remote: { kind: 'archive', file: archive } }
}

function twice(): WherryError {
  return new WherryError('usage', 'context and Dockerfile cannot both come from standard input', {
    hint: 'A tar on standard input holds its Dockerfile: name it with -f PATH, relative to its root.',
  })
}

function notBuilt(): WherryError {
  return new WherryError('usage', '--report is of a build, and --check and --call make none')
}

function noArchive(): WherryError {
  return new WherryError(
    'usage',
    'with the context "-" the Dockerfile comes from standard input; -f cannot name another, unless a tar is given',
  )
}

/** What `--load` comes to. */
const noEngine =
  'there is no engine to load into: the image is in the store of wherry. To hand it over: ' +
  'wherry build --output type=docker,dest=- … | docker load'

/** Answers a question about the build. Loaded here: a build needs none of it. */
async function answer(call: Call, parts: CallParts): Promise<number> {
  const { request, io } = parts
  io.sources.set(basename(request.dockerfile), request.dockerfile)
  const { runCall } = await import('../call/run.ts')
  return runCall(call, parts)
}

function workshopOf(
  options: Options,
  onError: 'shell' | undefined,
): Pick<WorkshopOptions, 'foreground' | 'secretsOnDisk'> {
  return { foreground: onError === 'shell', secretsOnDisk: allowsSecretsOnDisk(options) }
}

interface Building {
  readonly deps: BuildDeps
  readonly io: Io
  readonly emit: Scope['emit']
}

/** Builds, and writes a report of it if a file is named for one. */
async function buildReported(
  request: BuildRequest,
  file: string | undefined,
  { deps, io, emit }: Building,
): Promise<BuildResult> {
  if (file === undefined) return build(request, deps, scopeOf(io, emit))
  // Loaded here: few builds are reported.
  const { withBuildReport } = await import('../build-report.ts')
  return withBuildReport({ file, deps, io }, scopeOf(io, emit), (scope) => build(request, deps, scope))
}

async function runBuild(request: BuildRequest, options: Options, io: Io): Promise<number> {
  io.sources.set(basename(request.dockerfile), request.dockerfile)
  const mode = options.quiet ? 'quiet' : ((options.progress ?? 'auto') as ProgressMode)
  const stdoutTaken = request.outputs.some((output) => output.type !== 'image' && output.dest === '-')
  const renderer = await buildRenderer(mode, io, stdoutTaken)
  const wantsShell = options['on-error'] === 'shell'
  const onError = wantsShell && hasTerminal(io, mode) ? 'shell' : undefined
  try {
    const result = await withWorkshop({ ...options, ...workshopOf(options, onError) }, io, (deps) =>
      buildReported({ ...request, onError }, options.report, { deps, io, emit: renderer.event }),
    ).catch((error: unknown) => {
      throw wantsShell && onError === undefined ? withWayToShell(error, process.argv.slice(2)) : error
    })
    if (wantsLoad(options)) renderer.event({ type: 'warning', message: noEngine })
    renderer.close()
    if (options.iidfile !== undefined) await writeResultFile(options.iidfile, result.id)
    if (options['metadata-file'] !== undefined) {
      await writeResultFile(options['metadata-file'], metadataText(result.metadata))
    }
    if (options.quiet && !stdoutTaken) printLine(io, result.id)
    return 0
  } finally {
    renderer.close()
  }
}
