/** RUN: what to execute, with which variables. */
import type { RunInstruction } from '../dockerfile/instructions.ts'
import { WherryError } from '../core/errors.ts'
import { chompTabs, heredocOfWord } from '../dockerfile/heredoc.ts'
import { instructionSupport } from '../dockerfile/support.ts'
import { runtimeOf } from '../oci/config.ts'
import { formatPlatform } from '../oci/platform.ts'
import { commandArgs } from './config-instructions.ts'
import { givenArg, proxyEnv } from './args.ts'
import type { RunSettings, RunStep } from './contract.ts'
import { runHistory, scopeText } from './history.ts'
import { lowerMounts } from './mounts.ts'
import { type StageState, addHistory, addStep, envLines, workdirOf } from './state.ts'
import { volumeMounts } from './volumes.ts'
import { isWindows } from './windows.ts'

/** Lowers RUN to a step. @throws WherryError `not-implemented`, `dockerfile-invalid` */
export async function lowerRun(state: StageState, instruction: RunInstruction): Promise<void> {
  refuseFlags(instruction)
  refuseWindows(state, instruction)
  const volumes = volumeMounts(state, instruction)
  const { mounts, sshSocket } = await lowerMounts(state, instruction)
  const { args, script } = commandOf(state, instruction)
  const { options } = state.context
  const ownSocket = sshSocket !== undefined && !state.env.has('SSH_AUTH_SOCK')
  const env = ownSocket ? [...envLines(state), `SSH_AUTH_SOCK=${sshSocket}`] : envLines(state)
  const id = addStep(state, {
    kind: 'run',
    input: state.tree,
    text: instruction.text,
    at: instruction.at,
    fresh: options.noCache,
    args,
    env,
    hiddenEnv: proxyEnv(options.buildArgs),
    cwd: workdirOf(state),
    user: runtimeOf(state.config).user,
    network: networkOf(state, instruction),
    mounts: [...volumes, ...mounts],
    shell: runtimeOf(state.config).shell?.[0],
    settings: settingsOf(state),
    script,
    ...foreignPlatform(state),
  })
  addHistory(state, runHistory(args, argScope(state)), id)
}

function foreignPlatform({ platform, context }: StageState): Pick<RunStep, 'foreign'> {
  const { os, architecture } = context.options.buildPlatform
  return platform.os === os && platform.architecture === architecture ? {} : { foreign: formatPlatform(platform) }
}

function refuseWindows({ platform }: StageState, { at }: RunInstruction): void {
  if (!isWindows(platform)) return
  throw new WherryError('host-unsupported', 'RUN in an image for Windows needs a machine with Windows', {
    at,
    hint: 'Do it in a stage for Linux (FROM --platform=$BUILDPLATFORM …) and COPY --from what it makes.',
  })
}

/** The host name that a RUN sees: BuildKit's, so that what records it comes out the same. */
const sandboxHostname = 'buildkitsandbox'

function settingsOf({ context: { options } }: StageState): RunSettings {
  const hostname = givenArg(options.buildArgs, 'BUILDKIT_SANDBOX_HOSTNAME') || sandboxHostname
  return { extraHosts: [], ulimits: [], ...options.run, hostname }
}

function refuseFlags({ security, devices, at }: RunInstruction): void {
  const { flags } = instructionSupport.RUN
  if (security === 'insecure')
    throw new WherryError('dockerfile-invalid', 'RUN --security=insecure is not possible', {
      at,
      hint: `Supported is ${flags.security.note}.`,
    })
  if (devices.length > 0)
    throw new WherryError('dockerfile-invalid', 'RUN --device is not possible', { at, hint: `${flags.device.note}.` })
}

function networkOf(state: StageState, instruction: RunInstruction): 'host' | 'none' {
  const own = instruction.network
  if (own === undefined || own === 'default') return state.context.options.network
  if (own === 'none' || own === 'host') return own
  throw new WherryError('dockerfile-invalid', `RUN --network=${own} is not a network: use default, none or host`, {
    at: instruction.at,
  })
}

/** Heredocs: one alone is the script (a file if it starts with #!); several go to the shell as they were written. */
function commandOf(state: StageState, instruction: RunInstruction): Pick<RunStep, 'args' | 'script'> {
  const { command, heredocs } = instruction
  const [first] = heredocs
  if (first === undefined || command.form === 'exec') return { args: commandArgs(state, command) }
  if (heredocOfWord(command.text) === undefined) {
    const bodies = heredocs.map((h) => `\n${h.content}${h.name}`).join('')
    return { args: commandArgs(state, { form: 'shell', text: command.text + bodies }) }
  }
  const content = first.chomp ? chompTabs(first.content) : first.content
  if (!content.startsWith('#!')) return { args: commandArgs(state, { form: 'shell', text: content }) }
  return { args: [`/dev/pipes/${first.name}`], script: { name: first.name, content } }
}

/** Args in scope with the value that RUN sees. A proxy is among them only where an ARG names it, as in BuildKit. */
function argScope(state: StageState): string {
  return (state.argScope ??= scopeText(
    [...state.args].map(([name, value]) => `${name}=${state.env.get(name) ?? value ?? ''}`),
  ))
}
