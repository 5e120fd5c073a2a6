/** Cases that need a namespace: mounts, devices and capabilities of files. Reports each as a line on the control stream. */
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { controlFd } from '../../src/host/contract.ts'
import { makeNode } from '../../src/host/files.ts'
import { prepareInner } from '../../src/host/inner.ts'
import { bindMount, mount, mountNew, restrictMount, unmount } from '../../src/host/mounts.ts'
import { outerPidVariable } from '../../src/host/namespace.ts'
import { inNewNamespaces } from '../../src/host/process.ts'
import { readXattrs, setXattr } from '../../src/host/xattrs.ts'

const folder = mkdtempSync(join(tmpdir(), 'wherry-host-'))
const at = (name: string): string => join(folder, name)
const bytes = (name: string): Buffer => Buffer.from(at(name))

function same(actual: unknown, expected: unknown): void {
  const [a, b] = [actual, expected].map((value) => JSON.stringify(value))
  if (a !== b) throw new Error(`${a ?? ''} instead of ${b ?? ''}`)
}

function codeOf(work: () => void): string {
  try {
    work()
    return 'no error'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

const cases: Readonly<Record<string, () => void>> = {
  'the inner process has no umask, and no descriptor that a child inherits': () => {
    same(process.umask(0), 0)
    for (const fd of readdirSync('/proc/self/fdinfo').filter((name) => Number(name) > 2)) {
      const flags = /flags:\s*(\d+)/.exec(readInfo(fd))?.[1]
      if (flags !== undefined && (Number.parseInt(flags, 8) & 0o2000000) === 0) throw new Error(`${fd} stays open`)
    }
  },
  'a new file system is mounted and unmounted': () => {
    mkdirSync(at('tmpfs'))
    mountNew('tmpfs', [['mode', '0700']], at('tmpfs'))
    same(statSync(at('tmpfs')).mode & 0o777, 0o700)
    unmount(at('tmpfs'))
    same(
      codeOf(() => unmount(at('tmpfs'))),
      'EINVAL',
    )
  },
  'an overlay of many layers is mounted, whatever the length of their names': () => {
    const layers = Array.from({ length: 120 }, (_, i) => at(`layer-${'x'.repeat(80)}-${i}`))
    for (const [i, layer] of layers.entries()) {
      mkdirSync(layer)
      writeFileSync(join(layer, `f${i}`), '')
    }
    for (const name of ['upper', 'work', 'merged']) mkdirSync(at(name))
    const lower = layers.map((layer) => ['lowerdir+', layer] as const)
    mountNew('overlay', [...lower, ['upperdir', at('upper')], ['workdir', at('work')], ['userxattr']], at('merged'))
    same(readdirSync(at('merged')).length, layers.length)
    unlinkSync(at('merged/f7'))
    unmount(at('merged'))
    same(lstatSync(at('upper/f7')).rdev, 0)
    same(lstatSync(at('upper/f7')).isCharacterDevice(), true)
  },
  'an error of mounting says what the kernel says': () => {
    try {
      mountNew('tmpfs', [['no-such-option', 'x']], at('tmpfs'))
    } catch (error) {
      same((error as Error).message.includes('no-such-option'), true)
      return
    }
    throw new Error('it was mounted')
  },
  'a restricted mount is read-only with all below it': () => {
    mkdirSync(at('outer/inner'), { recursive: true })
    bindMount(at('outer'), at('outer'))
    mount({ source: 'none', target: at('outer/inner'), type: 'tmpfs' })
    restrictMount(at('outer'), 'readOnly')
    same(
      codeOf(() => writeFileSync(at('outer/inner/x'), '')),
      'EROFS',
    )
    unmount(at('outer'))
  },
  'a whiteout and a fifo can be made, a device of the host cannot': () => {
    makeNode(bytes('whiteout'), { type: 'char', mode: 0 })
    makeNode(bytes('fifo'), { type: 'fifo', mode: 0o640 })
    same(lstatSync(at('fifo')).mode, 0o10640)
    same(
      codeOf(() => makeNode(bytes('null'), { type: 'char', mode: 0o666, major: 1, minor: 3 })),
      'EPERM',
    )
  },
  'capabilities of a file are read as they were written': () => {
    writeFileSync(at('capable'), '')
    const value = '\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
    setXattr(bytes('capable'), 'security.capability', value)
    same(readXattrs(bytes('capable')), { 'security.capability': value })
  },
  'mounts in a new namespace are seen there alone': () => {
    mkdirSync(at('alone'))
    const seen = inNewNamespaces(() => {
      mount({ source: 'none', target: at('alone'), type: 'tmpfs' })
      writeFileSync(at('alone/x'), '')
      return readdirSync(at('alone'))
    })
    same(seen, ['x'])
    same(readdirSync(at('alone')), [])
  },
}

function readInfo(fd: string): string {
  try {
    return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')
  } catch {
    return '' // The descriptor of the listing itself.
  }
}

prepareInner(Number(process.env[outerPidVariable]))
const control = new Socket({ fd: controlFd, readable: true, writable: true })
for (const [name, work] of Object.entries(cases)) {
  let failure: string | null = null
  try {
    work()
  } catch (error) {
    failure = error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
  control.write(`${JSON.stringify([name, failure])}\n`)
}
rmSync(folder, { recursive: true, force: true })
control.end(() => process.exit(0))
