/** A file's status with what Node's lacks or has slowly: statx(2), and struct stat as the kernel writes it. */
import { syscall } from './libc.ts'

const atEmptyPath = 0x1000
const atNoFollow = 0x100
const wanted = 0xfff // STATX_BASIC_STATS and STATX_BTIME
const currentDirectory = -100

/** What tells files apart, and their type. */
export interface FileStatus {
  /** As Node has it. */
  readonly dev: bigint
  readonly ino: bigint
  /** Nanoseconds since 1970; 0 where the file system has none. */
  readonly birth: bigint
  /** With the type. */
  readonly mode: number
}

/** A file by descriptor, or by a path as a C string. */
export type FilePlace = number | { readonly path: Buffer; readonly follow: boolean }

const empty = Buffer.alloc(1)

/** The status as bytes of struct statx; undefined if there is no such file. */
export function statxBytes(place: FilePlace): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(256)
  return look('statx', place, [wanted, bytes]) ? bytes : undefined
}

/** The status as bytes of the processor's struct stat; undefined if there is no such file. */
export function statBytes(place: FilePlace): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(144)
  const [folder, path, flags] = parts(place)
  return syscall('newfstatat', folder, path, bytes, flags) === 0 ? bytes.subarray(0, statLayout().size) : undefined
}

function look(call: 'statx', place: FilePlace, [mask, bytes]: [number, Buffer]): boolean {
  const [folder, path, flags] = parts(place)
  return syscall(call, folder, path, flags, mask, bytes) === 0
}

function parts(place: FilePlace): [folder: number, path: Buffer, flags: number] {
  if (typeof place === 'number') return [place, empty, atEmptyPath]
  return [currentDirectory, place.path, place.follow ? 0 : atNoFollow]
}

/** Reads struct statx. */
export function parseStatx(bytes: Buffer): FileStatus {
  return {
    dev: deviceNumber({ major: bytes.readUInt32LE(136), minor: bytes.readUInt32LE(140) }),
    ino: bytes.readBigUInt64LE(32),
    birth: bytes.readBigInt64LE(80) * 1_000_000_000n + BigInt(bytes.readUInt32LE(88)),
    mode: bytes.readUInt16LE(28),
  }
}

/** What another owner, and another type, change of a status. */
export interface ShownOwner {
  readonly uid: number
  readonly gid: number
  readonly device?: { readonly type: 'char' | 'block'; readonly major: number; readonly minor: number }
}

const permissions = 0o7777
const typeBits = { char: 0o020000, block: 0o060000 } as const

/** Puts an owner into struct statx. */
export function patchStatx(bytes: Buffer, { uid, gid, device }: ShownOwner): void {
  bytes.writeUInt32LE(uid, 20)
  bytes.writeUInt32LE(gid, 24)
  if (device === undefined) return
  bytes.writeUInt16LE((bytes.readUInt16LE(28) & permissions) | typeBits[device.type], 28)
  bytes.writeUInt32LE(device.major, 128)
  bytes.writeUInt32LE(device.minor, 132)
}

/** Puts an owner into struct stat. */
export function patchStat(bytes: Buffer, { uid, gid, device }: ShownOwner): void {
  const at = statLayout()
  bytes.writeUInt32LE(uid, at.uid)
  bytes.writeUInt32LE(gid, at.uid + 4)
  if (device === undefined) return
  bytes.writeUInt32LE((bytes.readUInt32LE(at.mode) & permissions) | typeBits[device.type], at.mode)
  bytes.writeBigUInt64LE(deviceNumber(device), at.rdev)
}

/** Offsets in struct stat: arch/x86/include/uapi/asm/stat.h, include/uapi/asm-generic/stat.h. */
function statLayout(): { size: number; mode: number; uid: number; rdev: number } {
  return process.arch === 'x64'
    ? { size: 144, mode: 24, uid: 28, rdev: 40 }
    : { size: 128, mode: 16, uid: 24, rdev: 32 }
}

/** A dev_t as user space has it (gnu_dev_makedev(3)). */
function deviceNumber({ major, minor }: { readonly major: number; readonly minor: number }): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)]
  return (low & 0xffn) | ((high & 0xfffn) << 8n) | ((low & ~0xffn) << 12n) | ((high & ~0xfffn) << 32n)
}

/** The parts of a device number as mknod(2) takes it (32 bits). */
export function splitDevice(number: number): { major: number; minor: number } {
  return { major: (number >>> 8) & 0xfff, minor: (number & 0xff) | ((number >>> 12) & 0xfff00) }
}
