/** Reading a blob while the outer process still fetches it: the file grows, and has another name when it is verified. */
import { existsSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { WherryError } from '../../core/errors.ts'
import { ifStillThere } from '../../core/if-there.ts'
import { sleep } from '../../core/schedule.ts'
import type { StackLayer } from '../contract.ts'

/** How often the file is looked at for more, in milliseconds: a line of 1 Gbit/s brings 2.5 MB meanwhile. */
const lookMs = 20
const readChunk = 1 << 18

/** A blob that is being fetched. */
export interface ArrivingBlob {
  /** All its bytes, as they come. */
  readonly bytes: AsyncIterable<Uint8Array>
  /** Resolves when the outer process has verified the blob. @throws WherryError `cancelled` */
  verified(): Promise<void>
}

/** The blob of a layer that is not there yet; undefined if it is. If it never comes, the caller has to cancel. */
export function openArriving({ blobPath, arriving }: StackLayer, signal: AbortSignal): ArrivingBlob | undefined {
  if (arriving === undefined || existsSync(blobPath)) return undefined
  const moment = async (): Promise<void> => {
    try {
      await sleep(lookMs, signal)
    } catch (cause) {
      throw new WherryError('cancelled', 'cancelled', { cause })
    }
  }
  return {
    bytes: growingBytes([blobPath, arriving.path], arriving.size, moment),
    verified: async () => {
      while (!existsSync(blobPath)) await moment()
    },
  }
}

/** The first `size` bytes of whichever of the files is there, the first one preferred; waits for what is not there yet. */
async function* growingBytes(
  paths: readonly [whole: string, growing: string],
  size: number,
  moment: () => Promise<void>,
): AsyncGenerator<Uint8Array> {
  let file: FileHandle | undefined
  let isWhole = false
  try {
    for (let at = 0; at < size; ) {
      const chunk = file && (await readFrom(file, at))
      if (chunk !== undefined) {
        at += chunk.length
        yield chunk
        continue
      }
      if (isWhole) return
      await moment()
      // What grows may be another file than the one that we have: another process may fetch the blob, too, and be done first.
      isWhole = existsSync(paths[0])
      if (file !== undefined && !isWhole) continue
      await file?.close()
      file = (await ifStillThere(open(paths[0], 'r'))) ?? (await ifStillThere(open(paths[1], 'r')))
    }
  } finally {
    await file?.close()
  }
}

async function readFrom(file: FileHandle, at: number): Promise<Uint8Array | undefined> {
  const buffer = Buffer.allocUnsafeSlow(readChunk)
  const { bytesRead } = await file.read(buffer, 0, readChunk, at)
  return bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead)
}
