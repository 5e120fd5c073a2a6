/** What the lines of the tree say: the cells that are seen, the name for who cannot see them, and all details in one line. */
import { humanSize } from '../../ui/human.ts'
import type { FileTree, TreeLine } from '../file-tree.ts'
import type { PageLayer } from '../page-data.ts'

export interface TreeWords {
  name(this: void, node: number): string
  /** For who cannot see the line. */
  label(node: number): string
  detail(node: number): string
  cells(line: TreeLine): HTMLElement[]
}

const markWords: Readonly<Record<string, string>> = { A: 'added', C: 'changed', D: 'deleted' }

interface Facts {
  readonly name: string
  readonly mark: string
  /** As in `PageLayer`, or `layer`. */
  readonly kind: string
  readonly size: number
  readonly attributes: string
  readonly link?: string | undefined
  readonly isSame?: boolean
}

/** Words for the nodes of a tree. */
export function treeWords(tree: FileTree, layers: readonly PageLayer[]): TreeWords {
  const sameBytes = layers.map((layer) => new Set(layer.sameBytes))
  const facts = (node: number): Facts => {
    const { layer: index, row } = tree.nodeOf(node)
    const layer = layers[index]!
    if (row === undefined) return { name: layer.title, mark: '-', kind: 'layer', size: layer.size, attributes: '' }
    const at = layer.attributesOf[row]!
    return {
      name: layer.names[row]!,
      mark: layer.marks[row]!,
      kind: layer.kinds[row]!,
      size: layer.sizes[row]!,
      attributes: at < 0 ? '' : layer.attributes[at]!,
      link: layer.links[row],
      isSame: sameBytes[index]!.has(row),
    }
  }
  return {
    name: (node) => facts(node).name,
    label: (node) => labelOf(facts(node)),
    detail: (node) => detailOf(facts(node), tree.pathOf(node)),
    cells: (line) => cellsOf(facts(line.node), line),
  }
}

function labelOf({ name, mark, size, kind }: Facts): string {
  return [name, kind === 'd' && 'folder', markWords[mark], size > 0 && humanSize(size, 3)].filter(Boolean).join(', ')
}

function detailOf({ name, mark, size, kind, attributes, link, isSame }: Facts, path: string): string {
  if (kind === 'layer') return `${name}, ${humanSize(size, 3)}`
  const words = [
    `/${path}${linkText(link)}`,
    attributes,
    mark === 'D' ? `deleted, hides ${humanSize(size, 3)}` : humanSize(size, 3),
    isSame === true ? 'changed, but with the bytes that it had' : mark === 'D' ? undefined : markWords[mark],
  ]
  return words.filter((text) => text !== undefined && text !== '').join(' · ')
}

function cellsOf({ name, mark, size, kind, attributes, link }: Facts, { isOpen }: TreeLine): HTMLElement[] {
  const isLayer = kind === 'layer'
  const sizeText = size === 0 && kind !== '-' ? '' : `${mark === 'D' ? '−' : ''}${humanSize(size, 3)}`
  return [
    cell('twisty', isOpen === undefined ? '' : isOpen ? '▾' : '▸'),
    ...(isLayer ? [] : [cell(`mark ${mark === '-' ? 'none' : mark}`, mark === '-' ? '' : mark)]),
    cell(`name ${isLayer ? 'top' : mark}`, name + (kind === 'd' ? '/' : linkText(link))),
    cell('attributes', attributes),
    cell('size', sizeText),
  ]
}

function linkText(link: string | undefined): string {
  return link === undefined ? '' : ` → ${link}`
}

function cell(className: string, text: string): HTMLElement {
  const element = document.createElement('span')
  element.className = className
  element.textContent = text
  return element
}
