/** Terminals: which processes the keys of one go to, tcsetpgrp(3), and pseudo-terminals, pty(7). */
import { closeSync, constants, fchownSync, fstatSync, openSync } from 'node:fs'
import { checked, libcFunction } from './libc.ts'

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

const ioctl = libcFunction('int ioctl(int, unsigned long, void*)')
const request = { lock: 0x40045431, number: 0x80045430, getSize: 0x5413, setSize: 0x5414 } as const

/** A pseudo-terminal: what a program has for a terminal, and the other side of it. */
export interface PseudoTerminal {
  readonly master: number
  readonly slave: number
}

/**
 * Opens a new pseudo-terminal of a devpts file system; both descriptors are the caller's to close.
 * @param folder where that is mounted
 * @param owner user id that it is to belong to, if not this process's
 * @throws SystemError
 */
export function openPseudoTerminal(folder: string, owner: number): PseudoTerminal {
  const flags = constants.O_RDWR | constants.O_NOCTTY
  const master = openSync(`${folder}/ptmx`, flags)
  try {
    const value = Buffer.alloc(4)
    checked(ioctl(master, request.lock, value), 'ioctl TIOCSPTLCK')
    checked(ioctl(master, request.number, value), 'ioctl TIOCGPTN')
    const slave = openSync(`${folder}/${value.readUInt32LE(0)}`, flags)
    if (owner !== 0) fchownSync(slave, owner, fstatSync(slave).gid)
    return { master, slave }
  } catch (error) {
    closeSync(master)
    throw error
  }
}

/** Gives one terminal the window size of another: ioctl_tty(2). False if `from` is no terminal. */
export function copyWindowSize(from: number, to: number): boolean {
  const size = Buffer.alloc(8)
  return ioctl(from, request.getSize, size) >= 0 && ioctl(to, request.setSize, size) >= 0
}

const tcgetattr = libcFunction('int tcgetattr(int, void*)')
const tcsetattr = libcFunction('int tcsetattr(int, int, void*)')
/** More than sizeof(struct termios) of any C library. */
const termiosSize = 128
const outputFlagsAt = 4
const processOutput = 1

/** Lets a terminal show bytes as they come: Node's raw mode still turns a newline into two characters. Whoever set that undoes both. */
export function leaveOutputAlone(fd: number): void {
  const settings = Buffer.alloc(termiosSize)
  if (tcgetattr(fd, settings) < 0) return
  settings.writeUInt32LE((settings.readUInt32LE(outputFlagsAt) & ~processOutput) >>> 0, outputFlagsAt)
  tcsetattr(fd, 0, settings)
}
