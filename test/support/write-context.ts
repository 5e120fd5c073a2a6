/** Folders for builds, each with files of its own. */
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Makes a fresh folder below `dir` and writes files, or links, into it; gives its path. */
export function writeContext(
  dir: string,
  files: Readonly<Record<string, string | Buffer | { readonly linkTo: string }>>,
): string {
  const folder = mkdtempSync(join(dir, 'context-'))
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path)
    mkdirSync(dirname(file), { recursive: true })
    if (typeof content === 'string' || Buffer.isBuffer(content)) writeFileSync(file, content)
    else symlinkSync(content.linkTo, file)
  }
  return folder
}
