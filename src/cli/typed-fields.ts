/** The `key=value` fields of one `--output`, `--cache-to` or `--cache-from`, read by kind; pure. */
import { WherryError } from '../core/errors.ts'
import { csvFields } from '../dockerfile/csv.ts'
import { refusedAttributes } from './output-attributes.ts'
import type { Packing } from '../transfer/portable.ts'

/** Saying that there shall be none of it is fine. */
const offIsFine = ['oci-artifact', 'attestation-inline', 'registry.insecure']

const levels = { gzip: [0, 9], zstd: [0, 22], none: [0, -1] } as const

/** One value's fields. Invariant: each key once, the last one given counts. */
export class TypedFields {
  /** The option with its value, for messages. */
  readonly subject: string
  readonly type: string
  readonly #fields = new Map<string, string>()

  /** @throws WherryError `usage` */
  constructor(option: string, value: string) {
    this.subject = `${option} "${value}"`
    const texts = fieldTexts(value, this.subject)
    for (const text of texts) {
      const equals = text.indexOf('=')
      if (equals < 1) throw misuse(this.subject, `"${text}" is not KEY=VALUE`)
      this.#fields.set(text.slice(0, equals).trim().toLowerCase(), text.slice(equals + 1))
    }
    this.type = this.#fields.get('type') ?? ''
  }

  /** Refuses every key that is not known, by name. @throws WherryError `usage` */
  check(known: readonly string[], { annotations = false }: { readonly annotations?: boolean } = {}): void {
    for (const [key, value] of this.#fields) {
      if (key === 'type' || known.includes(key) || (annotations && key.startsWith('annotation'))) continue
      if (offIsFine.includes(key) && /^(false|0|f)$/i.test(value)) continue
      const why = refusedAttributes[key]
      if (why !== undefined) throw misuse(this.subject, `"${key}" is not possible: ${why}`)
      const takes = `It takes: ${[...known, ...(annotations ? ['annotation.KEY'] : [])].join(', ') || 'none'}.`
      throw misuse(this.subject, `the attribute "${key}" is not known for type=${this.type}`, takes)
    }
  }

  entries(): IterableIterator<[string, string]> {
    return this.#fields.entries()
  }

  text(key: string): string | undefined {
    return this.#fields.get(key)
  }

  /** Undefined if it is not given; bare (`key=`) is true. @throws WherryError `usage` */
  boolean(key: string): boolean | undefined {
    const text = this.#fields.get(key)
    if (text === undefined) return undefined
    if (['', '1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true
    if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false
    throw misuse(this.subject, `${key} is "${text}", which is neither true nor false`)
  }

  /** Accepts one value of an attribute that has no other here. @throws WherryError `usage` */
  only(key: string, possible: boolean, why: string): void {
    const given = this.boolean(key)
    if (given !== undefined && given !== possible) {
      throw misuse(this.subject, `${key}=${this.text(key) ?? ''} is not possible: ${why}`)
    }
  }

  /** Compression and media types. @throws WherryError `usage` */
  packing(): Packing {
    const type = this.#compression()
    const level = this.#level(type ?? 'gzip')
    const docker = this.boolean('oci-mediatypes') === false
    if (docker && type === 'zstd') {
      throw misuse(this.subject, "compression=zstd has no place in Docker's media types (oci-mediatypes=false)")
    }
    const force = this.boolean('force-compression') ?? false
    if (type === undefined && level === undefined && !force) return { force, docker }
    return { compression: { type: type ?? 'gzip', ...(level === undefined ? {} : { level }) }, force, docker }
  }

  #compression(): 'none' | 'gzip' | 'zstd' | undefined {
    const text = this.text('compression')
    if (text === undefined || text === 'gzip' || text === 'zstd') return text
    if (text === 'uncompressed') return 'none'
    const hint = 'Choose gzip, zstd or uncompressed.'
    if (text === 'estargz' || text === 'nydus')
      throw misuse(this.subject, `compression=${text} is not implemented`, hint)
    throw misuse(this.subject, `"${text}" is not a compression`, hint)
  }

  #level(type: 'none' | 'gzip' | 'zstd'): number | undefined {
    const text = this.text('compression-level')
    if (text === undefined) return undefined
    const [low, high] = levels[type]
    if (type === 'none') throw misuse(this.subject, 'compression-level means nothing without compression')
    if (/^\d+$/.test(text) && Number(text) <= high) return Number(text)
    throw misuse(this.subject, `compression-level is "${text}"; for ${type} it is ${low} to ${high}`)
  }
}

function fieldTexts(value: string, subject: string): string[] {
  try {
    return csvFields(value)
  } catch (cause) {
    throw new WherryError('usage', `${subject}: a quote is in the wrong place`, { cause })
  }
}

/** The error for a value that cannot be read; `subject` is the option with its value. */
export function misuse(subject: string, why: string, hint?: string): WherryError {
  return new WherryError('usage', `${subject}: ${why}`, hint === undefined ? {} : { hint })
}
