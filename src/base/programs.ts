/** Which programs a base image gets when none are named, and where a named program or package is on the machine. */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { WherryError } from '../core/errors.ts'
import { readElf } from './elf.ts'

/** Where programs are looked up, whatever PATH the caller has: the image must not depend on it. */
const programFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** Without a static busybox: a shell and the utilities that build steps use most. Those that are missing are left out. */
export const usualPrograms: readonly string[] =
  `sh [ awk basename bash cat chgrp chmod chown cmp cp cut date dd df diff dirname du echo env expand expr false find
  fold getent grep groups gunzip gzip head hostname id install join kill ln ls md5sum mkdir mkfifo mktemp mv nl nohup
  od paste printenv printf pwd readlink realpath rm rmdir sed seq sha256sum sha512sum sleep sort split stat sync tac
  tail tar tee test timeout touch tr true tty uname uniq wc which whoami xargs yes`
    .split(/\s+/)
    .filter(Boolean)

/** What busybox can be called as, for those of its builds that have the applet. */
const appletNames: readonly string[] = [
  ...usualPrograms,
  ...`[[ adduser addgroup ash arch awk base64 bunzip2 bzip2 cal chroot cksum clear comm cpio crond cryptpw delgroup
  deluser dnsdomainname ed egrep factor fgrep flock free fsync hexdump httpd ifconfig ip less link linux32 linux64
  logger lsof mknod more mount mountpoint nc netstat nice nproc nslookup patch pgrep pidof ping pkill ps pstree rev
  route sha1sum sha3sum shred shuf start-stop-daemon strings stty su sum telnet tftp time top traceroute truncate
  umount uncompress unexpand unix2dos unlink unlzma unxz unzip uptime usleep uudecode uuencode vi watch wget who xxd
  xzcat zcat`.split(/\s+/),
]

/** A static busybox of the machine, and the names that it answers to. */
export interface Busybox {
  /** Absolute path below the root. */
  readonly path: string
  readonly applets: readonly string[]
}

/** The static busybox of the system below `root`, if there is one. */
export function findBusybox(root: string): Busybox | undefined {
  const path = findProgram(root, 'busybox')
  if (path === undefined) return undefined
  const elf = readElf(join(root, path))
  if (elf === undefined || elf.interpreter !== undefined || elf.needed.length > 0) return undefined
  // The names stand in the program as a list of C strings; so nothing has to be run to learn them.
  const strings = new Set(readFileSync(join(root, path), 'latin1').split('\0'))
  const applets = [...new Set(appletNames)].filter((name) => name !== 'bash' && strings.has(name)).sort()
  return applets.includes('sh') || applets.includes('ash') ? { path, applets } : undefined
}

/** The absolute path of a program below `root`, or undefined. A name with a slash is a path already. */
export function findProgram(root: string, name: string): string | undefined {
  const candidates = name.includes('/') ? [name] : programFolders.map((folder) => `${folder}/${name}`)
  return candidates.find((path) => {
    const stat = statSync(join(root, path), { throwIfNoEntry: false })
    return stat !== undefined && stat.isFile() && (stat.mode & 0o111) !== 0
  })
}

/** The program that a script's first line names, and the one that `env` would start. */
export function interpretersOf(root: string, path: string): string[] {
  const line = firstLine(join(root, path))
  const [, program, argument] = /^#!\s*(\S+)(?:\s+(\S+))?/.exec(line) ?? []
  if (program === undefined) return []
  if (!program.endsWith('/env') || argument === undefined || argument.startsWith('-')) return [program]
  const started = findProgram(root, argument)
  return started === undefined ? [program] : [program, started]
}

function firstLine(path: string): string {
  const fd = openSync(path, 'r')
  try {
    const head = Buffer.alloc(256)
    const length = readSync(fd, head, 0, head.length, 0)
    return head.toString('latin1', 0, length).split('\n')[0] ?? ''
  } finally {
    closeSync(fd)
  }
}

/** The error for a name that is neither program nor package here. */
export function unknownName(name: string): WherryError {
  return new WherryError('usage', `"${name}" is neither a program nor an installed package of this machine`, {
    hint: 'Give the name of a program in the usual folders, a path, or a package that dpkg or rpm has installed.',
  })
}
