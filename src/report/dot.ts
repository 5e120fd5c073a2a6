/** Images as a graph in the language of graphviz, as docker's `images --viz` wrote it; pure. */
import type { Family } from './family.ts'

/** The text of a graph with an edge from each image to those that are built on it. */
export function dotText(families: readonly Family[], look: { readonly noTrunc: boolean }): string {
  const idOf = ({ member }: Family): string =>
    look.noTrunc ? member.id : member.id.slice('sha256:'.length).slice(0, 12)
  const edges: string[] = families.map((family) => ` base -> "${idOf(family)}" [style=invis]\n`)
  const labels: string[] = []
  const open = [...families].reverse()
  for (let family = open.pop(); family !== undefined; family = open.pop()) {
    const id = idOf(family)
    for (const child of family.children) edges.push(` "${id}" -> "${idOf(child)}"\n`)
    if (family.member.names.length > 0) labels.push(labelLine(id, family.member.names))
    open.push(...[...family.children].reverse())
  }
  return `digraph docker {\n${edges.join('')}${labels.join('')} base [style=invisible]\n}\n`
}

function labelLine(id: string, names: readonly string[]): string {
  const text = [id, ...names].map((part) => part.replace(/["\\]/g, '\\$&')).join('\\n')
  return ` "${id}" [label="${text}",shape=box,fillcolor="paleturquoise",style="filled,rounded"];\n`
}
