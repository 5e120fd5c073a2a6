/** Comparing two files byte by byte. */
import { closeSync, openSync, readSync } from 'node:fs'
import { type BytePath, toBytes } from '../core/bytepath.ts'

const chunk = 1 << 17
const buffers = { a: Buffer.allocUnsafeSlow(chunk), b: Buffer.allocUnsafeSlow(chunk) }

/** True if two regular files of the same size hold the same bytes. */
export function sameContent(a: BytePath, b: BytePath): boolean {
  const first = openSync(toBytes(a), 'r')
  try {
    const second = openSync(toBytes(b), 'r')
    try {
      return sameBytes(first, second)
    } finally {
      closeSync(second)
    }
  } finally {
    closeSync(first)
  }
}

function sameBytes(first: number, second: number): boolean {
  for (;;) {
    const length = readSync(first, buffers.a, 0, chunk, null)
    if (length !== readSync(second, buffers.b, 0, chunk, null)) return false
    if (length === 0) return true
    if (buffers.a.compare(buffers.b, 0, length, 0, length) !== 0) return false
  }
}
