/** Which processes a terminal's keys go to: tcsetpgrp(3). */
import { libcFunction } from './libc.ts'

const tcgetpgrp = libcFunction('int tcgetpgrp(int)')
const tcsetpgrp = libcFunction('int tcsetpgrp(int, int)')
const pthreadSigmask = libcFunction('int pthread_sigmask(int, void*, void*)')

/** sizeof(sigset_t), generously. */
const signalSetSize = 128
const sigTtou = 22
const block = 0
const setMask = 2

/**
 * Remembers to whom the keys of this session's terminal go.
 * @returns gives them back to the same; undefined if the descriptor is not that terminal
 */
export function keepTerminal(fd: number): (() => void) | undefined {
  const group = tcgetpgrp(fd)
  if (group < 0) return undefined
  return () => giveTerminal(fd, group)
}

const setpgid = libcFunction('int setpgid(int, int)')
const getpgid = libcFunction('int getpgid(int)')

/**
 * Makes this process and what it starts from now on a group of their own, which the keys of the terminal go to.
 * @returns makes it a member of its old group again; that group does not get the terminal
 */
export function takeTerminal(fd: number): () => void {
  const before = getpgid(0)
  setpgid(0, 0)
  giveTerminal(fd, process.pid)
  return () => void setpgid(0, before)
}

function giveTerminal(fd: number, group: number): void {
  const before = Buffer.alloc(signalSetSize)
  const ttou = Buffer.alloc(signalSetSize)
  ttou.writeUInt32LE(2 ** (sigTtou - 1))
  // Who asks for the terminal from the background is stopped, unless this signal is blocked.
  pthreadSigmask(block, ttou, before)
  try {
    tcsetpgrp(fd, group)
  } finally {
    pthreadSigmask(setMask, before, null)
  }
}
