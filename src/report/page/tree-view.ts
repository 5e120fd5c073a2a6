/** The tree of files on the page: only the lines that can be seen exist, and one of them is active. */
import type { FileTree, TreeLine } from '../file-tree.ts'
import type { PageLayer } from '../page-data.ts'
import { listenToKeys } from './tree-keys.ts'
import { treeWords } from './tree-words.ts'

/** What the tree is shown with. */
export interface TreeParts {
  readonly container: HTMLElement
  /** Says all that is known of the active line. */
  readonly detail: HTMLElement
  readonly tree: FileTree
  readonly layers: readonly PageLayer[]
}

export interface TreeView {
  render(): void
  /** Opens a layer alone, or a path in it, and makes it active. */
  go(layer: number, path: string | undefined): void
  /** Returns how many were found. */
  search(text: string, marks: string): number
}

/** Height of a line in pixels, as the style has it. */
const lineHeight = 28

/** Lines that exist above and below those that can be seen. */
const spare = 10

/** Lines above a path that was gone to. */
const context = 3

/** Shows the tree in its container. */
export function showTree({ container, detail, tree, layers }: TreeParts): TreeView {
  const spacer = document.createElement('div')
  spacer.setAttribute('role', 'none')
  spacer.className = 'spacer'
  container.replaceChildren(spacer)
  const words = treeWords(tree, layers)
  let active = 0
  const render = (): void => {
    const lines = tree.lines()
    // First, since the container may grow with it.
    spacer.style.height = `${lines.length * lineHeight}px`
    const from = Math.max(0, Math.floor(container.scrollTop / lineHeight) - spare)
    const until = Math.min(lines.length, Math.ceil((container.scrollTop + container.clientHeight) / lineHeight) + spare)
    const shown = lines.slice(from, until)
    spacer.replaceChildren(
      ...shown.map((line, i) => {
        const element = lineElement(line, {
          index: from + i,
          isActive: line.node === active,
          label: words.label(line.node),
        })
        element.append(...words.cells(line))
        return element
      }),
    )
    if (shown.some(({ node }) => node === active)) container.setAttribute('aria-activedescendant', lineId(active))
    else container.removeAttribute('aria-activedescendant')
  }
  const topOf = (node: number): number => tree.lines().findIndex((line) => line.node === node) * lineHeight
  const activate = (node: number): void => {
    active = node
    render()
    const top = topOf(node)
    const hidden = top + lineHeight - container.scrollTop - container.clientHeight
    if (top < container.scrollTop) container.scrollTop = top
    else if (hidden > 0) container.scrollTop += hidden
    detail.textContent = words.detail(node)
    render()
  }
  container.addEventListener('scroll', render, { passive: true })
  container.addEventListener('click', ({ target }) => {
    const id = (target as Element).closest('.line')?.id
    const line = tree.lines().find(({ node }) => lineId(node) === id)
    if (line === undefined) return
    if (line.isOpen !== undefined) tree.set(line.node, !line.isOpen)
    activate(line.node)
  })
  const page = (): number => Math.max(1, Math.floor(container.clientHeight / lineHeight) - 1)
  listenToKeys({ container, tree, page, active: () => active, activate, nameOf: words.name })
  addEventListener('resize', render)
  return {
    render,
    go(layer, path) {
      const node = tree.find(layer, path) ?? tree.find(layer)
      if (node === undefined) return
      tree.closeAll()
      tree.reveal(node)
      tree.set(node, true)
      render()
      container.scrollTop = Math.max(0, topOf(node) - (path === undefined ? 0 : context * lineHeight))
      activate(node)
    },
    search(text, marks) {
      const count = tree.filter({ text, marks })
      container.scrollTop = 0
      active = tree.lines()[0]?.node ?? 0
      detail.textContent = ''
      render()
      return count
    },
  }
}

function lineId(node: number): string {
  return `line-${node}`
}

function lineElement(
  { node, level, position, siblings, isOpen }: TreeLine,
  { index, isActive, label }: { readonly index: number; readonly isActive: boolean; readonly label: string },
): HTMLElement {
  const element = document.createElement('div')
  element.id = lineId(node)
  element.className = 'line'
  element.style.transform = `translateY(${index * lineHeight}px)`
  element.style.paddingInlineStart = `${0.3 + Math.min(level - 1, 20) * 1.1}rem`
  const attributes = {
    role: 'treeitem',
    'aria-level': level,
    'aria-posinset': position,
    'aria-setsize': siblings,
    'aria-selected': isActive,
    'aria-label': label,
    ...(isOpen === undefined ? {} : { 'aria-expanded': isOpen }),
  }
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value))
  return element
}
