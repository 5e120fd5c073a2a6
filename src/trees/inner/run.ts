/** A process over a stack: mount, run, unmount, and a layer of what it changed. */
import { StringDecoder } from 'node:string_decoder'
import { fromText } from '../../core/bytepath.ts'
import { digestOf } from '../../core/digest.ts'
import type { Json } from '../../core/json.ts'
import { type Cgroup, makeCgroup } from '../../host/cgroups.ts'
import type { SealItem } from '../../layer/contract.ts'
import { ownedBeyond, withDevices, withOwners, withOwnersBelow } from '../../layer/owners.ts'
import { sealLayerInTurns } from '../../layer/seal.ts'
import { mergeLayers } from '../../oci/tree-merge.ts'
import type { Draft } from '../../rootfs/contract.ts'
import type { ProcessResult, ProcessSpec, Stdio } from '../../sandbox/contract.ts'
import type { TreeRun, TreeRunResult } from '../contract.ts'
import { type LowerFiles, contentsOf, findLowerOwners } from './lower-owners.ts'
import { type PreparedMounts, prepareMounts } from './mounts.ts'
import { specOf } from './spec.ts'
import type { Inner } from './state.ts'

/** What a call gets beside its parameters. */
interface Tools {
  readonly signal: AbortSignal
  note(note: Json): void
}

/** Serves `Trees.run`. */
export async function runTree(inner: Inner, run: TreeRun, tools: Tools): Promise<TreeRunResult> {
  const draft = await inner.snapshots.begin(run.layers.map((l) => l.chainId))
  let committed = false
  try {
    const { result, lower } = await runInDraft(inner, draft, { run, tools })
    if (result.exitCode !== 0 || run.output === undefined) return { exitCode: result.exitCode }
    const items = itemsOf(inner, draft, { run, result, lower })
    const { tarPath, contentsPath } = run.output
    const sealed = await sealLayerInTurns({ items, tarPath, contentsPath }, tools.signal)
    const below = run.layers.at(-1)?.chainId
    await inner.snapshots.commit(draft, below === undefined ? sealed.diffId : digestOf(`${below} ${sealed.diffId}`))
    committed = true
    return { exitCode: 0, sealed }
  } finally {
    if (!committed) await draft.discard()
  }
}

async function runInDraft(
  inner: Inner,
  draft: Draft,
  { run, tools }: { run: TreeRun; tools: Tools },
): Promise<{ readonly result: ProcessResult; readonly lower: LowerFiles | undefined }> {
  const mounted = await draft.mount()
  let prepared: PreparedMounts | undefined
  let cgroup: Cgroup | undefined
  const { stdio, flush } = run.foreground ? { stdio: foreground, flush: () => undefined } : piped(tools)
  try {
    prepared = await prepareMounts(inner, run.mounts ?? [], { dir: draft.dir, signal: tools.signal })
    if (run.cgroupParent) cgroup = makeCgroup(run.cgroupParent)
    const stable = inner.snapshots.driver === 'copy'
    const lower =
      inner.mode.kind === 'single' ? findLowerOwners(run.layers, { root: fromText(mounted.path), stable }) : undefined
    const spec: ProcessSpec = {
      ...specOf(mounted.path, run),
      lowerOwners: lower?.files,
      mounts: prepared.mounts,
      cgroup: cgroup?.dir,
      stdio,
    }
    const result = await inner.sandbox.run(mounted.path, spec, tools.signal)
    if (result.exitCode !== 0 && run.onFailure !== undefined) {
      flush()
      const onFailure = { ...spec, args: run.onFailure, stdio: job }
      await onTerminal(() => {
        tools.note({ failed: true })
        return inner.sandbox.run(mounted.path, onFailure, tools.signal)
      })
    }
    return { result, lower }
  } finally {
    flush()
    await cgroup?.remove()
    await prepared?.release()
    await mounted.unmount()
  }
}

const foreground: Stdio = { kind: 'inherit', fds: [0, 1, 2] }
const job: Stdio = { ...foreground, job: true }

let terminalTaken: Promise<unknown> | undefined

/** There is one terminal: a run that fails while another one has it waits for the end of that, and then is over too. */
async function onTerminal(work: () => Promise<unknown>): Promise<void> {
  if (terminalTaken !== undefined) {
    await terminalTaken.catch(() => undefined)
    return
  }
  try {
    terminalTaken = work()
    await terminalTaken
  } finally {
    terminalTaken = undefined
  }
}

/** Output as notes; a character that two chunks share is held back until it is whole. */
function piped(tools: Tools): { stdio: Stdio; flush: () => void } {
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') }
  const send = (stream: 'stdout' | 'stderr', text: string): void => {
    if (text !== '') tools.note({ stream, text })
  }
  return {
    stdio: { kind: 'pipes', onOutput: (stream, chunk) => send(stream, decoders[stream].write(chunk)) },
    flush: () => {
      send('stdout', decoders.stdout.end())
      send('stderr', decoders.stderr.end())
    },
  }
}

interface ItemParts {
  readonly run: TreeRun
  readonly result: ProcessResult
  readonly lower: LowerFiles | undefined
}

function itemsOf(inner: Inner, draft: Draft, { run, result, lower }: ItemParts): Iterable<SealItem> {
  const excluded = inner.sandbox.mountPoints
  const recorded = result.owners
  if (lower === undefined) {
    const owned = { has: (identity: string) => recorded?.get(identity)?.device !== undefined }
    return withDevices(draft.changes({ excluded, owned }), recorded ?? new Map())
  }
  if (recorded === undefined)
    return withOwnersBelow(draft.changes({ excluded }), mergeLayers(run.layers.map(contentsOf)))
  const owned = ownedBeyond(recorded, lower.owners)
  return withOwners(draft.changes({ excluded, owned }), recorded, lower.owners)
}
