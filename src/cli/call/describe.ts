/** The answers to `--call outline` and `--call targets`, as buildx prints them and as the frontend's JSON. */
import type { Stage } from '../../dockerfile/instructions.ts'
import { type Outline, describedBy } from '../../plan/outline.ts'
import { locationJson } from './source.ts'

/** Rows with columns as wide as their widest cell and `gap` more, the last one ragged. */
function columns(rows: readonly (readonly string[])[], gap: number): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)) + gap)
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!))).join('')
  return rows.map((row) => `${line(row)}\n`).join('')
}

/** The outline in words. */
export function outlineText({ name, description, args, secrets, ssh }: Outline): string {
  const yes = (required: boolean): string => (required ? 'true' : '')
  const head = [['TARGET:', name === '' ? '(default)' : name], ...(description ? [['DESCRIPTION:', description]] : [])]
  const tables = [
    args.length === 0
      ? []
      : [['BUILD ARG', 'VALUE', 'DESCRIPTION'], ...args.map((a) => [a.name, a.value, a.description])],
    secrets.length === 0 ? [] : [['SECRET', 'REQUIRED'], ...secrets.map((s) => [s.name, yes(s.required)])],
    ssh.length === 0 ? [] : [['SSH', 'REQUIRED'], ...ssh.map((s) => [s.name, yes(s.required)])],
  ]
  const parts = [...(name || description ? [columns(head, 1)] : []), ...tables.map((rows) => columns(rows, 3))]
  return parts.flatMap((part) => (part === '' ? [] : [`${part}\n`])).join('')
}

/** The outline as the subrequest `frontend.outline` gives it. */
export function outlineJson({ name, description, args, secrets, ssh }: Outline, text: string): string {
  const mounts = (all: Outline['secrets']): object[] | undefined =>
    some(all.map((one) => ({ name: one.name, required: one.required || undefined, location: locationJson(one.at) })))
  const result = {
    name: name || undefined,
    description: description || undefined,
    args: some(
      args.map((arg) => ({
        name: arg.name,
        description: arg.description || undefined,
        value: arg.value || undefined,
        location: locationJson(arg.at),
      })),
    ),
    secrets: mounts(secrets),
    ssh: mounts(ssh),
    sources: [Buffer.from(text).toString('base64')],
  }
  return `${JSON.stringify(result, undefined, 2)}\n`
}

function some(list: object[]): object[] | undefined {
  return list.length === 0 ? undefined : list
}

/** The stages in words: the one that is built if none is named is marked. */
export function targetsText(stages: readonly Stage[]): string {
  const rows = stages.map(({ from }, i) => {
    const isDefault = i === stages.length - 1
    const name = [from.name, ...(isDefault ? ['(default)'] : [])].filter(Boolean).join(' ')
    return [name, describedBy(from.comments, from.name ?? '')]
  })
  return columns([['TARGET', 'DESCRIPTION'], ...rows], 1)
}

/** The stages as the subrequest `frontend.targets` gives them. */
export function targetsJson(stages: readonly Stage[], text: string): string {
  const targets = stages.map(({ from }, i) => ({
    name: from.name,
    default: i === stages.length - 1 || undefined,
    description: describedBy(from.comments, from.name ?? '') || undefined,
    base: from.base,
    platform: from.platform,
    location: locationJson(from.at),
  }))
  return `${JSON.stringify({ targets, sources: [Buffer.from(text).toString('base64')] }, undefined, 2)}\n`
}
