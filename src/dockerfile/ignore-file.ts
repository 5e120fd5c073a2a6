/** Reads `.dockerignore`: one pattern a line. Reference: ".dockerignore file" of docker's build documentation. */
import type { BytePath } from '../core/bytepath.ts'
import { goClean } from './go-path.ts'

const bom = '\u00ef\u00bb\u00bf'

/**
 * The patterns of an ignore file, given as latin1 so that they compare with byte paths: comments (`#` in the first column) and
 * blank lines left out, trimmed, cleaned, without a leading `/`; `!` stays in front.
 */
export function readIgnoreFile(content: BytePath): BytePath[] {
  const patterns: BytePath[] = []
  for (const line of (content.startsWith(bom) ? content.slice(bom.length) : content).split('\n')) {
    if (line.startsWith('#')) continue
    const text = trimBytes(line)
    if (text === '') continue
    const inverted = text.startsWith('!')
    const bare = inverted ? trimBytes(text.slice(1)) : text
    const cleaned = bare === '' ? '' : goClean(bare)
    patterns.push((inverted ? '!' : '') + (cleaned.length > 1 ? cleaned.replace(/^\//, '') : cleaned))
  }
  return patterns
}

/** Trims ASCII white space: in latin1, U+0085 and U+00A0 are halves of other characters. */
export function trimBytes(text: string): string {
  return text.replace(/^[\t\n\v\f\r ]+/, '').replace(/[\t\n\v\f\r ]+$/, '')
}
