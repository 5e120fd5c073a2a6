/** Layers of a report as the page takes them. */
import type { Change, ImageReport, LayerReport } from './contract.ts'
import { shownInstruction, shownName } from './names.ts'
import type { PageLayer } from './page-data.ts'
import { treeRows } from './rows.ts'

/** The layers with their rows. */
export function pageLayers({ layers }: ImageReport): PageLayer[] {
  return layers.map((layer, i) => pageLayer(layer, i))
}

function pageLayer(layer: LayerReport, index: number): PageLayer {
  const rows = treeRows(layer.changes)
  const attributes = new Map<string, number>()
  const attributeOf = (change: Change | undefined): number => {
    if (change === undefined) return -1
    const text = `${modeText(change)} ${change.uid}:${change.gid}`
    const known = attributes.get(text) ?? attributes.size
    attributes.set(text, known)
    return known
  }
  const attributesOf = rows.map(({ change }) => attributeOf(change))
  const links = rows.flatMap(({ change }, row) =>
    change?.link === undefined ? [] : [[String(row), shownName(change.link)] as const],
  )
  return {
    title: `Layer ${index + 1}: ${instructionOf(layer)}`,
    names: rows.map(({ name }) => shownName(name)),
    depths: rows.map(({ depth }) => depth),
    marks: rows.map(({ change }) => change?.mark || '-').join(''),
    kinds: rows.map(({ change }) => kindOf(change)).join(''),
    sizes: rows.map(({ size, change }) => (change?.mark === 'D' ? change.size : size)),
    attributesOf,
    attributes: [...attributes.keys()],
    links: Object.fromEntries(links),
    sameBytes: rows.flatMap(({ change }, row) => (change?.sameBytes === true ? [row] : [])),
    size: layer.size,
  }
}

const kinds: Readonly<Record<Change['type'], string>> = {
  file: '-',
  dir: 'd',
  symlink: 'l',
  hardlink: 'h',
  char: 'c',
  block: 'b',
  fifo: 'p',
}

function kindOf(change: Change | undefined): string {
  return change === undefined ? 'd' : kinds[change.type]
}

/** `drwxr-xr-x`, as ls shows it. */
export function modeText({ type, mode }: Pick<Change, 'type' | 'mode'>): string {
  const bits = ['r', 'w', 'x', 'r', 'w', 'x', 'r', 'w', 'x'].map((letter, i) => (mode & (0o400 >> i) ? letter : '-'))
  const special = (at: number, bit: number, letter: string): void => {
    if (mode & bit) bits[at] = bits[at] === 'x' ? letter : letter.toUpperCase()
  }
  special(2, 0o4000, 's')
  special(5, 0o2000, 's')
  special(8, 0o1000, 't')
  return (type === 'hardlink' ? '-' : kinds[type]) + bits.join('')
}

/** The instruction of a layer as people wrote it: without the shell and the build args that the history has in front. */
export function instructionOf({ createdBy }: Pick<LayerReport, 'createdBy'>): string {
  const text = shownInstruction(createdBy)
    .replace(/ *# buildkit$/, '')
    .replace(/^\/bin\/sh -c #\(nop\) +/, '')
    .replace(/^(RUN )?(\|\d+ .*?)?\/bin\/sh -c /, 'RUN ')
  return text === '' ? '(the history does not say)' : text
}
