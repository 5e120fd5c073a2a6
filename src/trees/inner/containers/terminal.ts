/** A program's own terminal, shown on the one that wherry has: bytes both ways, and the window's size. */
import { write } from 'node:fs'
import { ReadStream } from 'node:tty'
import { promisify } from 'node:util'
import { setTimeout as delay } from 'node:timers/promises'
import { errnoOf } from '../../../core/errors.ts'
import { copyWindowSize, leaveOutputAlone } from '../../../host/terminal.ts'

const writeFd = promisify(write)
const [input, output] = [0, 1]
const retryMs = 5

/**
 * Shows it until nobody has its other side any more. Whoever calls has set the outer terminal to raw.
 * @param master descriptor, which is closed at the end
 * @param interactive what is typed goes to it
 */
export async function showTerminal(master: number, interactive: boolean): Promise<void> {
  const resize = (): void => void copyWindowSize(input, master)
  resize()
  process.on('SIGWINCH', resize)
  if (interactive) leaveOutputAlone(input)
  const keys = interactive ? new ReadStream(input) : undefined
  let ended = false
  keys?.on('data', (chunk: Buffer) => {
    keys.pause()
    // What is typed when nobody reads any more goes nowhere.
    void writeAll(master, chunk, () => ended).then(
      () => keys.resume(),
      () => undefined,
    )
  })
  try {
    await copyOutput(new ReadStream(master))
  } finally {
    process.off('SIGWINCH', resize)
    ended = true
    keys?.destroy()
  }
}

async function copyOutput(from: ReadStream): Promise<void> {
  try {
    for await (const chunk of from) await writeAll(output, chunk as Buffer)
  } catch (error) {
    // What a terminal says when its last user is gone.
    if (errnoOf(error) !== 'EIO') throw error
  }
}

async function writeAll(fd: number, chunk: Buffer, ended: () => boolean = () => false): Promise<void> {
  for (let at = 0; at < chunk.length && !ended(); ) {
    try {
      at += (await writeFd(fd, chunk, at)).bytesWritten
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') throw error
      await delay(retryMs)
    }
  }
}
