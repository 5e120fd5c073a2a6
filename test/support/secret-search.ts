/** Searching folders and texts for values, in every form in which they could have been written down. */
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, readSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

/** Values by name. */
export type Values = Readonly<Record<string, Buffer>>

/** Which values are in the bytes, as `NAME in FORM`. */
export function foundIn(bytes: Buffer, values: Values): string[] {
  return Object.entries(values).flatMap(([name, value]) =>
    [...formsOf(value)].filter(([, form]) => bytes.includes(form)).map(([form]) => `${name} in ${form}`),
  )
}

function formsOf(value: Buffer): Map<string, Buffer> {
  const text = value.toString('latin1')
  const forms: (readonly [string, string])[] = [
    ['raw', text],
    ['hex', value.toString('hex')],
    ['HEX', value.toString('hex').toUpperCase()],
    ['JSON', JSON.stringify(value.toString('utf8')).slice(1, -1)],
    ['URL', encodeURIComponent(text)],
    ...[0, 1, 2].map((offset) => [`base64+${offset}`, base64At(value, offset)] as const),
    ...[0, 1, 2].map((offset) => [`base64url+${offset}`, urlSafe(base64At(value, offset))] as const),
  ]
  return new Map(forms.map(([name, form]) => [name, Buffer.from(form, name === 'JSON' ? 'utf8' : 'latin1')]))
}

/** The characters that only the value decides, where it starts `offset` bytes after a multiple of three. */
function base64At(value: Buffer, offset: number): string {
  const padded = Buffer.concat([Buffer.alloc(offset), value])
    .toString('base64')
    .replace(/=+$/, '')
  const unsure = (offset + value.length) % 3 === 0 ? 0 : 1
  return padded.slice(offset === 0 ? 0 : offset + 1, padded.length - unsure)
}

function urlSafe(text: string): string {
  return text.replaceAll('+', '-').replaceAll('/', '_')
}

/** All of a folder as bytes: names, links, attributes and contents, those that only a namespace can read among them; then what is compressed in it, without that. */
export function bytesOf(dir: string): Buffer {
  const tar = ['tar', '-C', dir, '--xattrs', '--warning=no-file-ignored', '-cf', '-', '.']
  const inside = process.getuid?.() === 0 ? [] : ['unshare', '--user', '--map-root-user', ...mapAll()]
  const [program = '', ...args] = [...inside, ...tar]
  return Buffer.concat([execFileSync(program, args, { maxBuffer: 2 ** 31 }), ...unpacked(dir)])
}

function mapAll(): string[] {
  return spawnSync('unshare', ['--user', '--map-auto', 'true'], { stdio: 'ignore' }).status === 0 ? ['--map-auto'] : []
}

function unpacked(dir: string): Buffer[] {
  return filesOf(dir).flatMap((path) => {
    const magic = beginningOf(path)
    if (magic.startsWith('1f8b')) return [gunzipSync(readFileSync(path))]
    if (magic === '28b52ffd') return [execFileSync('zstd', ['-dc', path], { maxBuffer: 2 ** 31 })]
    return []
  })
}

function beginningOf(path: string): string {
  const fd = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(4)
    return bytes.subarray(0, readSync(fd, bytes)).toString('hex')
  } finally {
    closeSync(fd)
  }
}

/** Plain files; folders of other ids, which hold unpacked files alone, are left out. */
function filesOf(dir: string): string[] {
  let entries
  try {
    entries = readdirSync(dir, { withFileTypes: true })
  } catch {
    return []
  }
  return entries.flatMap((entry) => {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) return entry.name === 'snapshots-v1' ? [] : filesOf(path)
    return entry.isFile() ? [path] : []
  })
}

/** What the other users of the machine can read of its processes: their arguments, one process a line. */
export function argumentsOfAll(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
      } catch {
        return '' // It has ended.
      }
    })
}
