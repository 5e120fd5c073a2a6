/** Writing a layer's contents list to its file while the layer is made or read. */
import { closeSync, openSync, writeSync } from 'node:fs'
import type { Entry } from '../oci/contents.ts'
import { contentsEncoder, contentsEncoding } from '../store/contents-codec.ts'

/** Text is written in pieces of at least so many characters. */
const pieceSize = 1 << 20

/** A contents list that is being written. */
export interface ContentsFile {
  add(entry: Entry): void
  /** Writes the end; without it the file reads as torn. */
  finish(): void
  /** Closes the file, finished or not. */
  close(): void
}

/** Starts the new file `path`. @throws the errors of `node:fs` */
export function createContentsFile(path: string): ContentsFile {
  const fd = openSync(path, 'wx', 0o644)
  const encoder = contentsEncoder()
  let text = ''
  function flush(): void {
    const bytes = Buffer.from(text, contentsEncoding)
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
    text = ''
  }
  return {
    add(entry) {
      text += encoder.add(entry)
      if (text.length >= pieceSize) flush()
    },
    finish() {
      text += encoder.end()
      flush()
    },
    close: () => closeSync(fd),
  }
}
