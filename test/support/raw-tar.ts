/** Writes tar entries exactly as told, however hostile: what no honest program would write. */

export interface RawEntry {
  readonly name: string
  /** Type flag of the header; default '0', a file. */
  readonly flag?: string
  readonly link?: string
  readonly mode?: number
  readonly data?: Buffer | string
  /** Size that the header claims, if it is not that of the data. */
  readonly claim?: number
  readonly major?: number
  readonly minor?: number
  /** PAX records that come before the entry. */
  readonly pax?: Readonly<Record<string, string>>
}

/** An archive with its end marker. */
export function rawTar(entries: readonly RawEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(entryBlocks), Buffer.alloc(1024)])
}

function entryBlocks(entry: RawEntry): Buffer[] {
  const data = Buffer.from(entry.data ?? '')
  const pax = Object.entries(entry.pax ?? {}).map(([key, value]) => paxRecord(key, value))
  const before = pax.length === 0 ? [] : entryBlocks({ name: 'pax', flag: 'x', data: pax.join('') })
  return [...before, header(entry, data.length), data, Buffer.alloc((512 - (data.length % 512)) % 512)]
}

/** `LENGTH key=value\n`, where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  let length = Buffer.byteLength(rest)
  while (String(length).length + Buffer.byteLength(rest) !== length)
    length = String(length).length + Buffer.byteLength(rest)
  return `${length}${rest}`
}

function header(entry: RawEntry, length: number): Buffer {
  const block = Buffer.alloc(512)
  const octal = (value: number, at: number, width: number): void => {
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at)
  }
  const size = entry.claim ?? length
  block.write(entry.name.slice(0, 100), 0)
  octal(entry.mode ?? 0o644, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  if (size < 8 ** 11) octal(size, 124, 12)
  else {
    block[124] = 0x80
    block.writeBigUInt64BE(BigInt(size), 128)
  }
  octal(0, 136, 12)
  block.write('        ', 148)
  block.write(entry.flag ?? '0', 156)
  block.write((entry.link ?? '').slice(0, 100), 157)
  block.write('ustar\x0000', 257)
  octal(entry.major ?? 0, 329, 8)
  octal(entry.minor ?? 0, 337, 8)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}
