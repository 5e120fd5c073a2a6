/** Watches a build's steps: remembers what their keys were made of, and with `--explain` says why each was or was not cached. */
import { basename } from 'node:path'
import { type Digest, digestOf } from '../../core/digest.ts'
import type { ExplainReason } from '../../core/events.ts'
import { canonicalJson } from '../../core/json.ts'
import type { Scope } from '../../core/scope.ts'
import { formatPlatform } from '../../oci/platform.ts'
import type { Plan, Step } from '../../plan/contract.ts'
import type { BuildNotes } from '../../store/contract.ts'
import type { BuildContext } from '../context/context.ts'
import type { BuildRequest } from '../contract.ts'
import type { Lookup, StepWatch } from '../engine.ts'
import { keyVersion } from '../keys.ts'
import { type CopySelection, selectedEntries } from '../steps/copy.ts'
import { alignSteps } from './align.ts'
import { argReasons } from './args.ts'
import { changesOf } from './compare.ts'
import { type StepFacts, describeSteps } from './describe.ts'
import { compareLists, formatList, touchedFiles } from './files.ts'
import { type BaseNote, type BuildNote, formatNote, parseNote, shortDigest } from './note.ts'
import { reasonsFor } from './reasons.ts'

/** A watch over one build. */
export interface Explainer extends StepWatch {
  /** Says what there is to say before any step. */
  begin(): Promise<void>
  /** Says why the steps that nothing asked for were cached, and writes the note for the next build. */
  finish(): Promise<void>
}

/** What an explainer works with. */
export interface Explained {
  readonly plan: Pick<Plan, 'steps' | 'lines' | 'variableUses'>
  readonly request: BuildRequest
  readonly notes: BuildNotes
  readonly bases: readonly BaseNote[]
  readonly scope: Pick<Scope, 'emit'>
  context(this: void, name?: string): Promise<BuildContext>
}

/** Opens the watch. Without `request.explain` it only remembers, which costs next to nothing. */
export function createExplainer(of: Explained): Explainer {
  const { plan, request, notes, scope } = of
  const facts = new Map<Digest, StepFacts>()
  const selections = new Map<Digest, CopySelection>()
  const made = new Set<Digest>()
  const told = new Set<Digest>()
  const lists = new Map<Digest, string | undefined>()
  const places = new Map([...plan.steps.keys()].map((id, place) => [id, place]))
  let known: Promise<BuildNote | undefined> | undefined
  const before = () => (known ??= notes.note(buildKey(request)).then(readNote))
  const noteNow = async (): Promise<BuildNote> => ({
    rules: keyVersion,
    steps: describeSteps({ plan, facts, made }),
    bases: of.bases,
    args: shortArgs(request.buildArgs),
    ignore: await ignoreFiles(of, selections),
  })
  const listNow = (selection: Digest): string | undefined => {
    const found = selections.get(selection)
    if (found !== undefined && !lists.has(selection)) lists.set(selection, formatList(selectedEntries(found)))
    return lists.get(selection)
  }
  const explain = async (step: Step, lookup: Lookup | 'unasked'): Promise<void> => {
    told.add(step.id)
    const ids = plan.lines.filter((line) => line.step === step.id).map((line) => line.id)
    if (ids.length === 0) return
    const reasons = await reasonsOf(step, lookup)
    for (const id of ids) scope.emit({ type: 'explain', id, outcome: outcomeOf(lookup), reasons })
  }
  const reasonsOf = async (step: Step, lookup: Lookup | 'unasked'): Promise<ExplainReason[]> => {
    const old = await before()
    const after = await noteNow()
    const place = places.get(step.id)!
    const pairs = alignSteps(old?.steps ?? [], after.steps)
    const then = old?.steps[pairs.get(place) ?? -1]
    const now = after.steps[place]!
    const oldLists = await readLists(old, notes)
    const comparison = {
      before: old ?? after,
      after,
      pairs,
      files: (a: typeof now, b: typeof now) =>
        compareLists(oldLists.get(a.selection ?? ''), b.selection && listNow(b.selection)),
    }
    const { selection } = now
    const touched =
      selection && selection === then?.selection ? touchedFiles(oldLists.get(selection), listNow(selection)) : []
    return reasonsFor({ lookup, note: old, now, then, touched, changes: () => changesOf(comparison, place) })
  }
  return {
    keyed(step, key, selection) {
      facts.set(step.id, { key, ...(selection === undefined ? {} : { selection: selection.digest }) })
      if (selection !== undefined) selections.set(selection.digest, selection)
    },
    looked: async (step, lookup) => (request.explain === true ? explain(step, lookup) : undefined),
    made: (step) => void made.add(step.id),
    async begin() {
      if (request.explain !== true) return
      const reasons = argReasons({
        given: (await noteNow()).args,
        before: (await before())?.args,
        uses: plan.variableUses,
      })
      if (reasons.length > 0) scope.emit({ type: 'explain', reasons })
    },
    async finish() {
      if (request.explain === true) {
        for (const step of plan.steps.values()) {
          if (!told.has(step.id) && facts.has(step.id)) await explain(step, 'unasked')
        }
      }
      await writeNote(buildKey(request), keepMade(await noteNow(), await before()), { notes, old: await before() })
      for (const selection of selections.keys()) {
        // Times are no part of a selection: those that were spoken of are noted anew.
        if (request.explain !== true && (await notes.hasList(selection))) continue
        const list = listNow(selection)
        if (list !== undefined && (await notes.list(selection)) !== list) await notes.putList(selection, list)
      }
    },
  }
}

