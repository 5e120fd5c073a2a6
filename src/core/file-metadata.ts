/** What is known of a file without its bytes: the part that entries of archives and of contents lists share. */
import type { BytePath } from './bytepath.ts'

/** A file's name and attributes. Everything that is a name or a value of bytes is latin1. */
export interface FileMetadata {
  /** Relative to the root, without leading or trailing slash, `.`, `..` or empty parts; '' is the root itself. */
  readonly path: BytePath
  /** Permission bits with setuid, setgid and sticky: mode & 0o7777. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes of a regular file, else 0. */
  readonly size: number
  /** Modification time in nanoseconds since 1970. */
  readonly mtime: bigint
  /** Symlink target as it is; hard link target in the form of `path`. */
  readonly link?: BytePath
  readonly devMajor?: number
  readonly devMinor?: number
  /** Extended attributes, name to value. */
  readonly xattrs?: Readonly<Record<string, string>>
}
