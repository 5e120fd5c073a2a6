/** Images as a tree of text, each below the one that it builds on; pure. */
import type { Family } from './family.ts'

/** How a tree is written. */
export interface TreeLook {
  /** Whole ids. */
  readonly noTrunc: boolean
  /** Bytes for people. */
  readonly size: (bytes: number) => string
}

/** The lines of a tree, each ended by a newline. */
export function treeText(families: readonly Family[], look: TreeLook): string {
  const lines: string[] = []
  // Not by recursion: chains of images may be as long as Dockerfiles.
  const open = families.map((family, i) => ({ family, indent: '', isLast: i === families.length - 1 })).reverse()
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { family, indent, isLast } = next
    lines.push(`${indent}${isLast ? '└─' : '├─'}${labelOf(family, look)}\n`)
    const inner = `${indent}${isLast ? '  ' : '│ '}`
    const { children } = family
    open.push(
      ...children.map((child, i) => ({ family: child, indent: inner, isLast: i === children.length - 1 })).reverse(),
    )
  }
  return lines.join('')
}

function labelOf({ member }: Family, look: TreeLook): string {
  const id = look.noTrunc ? member.id : member.id.slice('sha256:'.length).slice(0, 12)
  const tags = member.names.length === 0 ? '' : ` Tags: ${member.names.join(', ')}`
  return `${id} Virtual Size: ${look.size(member.size)}${tags}`
}