async function writeNote(
  key: Digest,
  note: BuildNote,
  { notes, old }: { readonly notes: BuildNotes; readonly old: BuildNote | undefined },
): Promise<void> {
  const text = formatNote(note)
  if (old === undefined || formatNote(old) !== text) await notes.putNote(key, text)
}

function readNote(text: string | undefined): BuildNote | undefined {
  return text === undefined ? undefined : parseNote(text)
}

function shortArgs(args: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, shortDigest(value)]))
}

function outcomeOf(lookup: Lookup | 'unasked'): 'cached' | 'built' {
  return ['hit', 'same-content', 'unasked'].includes(lookup) ? 'cached' : 'built'
}

/** What names a build: two of one key are compared. */
function buildKey({ context, dockerfile, target, platforms }: BuildRequest): Digest {
  return digestOf(canonicalJson({ context, dockerfile, target, platforms: platforms.map(formatPlatform) }))
}

/** A step that was not asked for this time was made if it was before. */
function keepMade(note: BuildNote, old: BuildNote | undefined): BuildNote {
  const made = new Set(old?.steps.filter((step) => step.made).map((step) => step.key))
  return { ...note, steps: note.steps.map((step) => ({ ...step, made: step.made || made.has(step.key) })) }
}

async function readLists(note: BuildNote | undefined, notes: BuildNotes): Promise<Map<string, string | undefined>> {
  const lists = new Map<string, string | undefined>()
  for (const { selection } of note?.steps ?? []) {
    if (selection !== undefined && !lists.has(selection)) lists.set(selection, await notes.list(selection))
  }
  return lists
}

/** The ignore files of the contexts that something was copied from. */
async function ignoreFiles(
  { plan, context }: Explained,
  selections: ReadonlyMap<Digest, unknown>,
): Promise<BuildNote['ignore']> {
  if (selections.size === 0) return {}
  const names = new Set<string | undefined>()
  for (const step of plan.steps.values()) {
    if (step.kind === 'copy' && step.from.kind === 'context' && step.sources.some((source) => source.kind === 'path'))
      names.add(step.from.name)
  }
  const files: Record<string, Digest> = {}
  for (const name of names) {
    const { ignoreFile, ignoreDigest } = await context(name)
    if (ignoreFile === undefined || ignoreDigest === undefined) continue
    files[name === undefined ? basename(ignoreFile) : `${name}: ${basename(ignoreFile)}`] = ignoreDigest
  }
  return files
}
