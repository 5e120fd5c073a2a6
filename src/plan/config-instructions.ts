/** Instructions that only edit the config: ENV, LABEL, CMD, USER and the like. They make no step. */
import { WherryError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { parsePorts } from '../dockerfile/ports.ts'
import { checkStopSignal } from '../dockerfile/signals.ts'
import type {
  CmdInstruction,
  Command,
  EntrypointInstruction,
  EnvInstruction,
  ExposeInstruction,
  HealthcheckInstruction,
  LabelInstruction,
  MaintainerInstruction,
  OnbuildInstruction,
  ShellInstruction,
  StopsignalInstruction,
  UserInstruction,
  VolumeInstruction,
} from '../dockerfile/instructions.ts'
import { type Healthcheck, type RuntimeField, runtimeOf, withField, withRuntime } from '../oci/config.ts'
import { checkJsonForm, checkLegacyPairs, checkPorts, checkSecretName, checkUsedOnce } from './checks.ts'
import { setEnvLine } from './collections.ts'
import { expand, expandToWords } from './expand.ts'
import { goList, goQuoteList, healthcheckHistory } from './history.ts'
import { type StageState, addHistory, setVariable } from './state.ts'
import { isWindows } from './windows.ts'
import { makeVolume } from './volumes.ts'

/** Every instruction that this file lowers. */
export type ConfigInstruction =
  | CmdInstruction
  | EntrypointInstruction
  | EnvInstruction
  | ExposeInstruction
  | HealthcheckInstruction
  | LabelInstruction
  | MaintainerInstruction
  | OnbuildInstruction
  | ShellInstruction
  | StopsignalInstruction
  | UserInstruction
  | VolumeInstruction

/** Applies a config instruction to the stage. @throws WherryError `dockerfile-invalid` with its range */
export function applyConfigInstruction(state: StageState, instruction: ConfigInstruction): void {
  switch (instruction.kind) {
    case 'ENV':
      return applyEnv(state, instruction)
    case 'LABEL':
      return applyLabel(state, instruction)
    case 'MAINTAINER':
      state.config = withField(state.config, 'author', instruction.name)
      return addHistory(state, `MAINTAINER ${instruction.name}`)
    case 'CMD':
      return applyCmd(state, instruction)
    case 'ENTRYPOINT':
      return applyEntrypoint(state, instruction)
    case 'EXPOSE':
      return applyExpose(state, instruction)
    case 'HEALTHCHECK':
      return applyHealthcheck(state, instruction)
    case 'USER':
      return applyUser(state, instruction)
    case 'VOLUME':
      return applyVolume(state, instruction)
    case 'STOPSIGNAL':
      return applyStopSignal(state, instruction)
    case 'SHELL':
      setRuntime(state, 'Shell', instruction.shell)
      return addHistory(state, `SHELL ${goList(instruction.shell)}`)
    case 'ONBUILD':
      state.collections.onBuild.push(instruction.trigger)
      return
  }
}

function setRuntime(state: StageState, field: RuntimeField, value: Json | undefined): void {
  state.config = withRuntime(state.config, field, value)
}

/** An empty list is left out, as BuildKit's JSON has it. */
function setList(state: StageState, field: 'Cmd' | 'Entrypoint', list: readonly string[]): void {
  setRuntime(state, field, list.length === 0 ? undefined : list)
}

function applyEnv(state: StageState, instruction: EnvInstruction): void {
  // Every pair is expanded before any is set: `ENV a=1 b=$a` sees the old a.
  const pairs = instruction.pairs.map(
    ({ key, value }) => [expand(state, key, instruction), expand(state, value, instruction)] as const,
  )
  checkLegacyPairs(state, instruction.pairs, instruction)
  for (const [key] of pairs) checkSecretName(state, key, instruction)
  setVariables(state, pairs)
}

/** Sets variables of the image and of what follows in the stage, as one ENV. */
export function setVariables(state: StageState, pairs: readonly (readonly [name: string, value: string])[]): void {
  for (const [key, value] of pairs) {
    setEnvLine(state.collections, key, value)
    setVariable(state, key, value)
  }
  addHistory(state, `ENV ${pairs.map((p) => p.join('=')).join(' ')}`)
}

function applyLabel(state: StageState, instruction: LabelInstruction): void {
  const pairs = instruction.pairs.map(
    ({ key, value }) => [expand(state, key, instruction), expand(state, value, instruction)] as const,
  )
  checkLegacyPairs(state, instruction.pairs, instruction)
  for (const [key, value] of pairs) state.collections.labels.set(key, value)
  addHistory(state, `LABEL ${pairs.map((p) => p.join('=')).join(' ')}`)
}

/** A command as the argument list that runs it: the shell form goes through the stage's SHELL. */
export function commandArgs(state: StageState, command: Command): string[] {
  if (command.form === 'exec') return [...command.args]
  return [...(runtimeOf(state.config).shell ?? defaultShell(state)), command.text]
}

/** The shell of a stage without SHELL (defaultShell in BuildKit's dockerfile2llb/image.go). */
function defaultShell(state: StageState): readonly string[] {
  return isWindows(state.platform) ? ['cmd', '/S', '/C'] : ['/bin/sh', '-c']
}

function applyCmd(state: StageState, instruction: CmdInstruction): void {
  checkUsedOnce(state, instruction)
  checkJsonForm(state, instruction)
  const args = commandArgs(state, instruction.command)
  setList(state, 'Cmd', args)
  // Set by BuildKit on every image with a CMD, though it means something on Windows alone.
  setRuntime(state, 'ArgsEscaped', true)
  state.cmdSet = true
  addHistory(state, `CMD ${goQuoteList(args)}`)
}

function applyEntrypoint(state: StageState, instruction: EntrypointInstruction): void {
  checkUsedOnce(state, instruction)
  checkJsonForm(state, instruction)
  const args = commandArgs(state, instruction.command)
  setList(state, 'Entrypoint', args)
  // An inherited CMD was meant for the inherited entry point.
  if (!state.cmdSet) setRuntime(state, 'Cmd', undefined)
  addHistory(state, `ENTRYPOINT ${goQuoteList(args)}`)
}

/** What a port takes of the config's text, with quotes, an empty object and a comma. */
const bytesOfPort = 24

function applyExpose(state: StageState, instruction: ExposeInstruction): void {
  const words = instruction.ports.flatMap((port) => expandToWords(state, port, instruction))
  checkPorts(state, words, instruction)
  const ports = parsePorts(words, instruction.at)
  state.context.budget.charge(bytesOfPort * ports.length)
  for (const port of ports) state.collections.exposedPorts.add(port)
  addHistory(state, `EXPOSE ${goList(ports)}`)
}

function applyHealthcheck(state: StageState, instruction: HealthcheckInstruction): void {
  checkUsedOnce(state, instruction)
  const { test, interval, timeout, startPeriod, startInterval, retries } = instruction
  const form = test?.form === 'exec' ? ['CMD', ...test.args] : test ? ['CMD-SHELL', test.text] : ['NONE']
  const health: Healthcheck = {
    Test: form,
    ...(interval ? { Interval: interval } : {}),
    ...(timeout ? { Timeout: timeout } : {}),
    ...(startPeriod ? { StartPeriod: startPeriod } : {}),
    ...(startInterval ? { StartInterval: startInterval } : {}),
    ...(retries ? { Retries: retries } : {}),
  }
  setRuntime(state, 'Healthcheck', health as unknown as Json)
  addHistory(state, healthcheckHistory(health))
}

function applyUser(state: StageState, instruction: UserInstruction): void {
  const user = expand(state, instruction.user, instruction)
  setRuntime(state, 'User', user)
  addHistory(state, `USER ${user}`)
}

function applyVolume(state: StageState, instruction: VolumeInstruction): void {
  const paths = instruction.paths.map((path) => expand(state, path, instruction))
  if (paths.includes('')) {
    throw new WherryError('dockerfile-invalid', 'VOLUME specified can not be an empty string', { at: instruction.at })
  }
  for (const path of paths) state.collections.volumes.add(path)
  if (state.context.options.compatVolumes !== true) return addHistory(state, `VOLUME ${goList(paths)}`)
  for (const path of paths) makeVolume(state, path, instruction)
}

function applyStopSignal(state: StageState, instruction: StopsignalInstruction): void {
  const signal = expand(state, instruction.signal, instruction)
  checkStopSignal(signal, instruction.at)
  setRuntime(state, 'StopSignal', signal)
  addHistory(state, `STOPSIGNAL ${signal}`)
}
