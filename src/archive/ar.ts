/** Reading the index of an ar archive, which a .deb is. deb(5), ar(5). */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { WherryError } from '../core/errors.ts'

/** A member of an archive: `size` bytes of the file from `offset`. */
export interface ArMember {
  readonly name: string
  readonly offset: number
  readonly size: number
}

const magic = '!<arch>\n'
const headerSize = 60
/** No .deb has more than four. */
const maxMembers = 64

/** The members of the archive at `path`, in their order. @throws WherryError `archive-invalid` */
export function readArMembers(path: string): ArMember[] {
  const fd = openSync(path, 'r')
  try {
    const end = fstatSync(fd).size
    const part = (offset: number, length: number): string => {
      const bytes = Buffer.alloc(length)
      return bytes.toString('latin1', 0, readSync(fd, bytes, 0, length, offset))
    }
    if (part(0, magic.length) !== magic) throw invalid(path)
    const members: ArMember[] = []
    for (let at = magic.length; at < end && members.length < maxMembers; ) {
      const header = part(at, headerSize)
      const size = Number(header.slice(48, 58).trim())
      if (!header.endsWith('`\n') || !Number.isSafeInteger(size) || size < 0) throw invalid(path)
      const offset = at + headerSize
      if (offset + size > end) throw invalid(path)
      members.push({ name: header.slice(0, 16).trim().replace(/\/$/, ''), offset, size })
      at = offset + size + (size % 2)
    }
    return members
  } finally {
    closeSync(fd)
  }
}

function invalid(path: string): WherryError {
  return new WherryError('archive-invalid', `${path} is no ar archive, or a damaged one`)
}
