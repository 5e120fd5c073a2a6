/** Which instruction is the first to see a variable: what `--explain` says of a build arg. */
import type { Common, Stage } from '../dockerfile/instructions.ts'
import type { VariableUse } from './contract.ts'

/** What is known by now. */
export interface Uses {
  readonly variableUses: Map<string, VariableUse>
  readonly escape: '\\' | '`'
}

/** Notes that an instruction sees a variable. Defaults of ARGs count only where nothing else does. */
export function noteUse(
  { variableUses: uses }: Pick<Uses, 'variableUses'>,
  name: string,
  { text, at }: Pick<Common, 'text' | 'at'>,
): void {
  const use = { text, at, inArg: /^arg\s/i.test(text) }
  const known = uses.get(name)
  const isBetter = known?.inArg === use.inArg ? at.startLine < known.at.startLine : known?.inArg === true
  if (known === undefined || isBetter) uses.set(name, use)
}

/** Notes the variables that a word of an instruction names. It need not be well-formed: what nobody expands may be anything. */
export function noteWord(noted: Uses, word: string | undefined, instruction: Pick<Common, 'text' | 'at'>): void {
  const named = noted.escape === '`' ? /(?<!`)\$\{?([A-Za-z_]\w*)/g : /(?<!\\)\$\{?([A-Za-z_]\w*)/g
  for (const [, name] of (word ?? '').matchAll(named)) if (name !== undefined) noteUse(noted, name, instruction)
}

/** Notes the variables of a FROM. */
export function noteFrom(noted: Uses, from: Stage['from']): void {
  for (const word of [from.base, from.platform]) noteWord(noted, word, from)
}
