/** RUN: a process over the stack, and a layer of what it changed. */
import { WherryError } from '../../core/errors.ts'
import { formatPlatform, hostPlatform } from '../../oci/platform.ts'
import type { RunStep } from '../../plan/contract.ts'
import type { Execution, Session, StepResult } from '../engine.ts'
import { materialize } from '../materialize.ts'
import { readyMounts } from './run-mounts.ts'
import { failureShell, noShellHint } from './shell.ts'
import { inheritedFidelity, layerFiles, publishLayer } from '../publish.ts'

/** Runs the step. @throws WherryError `run-failed` if the process does not exit with 0 */
export async function runRunStep(
  step: RunStep,
  { input, session, output, mounts: stacks }: Execution,
): Promise<StepResult> {
  const { trees } = session.deps
  const layers = await materialize(session, input)
  const { mounts, secretEnv } = await readyMounts(step, stacks, session)
  const files = layerFiles(session)
  const { args, env, hiddenEnv, cwd, user, network, script } = step
  const run = {
    layers,
    args,
    env,
    // Proxies may have passwords in them.
    secretEnv: [...hiddenEnv.filter((entry) => !env.some((own) => nameOf(own) === nameOf(entry))), ...secretEnv],
    cwd,
    user,
    network,
    script,
    mounts,
    ...step.settings,
    output: files,
    foreground: false,
    onFailure: await failureShell(step, input, session),
  }
  const { exitCode, sealed } = await trees.run(run, output, session.scope, () => giveTerminal(step, session))
  if (sealed === undefined) throw runFailed(step, exitCode, session.onError === 'shell' && run.onFailure === undefined)
  if (trees.fidelity === 'emulated') warnOnce(session)
  const fidelity = trees.fidelity === 'emulated' ? 'emulated' : await inheritedFidelity(session, input)
  return publishLayer(session, sealed, { files, fidelity })
}

const warned = new WeakSet<Session['deps']['trees']>()

function warnOnce({ deps, scope }: Session): void {
  if (warned.has(deps.trees)) return
  warned.add(deps.trees)
  const message =
    "Steps ran in single mode: owners are kept, but a step's users are not kept apart from each other (docs/modes.md; `wherry doctor` shows the way to mapped mode)"
  scope.emit({ type: 'warning', message })
}

function giveTerminal({ text }: RunStep, { scope }: Session): void {
  const what = 'A shell in its root file system, as it was left; leaving it ends the build.'
  for (const line of [`failed: ${text}`, what]) scope.emit({ type: 'message', text: line })
  scope.emit({ type: 'shell' })
}

function nameOf(entry: string): string {
  return entry.slice(0, entry.indexOf('='))
}

function runFailed(step: RunStep, exitCode: number, lacksShell: boolean): WherryError {
  const shown =
    step.args.length === 3 && step.args[1] === '-c' ? `${step.args[0]} -c ${step.args[2]}` : step.args.join(' ')
  return new WherryError('run-failed', `process "${shown}" did not complete successfully: exit code: ${exitCode}`, {
    at: step.at,
    details: { exitCode },
    hint: lacksShell ? noShellHint(step) : exitHint(exitCode, step.foreign),
  })
}

function exitHint(exitCode: number, foreign: string | undefined): string | undefined {
  if (exitCode === 126 && foreign !== undefined) return noEmulator(foreign)
  if (exitCode === 127) return 'The command was not found in the image: install it in an earlier step, or check PATH.'
  if (exitCode === 126) return 'The command could not be executed: is it executable, and built for this platform?'
  if (exitCode === 137) return 'The process was killed (signal 9); the machine may be out of memory.'
  return undefined
}

function noEmulator(platform: string): string {
  const own = formatPlatform(hostPlatform())
  const way = 'install one that registers itself with binfmt_misc (qemu-user-static, for instance)'
  return `This machine (${own}) has no emulator for programs of ${platform}: ${way}, or use FROM --platform=$BUILDPLATFORM.`
}
