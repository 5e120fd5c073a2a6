/** Writes small ELF files: headers and a dynamic section, no code. */

export interface ElfSpec {
  readonly wide: boolean
  readonly little: boolean
  readonly machine: number
  readonly interpreter?: string
  readonly needed: readonly string[]
  readonly rpath?: string
  readonly runpath?: string
}

/** The bytes of an ELF file with these headers; addresses are file offsets plus 0x1000. */
export function elf(spec: ElfSpec): Buffer {
  const base = 0x1000
  const strings = Buffer.from(`\0${[...spec.needed, spec.rpath ?? '', spec.runpath ?? ''].join('\0')}\0`)
  const offsetOf = (text: string): number => strings.indexOf(`\0${text}\0`) + 1
  const interp = Buffer.from(spec.interpreter === undefined ? '' : `${spec.interpreter}\0`)
  const headSize = 64 + 3 * 56
  const stringsAt = headSize + interp.length
  const dynamicAt = stringsAt + strings.length
  const tags: (readonly [number, number])[] = [
    ...spec.needed.map((name) => [1, offsetOf(name)] as const),
    ...(spec.rpath === undefined ? [] : [[15, offsetOf(spec.rpath)] as const]),
    ...(spec.runpath === undefined ? [] : [[29, offsetOf(spec.runpath)] as const]),
    [5, stringsAt + base],
    [10, strings.length],
    [0, 0],
  ]
  const w = writer(spec)
  const dynamic = Buffer.concat(tags.flat().map((n) => w.word(n)))
  const end = dynamicAt + dynamic.length
  const segments = [
    w.segment(1, 0, base, end),
    w.segment(spec.interpreter === undefined ? 0 : 3, headSize, base + headSize, interp.length),
    w.segment(spec.needed.length === 0 ? 0 : 2, dynamicAt, base + dynamicAt, dynamic.length),
  ]
  const head = Buffer.alloc(headSize)
  Buffer.concat([w.header(segments.length), ...segments]).copy(head)
  return Buffer.concat([head, interp, strings, dynamic])
}

function writer({ wide, little, machine }: ElfSpec) {
  const u16 = (n: number): Buffer => {
    const b = Buffer.alloc(2)
    if (little) b.writeUInt16LE(n)
    else b.writeUInt16BE(n)
    return b
  }
  const u32 = (n: number): Buffer => {
    const b = Buffer.alloc(4)
    if (little) b.writeUInt32LE(n)
    else b.writeUInt32BE(n)
    return b
  }
  const word = (n: number): Buffer => {
    if (!wide) return u32(n)
    return little ? Buffer.concat([u32(n), u32(0)]) : Buffer.concat([u32(0), u32(n)])
  }
  const ident = Buffer.from([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, little ? 1 : 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  const headerSize = wide ? 64 : 52
  return {
    word,
    header: (segments: number): Buffer =>
      Buffer.concat([
        ...[ident, u16(3), u16(machine), u32(1), word(0), word(headerSize), word(0), u32(0), u16(headerSize)],
        ...[u16(wide ? 56 : 32), u16(segments), u16(0), u16(0), u16(0)],
      ]),
    segment: (type: number, offset: number, address: number, size: number): Buffer =>
      wide
        ? Buffer.concat([
            u32(type),
            u32(4),
            word(offset),
            word(address),
            word(address),
            word(size),
            word(size),
            word(1),
          ])
        : Buffer.concat([
            u32(type),
            word(offset),
            word(address),
            word(address),
            word(size),
            word(size),
            u32(4),
            u32(1),
          ]),
  }
}
