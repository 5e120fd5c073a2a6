/** Limits of processes: getrlimit(2). */
import { checked, libcFunction } from './libc.ts'

const prlimit = libcFunction('int prlimit(int, int, void*, void*)')

/** Numbers of the limits, the same on all processors that wherry knows (asm-generic/resource.h). */
const resources = [
  'cpu',
  'fsize',
  'data',
  'stack',
  'core',
  'rss',
  'nproc',
  'nofile',
  'memlock',
  'as',
  'locks',
  'sigpending',
  'msgqueue',
  'nice',
  'rtprio',
  'rttime',
] as const

const unlimited = 0xffff_ffff_ffff_ffffn

/**
 * The hard limit of this process, Infinity if there is none; undefined for a name that is no limit's.
 * @param name in lower case, without RLIMIT_
 * @throws SystemError
 */
export function hardLimit(name: string): number | undefined {
  const number = (resources as readonly string[]).indexOf(name)
  if (number < 0) return undefined
  const limits = Buffer.alloc(16)
  checked(prlimit(0, number, null, limits), 'prlimit', name)
  const hard = limits.readBigUInt64LE(8)
  return hard === unlimited ? Infinity : Number(hard)
}

/**
 * Sets a limit of this process and of what it starts from now on; nothing for a name that is no limit's.
 * @param limit `soft` and `hard`; -1 is unlimited
 * @throws SystemError
 */
export function setLimit(name: string, limit: { readonly soft: number; readonly hard: number }): void {
  const number = (resources as readonly string[]).indexOf(name)
  if (number < 0) return
  const words = Buffer.alloc(16)
  words.writeBigUInt64LE(limit.soft === -1 ? unlimited : BigInt(limit.soft), 0)
  words.writeBigUInt64LE(limit.hard === -1 ? unlimited : BigInt(limit.hard), 8)
  checked(prlimit(0, number, words, null), 'prlimit', name)
}
