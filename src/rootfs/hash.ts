/** Content digests of files, synchronously: for worker threads, where one file costs microseconds. */
import { createHash, hash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { type BytePath, toBytes } from '../core/bytepath.ts'

const bufferSize = 1 << 20

/** Hexadecimal sha256 of each file, in order. Links are followed. Memory is bounded whatever the files' sizes. @throws the errors of `node:fs` */
export function hashFiles(paths: readonly BytePath[]): string[] {
  const buffer = Buffer.allocUnsafeSlow(bufferSize)
  return paths.map((path) => hashFile(path, buffer))
}

function hashFile(path: BytePath, buffer: Buffer): string {
  const fd = openSync(toBytes(path), 'r')
  try {
    let length = readSync(fd, buffer)
    if (length < bufferSize) {
      const more = length === 0 ? 0 : readSync(fd, buffer, length, bufferSize - length, null)
      if (more === 0) return hash('sha256', buffer.subarray(0, length))
      length += more
    }
    const whole = createHash('sha256')
    for (; length > 0; length = readSync(fd, buffer)) whole.update(buffer.subarray(0, length))
    return whole.digest('hex')
  } finally {
    closeSync(fd)
  }
}
