/** Extended attributes of files, never following a symbolic link: llistxattr(2) and its family. Names and values are latin1, a code unit per byte. */
import { errnoOf } from '../core/errors.ts'
import { cString, checked, lastError, libcFunction } from './libc.ts'

const llistxattr = libcFunction('long llistxattr(void*, void*, size_t)')
const lgetxattr = libcFunction('long lgetxattr(void*, void*, void*, size_t)')
const lsetxattr = libcFunction('int lsetxattr(void*, void*, void*, size_t, int)')
const lremovexattr = libcFunction('int lremovexattr(void*, void*)')

/** The kernel's limit for a list and for a value (XATTR_LIST_MAX, XATTR_SIZE_MAX). */
const largest = 65536
const scratch = Buffer.allocUnsafeSlow(largest)

/**
 * Names of a file's attributes; none where the file system has no attributes.
 * @throws SystemError
 */
export function listXattrs(path: Buffer): string[] {
  return namesOf(path, cString(path))
}

function namesOf(path: Buffer, cPath: Buffer): string[] {
  const length = llistxattr(cPath, scratch, largest)
  if (length === 0) return []
  if (length < 0) {
    const error = lastError('llistxattr', path)
    if (error.code === 'ENOTSUP') return []
    throw error
  }
  return scratch.toString('latin1', 0, length - 1).split('\0')
}

/**
 * An attribute's value, or undefined if the file has no such attribute.
 * @throws SystemError
 */
export function getXattr(path: Buffer, name: string): string | undefined {
  return valueOf(path, cString(path), name)
}

function valueOf(path: Buffer, cPath: Buffer, name: string): string | undefined {
  const length = lgetxattr(cPath, cString(Buffer.from(name, 'latin1')), scratch, largest)
  if (length >= 0) return scratch.toString('latin1', 0, length)
  const error = lastError('lgetxattr', path)
  if (error.code === 'ENODATA' || error.code === 'ENOTSUP') return undefined
  throw error
}

/**
 * All attributes of a file, or undefined if it has none. One that vanishes or may not be read meanwhile is left out.
 * @throws SystemError
 */
export function readXattrs(path: Buffer): Record<string, string> | undefined {
  const cPath = cString(path)
  const names = namesOf(path, cPath)
  if (names.length === 0) return undefined
  const out: Record<string, string> = {}
  for (const name of names) {
    const value = valueOf(path, cPath, name)
    if (value !== undefined) out[name] = value
  }
  return out
}

/**
 * Sets an attribute, replacing its value.
 * @throws SystemError
 */
export function setXattr(path: Buffer, name: string, value: string): void {
  const bytes = Buffer.from(value, 'latin1')
  const result = lsetxattr(cString(path), cString(Buffer.from(name, 'latin1')), bytes, bytes.length, 0)
  checked(result, `lsetxattr ${name}`, path)
}

/**
 * Removes an attribute; absent is fine.
 * @throws SystemError
 */
export function removeXattr(path: Buffer, name: string): void {
  try {
    checked(lremovexattr(cString(path), cString(Buffer.from(name, 'latin1'))), `lremovexattr ${name}`, path)
  } catch (error) {
    if (errnoOf(error) !== 'ENODATA') throw error
  }
}
