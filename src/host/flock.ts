/** Locks on open files that the kernel lets go when their holder closes them or dies: flock(2). */
import { errnoOf } from '../core/errors.ts'
import { checked, libcFunction } from './libc.ts'

const flock = libcFunction('int flock(int, int)')
const operation = { shared: 1, exclusive: 2 } as const
const doNotBlock = 4

/**
 * Takes a lock on an open file, or changes the one it has, without waiting.
 * @param fd each opening of a file has a lock of its own, also within one process
 * @returns false if somebody else's lock is in the way
 * @throws SystemError
 */
export function tryFlock(fd: number, kind: keyof typeof operation): boolean {
  try {
    checked(flock(fd, operation[kind] | doNotBlock), 'flock')
    return true
  } catch (error) {
    if (errnoOf(error) === 'EWOULDBLOCK' || errnoOf(error) === 'EAGAIN') return false
    throw error
  }
}
