/** What a build remembers of its steps, so that the next one can say what is different. It holds digests in the place of values. */
import { type Digest, digestOf, isDigest } from '../../core/digest.ts'
import { canonicalJson, isJsonObject } from '../../core/json.ts'

/** Raised when notes of before cannot be compared any more. */
const noteVersion = 1

/** One thing that a step's files come from: a base image (by its layers), or another step (by its place in the note). */
export interface InputNote {
  /** `input`, `from`, or `mount TARGET`. */
  readonly role: string
  readonly base?: Digest
  readonly step?: number
}

/** A step as it was. */
export interface StepNote {
  /** `[2/7]`; '' for a step that is part of another instruction (the files of a bind mount). */
  readonly label: string
  readonly text: string
  readonly kind: string
  /** Definition key; undefined if the build ended before it was known. */
  readonly key?: Digest
  /** Parts of the definition, as short digests. */
  readonly fields: Readonly<Record<string, string>>
  /** Variables, their values as short digests. */
  readonly env: Readonly<Record<string, string>>
  readonly inputs: readonly InputNote[]
  /** What it copies from a context. */
  readonly selection?: Digest
  /** True if its result is known to have been there in the end. */
  readonly made: boolean
}

/** A base image as it was resolved. */
export interface BaseNote {
  readonly name: string
  readonly digest: Digest
  /** Key of its layers. */
  readonly stack: Digest
}

/** A build: of one Dockerfile and context, for one target and platform. */
export interface BuildNote {
  /** Version of the rules for keys. */
  readonly rules: number
  /** Inputs before their users. */
  readonly steps: readonly StepNote[]
  readonly bases: readonly BaseNote[]
  /** Build args that were given, their values as short digests. */
  readonly args: Readonly<Record<string, string>>
  /** The ignore files, by name. */
  readonly ignore: Readonly<Record<string, Digest>>
}

/** A value as a short digest: enough to see that it changed, and nothing of the value. */
export function shortDigest(value: unknown): string {
  return digestOf(canonicalJson({ value })).slice('sha256:'.length, 'sha256:'.length + 16)
}

/** The text of a note. */
export function formatNote(note: BuildNote): string {
  return JSON.stringify({ version: noteVersion, ...note })
}

/** Reads a note; undefined if it is none of this version. */
export function parseNote(text: string): BuildNote | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (!isJsonObject(value) || value['version'] !== noteVersion) return undefined
    const note = value as unknown as BuildNote
    const isWhole = Array.isArray(note.steps) && Array.isArray(note.bases) && isJsonObject(note.args)
    return isWhole && note.steps.every(isStepNote) ? note : undefined
  } catch {
    // Torn by a crash, or of another program: a miss either way.
    return undefined
  }
}

function isStepNote(value: unknown): boolean {
  if (!isJsonObject(value)) return false
  const { key, text, kind, fields, env, inputs } = value
  const hasKey = key === undefined || (typeof key === 'string' && isDigest(key))
  return (
    typeof text === 'string' &&
    typeof kind === 'string' &&
    hasKey &&
    isJsonObject(fields) &&
    isJsonObject(env) &&
    Array.isArray(inputs)
  )
}
