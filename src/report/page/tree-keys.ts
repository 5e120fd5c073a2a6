/** The keys of a tree. WAI-ARIA Authoring Practices, "Tree View". */
import type { FileTree, TreeLine } from '../file-tree.ts'

/** What the keys act on. */
export interface TreeControls {
  readonly container: HTMLElement
  readonly tree: FileTree
  /** Lines that fit into what can be seen. */
  readonly page: () => number
  /** The active node. */
  readonly active: () => number
  readonly activate: (node: number) => void
  readonly nameOf: (node: number) => string
}

/** Time in which letters are one word to go to, in milliseconds. */
const wordTime = 700

/** Listens for keys on the container. */
export function listenToKeys(controls: TreeControls): void {
  const typed = wordSearch(controls)
  controls.container.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return
    const lines = controls.tree.lines()
    const index = Math.max(
      0,
      lines.findIndex(({ node }) => node === controls.active()),
    )
    const line = lines[index]
    if (line === undefined) return
    const action = actionOf(event.key, { ...controls, lines, index, line })
    if (action === undefined && event.key.length !== 1) return
    event.preventDefault()
    if (action === undefined) typed(event.key, lines, index)
    else action()
  })
}

interface At extends TreeControls {
  readonly lines: readonly TreeLine[]
  readonly index: number
  readonly line: TreeLine
}

function actionOf(key: string, at: At): (() => void) | undefined {
  const { tree, activate, lines, index, line, page } = at
  const to = (wanted: number): void => activate(lines[Math.min(lines.length - 1, Math.max(0, wanted))]!.node)
  const open = (isOpen: boolean): void => {
    if (line.isOpen !== undefined) tree.set(line.node, isOpen)
    activate(line.node)
  }
  switch (key) {
    case 'ArrowDown':
      return () => to(index + 1)
    case 'ArrowUp':
      return () => to(index - 1)
    case 'PageDown':
      return () => to(index + page())
    case 'PageUp':
      return () => to(index - page())
    case 'Home':
      return () => to(0)
    case 'End':
      return () => to(lines.length - 1)
    case 'ArrowRight':
      return () => (line.isOpen === true ? to(index + 1) : open(true))
    case 'ArrowLeft':
      return () => (line.isOpen === true ? open(false) : activate(tree.parentOf(line.node) ?? line.node))
    case 'Enter':
    case ' ':
      return () => open(line.isOpen !== true)
    case '*':
      return () => {
        const parent = tree.parentOf(line.node)
        for (const { node } of lines) if (tree.parentOf(node) === parent) tree.set(node, true)
        activate(line.node)
      }
    default:
      return undefined
  }
}

/** Goes to the next line that begins with the letters typed in one go. */
function wordSearch({
  activate,
  nameOf,
}: TreeControls): (letter: string, lines: readonly TreeLine[], at: number) => void {
  let word = { text: '', time: 0 }
  return (letter, lines, at) => {
    const time = performance.now()
    word = { text: (time - word.time < wordTime ? word.text : '') + letter.toLowerCase(), time }
    const first = word.text.length === 1 ? at + 1 : at
    const order = [...lines.slice(first), ...lines.slice(0, first)]
    const hit = order.find(({ node }) => nameOf(node).toLowerCase().startsWith(word.text))
    if (hit !== undefined) activate(hit.node)
  }
}
