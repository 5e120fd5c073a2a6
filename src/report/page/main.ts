/** The page's script: puts the tree, the search and the buttons that lead to files to work. */
import { fileTree } from '../file-tree.ts'
import type { PageData } from '../page-data.ts'
import { showTree } from './tree-view.ts'

/** Time that typing may rest before it is searched for, in milliseconds. */
const searchDelay = 120

const byId = (id: string): HTMLElement | null => document.getElementById(id)

function start(): void {
  const container = byId('tree')
  const detail = byId('detail')
  if (container === null || detail === null) return
  const { layers } = JSON.parse(byId('data')?.textContent ?? '{"layers":[]}') as PageData
  const tree = fileTree(layers)
  const view = showTree({ container, detail, tree, layers })
  const layerButtons = [...document.querySelectorAll<HTMLButtonElement>('.layer')]
  const go = (button: HTMLElement): void => {
    const layer = Number(button.dataset['layer'])
    clearSearch()
    for (const one of layerButtons) one.setAttribute('aria-pressed', String(Number(one.dataset['layer']) === layer))
    view.go(layer, button.dataset['path'])
  }
  for (const button of document.querySelectorAll<HTMLElement>('[data-layer]')) {
    button.addEventListener('click', () => {
      go(button)
      // From the table below the files it is a way to go; beside them it only chooses.
      if (button.dataset['path'] === undefined) return
      container.focus({ preventScroll: true })
      container.scrollIntoView({ block: 'center' })
    })
  }
  const order = byId('order')
  order?.addEventListener('click', () => {
    const isBySize = order.getAttribute('aria-pressed') !== 'true'
    order.setAttribute('aria-pressed', String(isBySize))
    tree.order(isBySize ? 'size' : 'name')
    view.render()
  })
  const clearSearch = search((text, marks) => view.search(text, marks))
  const fullest = layers.findLastIndex(({ names }) => names.length > 0)
  const first = layerButtons.find((button) => Number(button.dataset['layer']) === fullest)
  if (first === undefined) view.render()
  else go(first)
}

/** Wires the search; returns what empties it. */
function search(apply: (text: string, marks: string) => number): () => void {
  const input = byId('search') as HTMLInputElement
  const buttons = [...document.querySelectorAll<HTMLButtonElement>('[data-mark]')]
  const found = byId('found')
  let waiting = 0
  const run = (): void => {
    const marks = buttons
      .filter((button) => button.getAttribute('aria-pressed') === 'true')
      .map((button) => button.dataset['mark'] ?? '')
      .join('')
    const text = input.value.trim()
    const count = apply(text, marks)
    if (found === null) return
    found.textContent = text === '' && marks === '' ? '' : `${count.toLocaleString('en')} found in all layers`
  }
  input.addEventListener('input', () => {
    clearTimeout(waiting)
    waiting = setTimeout(run, searchDelay)
  })
  for (const button of buttons) {
    button.addEventListener('click', () => {
      button.setAttribute('aria-pressed', String(button.getAttribute('aria-pressed') !== 'true'))
      run()
    })
  }
  return () => {
    input.value = ''
    for (const button of buttons) button.setAttribute('aria-pressed', 'false')
    run()
  }
}

start()
