/** Which refs a rule takes, and under which tags the image goes; pure. */
import { createHash } from 'node:crypto'
import { canonicalJson } from '../core/json.ts'
import type { RefPattern, Repository, Rule } from './contract.ts'

/** No ref that is built has a longer name: patterns are tried on it. */
const maxRefLength = 255

/** A quantified group that has a quantifier in it: the time that it takes may double with every character. */
const nestedRepeat = /\((?:[^()\\]|\\.)*(?:[*+]|\{\d+,)(?:[^()\\]|\\.)*\)(?:[*+]|\{\d+,)/

/**
 * Reads what follows `branch:` or `tag:`: a name, a name with `*` (anything) and `?` (one character), or a regular expression
 * between slashes that must match the whole name.
 * @throws Error with the reason
 */
export function refPattern(kind: RefPattern['kind'], text: string): RefPattern {
  const between = /^\/(.*)\/$/s.exec(text)?.[1]
  if (between !== undefined) {
    if (nestedRepeat.test(between)) throw new Error('repeats a group that repeats something, which can take for ever')
    try {
      return { kind, text, expression: new RegExp(`^(?:${between})$`, 'u') }
    } catch (error) {
      throw new Error(`is no regular expression: ${error instanceof Error ? error.message : ''}`, { cause: error })
    }
  }
  const name = text.replace(kind === 'branch' ? /^refs\/heads\// : /^refs\/tags\//, '')
  // git-check-ref-format(1).
  if (name === '' || name.length > maxRefLength || /[\s~^:[\\\u0000-\u001f\u007f]|\.\.|@\{|\/\/|^[-/]|[/.]$/.test(name))
    throw new Error(`is no name of a ${kind}`)
  if ((name.match(/\*/g) ?? []).length > 3) throw new Error('has more than three *')
  const escaped = name.replace(/[.+(){}|\]$]/g, '\\$&').replace(/-/g, '\\-')
  const source = escaped.replace(/\*/g, '(.*)').replace(/\?/g, '(.)')
  return { kind, text, expression: new RegExp(`^${source}$`, 'u') }
}

/** What a rule makes of a ref. */
export interface Match {
  /** Full names, `registry/name:tag`, sorted and each once. */
  readonly images: readonly string[]
}

/** What a rule makes of a full ref (`refs/heads/main`); undefined if the rule is not about it. */
export function matchRule(rule: Rule, { image }: Pick<Repository, 'image'>, ref: string): Match | undefined {
  const prefix = rule.ref.kind === 'branch' ? 'refs/heads/' : 'refs/tags/'
  if (!ref.startsWith(prefix) || ref.length > maxRefLength || !isBuildable(ref)) return undefined
  const name = ref.slice(prefix.length)
  const groups = rule.ref.expression.exec(name)
  if (groups === null) return undefined
  const tags = rule.imageTags.map((template) => imageTag(template, name, groups)).filter((tag) => tag !== '')
  if (tags.length === 0) return undefined
  return { images: [...new Set(tags.map((tag) => `${image}:${tag}`))].sort() }
}

/** False for names that git itself would not make, or that could be taken for an option. */
function isBuildable(ref: string): boolean {
  return !/[\s~^:?*[\\\u0000-\u001f\u007f]|\.\.|@\{|\/\/|\/-/.test(ref)
}

const placeholder = /\{(?:\\?(\d)|sourceref)\}/g

/** True if a template can become a tag. */
export function isTagTemplate(template: string): boolean {
  return /^\w[\w.-]{0,127}$/.test(template.replace(placeholder, 'x'))
}

/**
 * A template with its places filled: `{sourceref}` is the name of the branch or tag, `{\1}` (or `{1}`) a group of its pattern. What
 * a tag cannot have becomes a dash. Empty if nothing is left.
 */
function imageTag(template: string, name: string, groups: RegExpExecArray): string {
  const filled = template.replace(placeholder, (_all, group: string | undefined) =>
    group === undefined ? name : (groups[Number(group)] ?? ''),
  )
  return filled
    .replace(/[^\w.-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 128)
}

/** The key of a rule: whatever changes what is built changes it. */
export function ruleKey(repository: Pick<Repository, 'name' | 'git' | 'image'>, rule: Omit<Rule, 'key'>): string {
  const { name, git, image } = repository
  const text = canonicalJson({ name, git, image, ...rule, ref: { kind: rule.ref.kind, text: rule.ref.text } })
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

/** Names of refs from the oldest to the newest version, as far as names can tell. */
export function byVersion(a: string, b: string): number {
  return versions.compare(a, b)
}
const versions = new Intl.Collator('en', { numeric: true })
