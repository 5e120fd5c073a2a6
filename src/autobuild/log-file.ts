/** The log of a build: its output as plain lines, without credentials, in a file of bounded size. */
import { type WriteStream, createWriteStream } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'

/** More is not kept, in bytes. */
const maxBytes = 8 * 1024 * 1024
/** Longer lines are cut into several, in characters. A secret is looked for in whole lines. */
const maxLine = 64 * 1024

/** Takes out of a text what it must not tell. */
export type Redact = (line: string) => string

const hidden = '***'
/** How wherry's errors begin. */
const errorMark = 'ERROR: '

/**
 * Hides these values wherever they stand, alone or in base64 or percent-encoded, and what looks like a credential: passwords in
 * URLs, `Authorization` headers, tokens of the git hosts. Values of less than four characters are no secrets.
 */
export function redactor(values: readonly string[]): Redact {
  const forms = values
    .flatMap((value) => [value, ...value.split('\n')])
    .map((value) => value.trim())
    .filter((value) => value.length >= 4)
    .flatMap((value) => [value, encodeURIComponent(value), Buffer.from(value).toString('base64').replace(/=+$/, '')])
  // The longest first, so that no part of one is left over.
  const known = [...new Set(forms)].sort((a, b) => b.length - a.length)
  return (line) =>
    known
      .reduce((text, value) => text.replaceAll(value, hidden), line)
      .replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, `$1${hidden}@`)
      .replace(/(\bauthorization["']?\s*[:=]\s*["']?(?:basic|bearer|token)?\s*)[^\s"',]+/gi, `$1${hidden}`)
      .replace(/\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|ATBB\w{20,}|whsec_[\w+/=]{20,})/g, hidden)
}

/** A log that is being written. */
export interface BuildLog {
  /** Takes a piece of output. */
  write(chunk: Buffer): void
  /** Adds a line of our own. */
  line(text: string): void
  /** What the last line that begins with `ERROR: ` said, as it is in the log. */
  lastError(): string | undefined
  /** Writes what is left; resolves when it is in the file. */
  close(): Promise<void>
}

/** Opens a log anew. Failures to write it are told once and do not end the build. */
export function openLog(path: string, redact: Redact, onFailure: (error: unknown) => void): BuildLog {
  const stream = createWriteStream(path, { mode: 0o600 })
  let failed = false
  stream.once('error', (error) => {
    failed = true
    onFailure(error)
  })
  stream.on('error', () => undefined)
  let rest = Buffer.alloc(0)
  let size = 0
  let error: string | undefined
  const put = (line: string): void => {
    // What a terminal would show; a browser shows control characters as boxes.
    const shown = redact(stripVTControlCharacters(line).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, ''))
    if (shown.startsWith(errorMark)) error = shown.slice(errorMark.length)
    const text = `${shown}\n`
    if (size >= maxBytes) return
    size += Buffer.byteLength(text)
    stream.write(size >= maxBytes ? '… the log is longer than what is kept\n' : text)
  }
  return {
    write: (chunk) => {
      const text = Buffer.concat([rest, chunk])
      let start = 0
      for (;;) {
        const end = text.indexOf(0x0a, start)
        if (end < 0) break
        put(text.toString('utf8', start, end))
        start = end + 1
      }
      rest = text.subarray(start)
      if (rest.length > maxLine) {
        put(rest.toString('utf8'))
        rest = Buffer.alloc(0)
      }
    },
    line: put,
    lastError: () => error,
    close: async () => {
      if (rest.length > 0) put(rest.toString('utf8'))
      rest = Buffer.alloc(0)
      if (!failed) await finished(stream)
    },
  }
}

async function finished(stream: WriteStream): Promise<void> {
  await new Promise<void>((resolve) => {
    stream.once('error', () => resolve())
    stream.end(() => resolve())
  })
}
