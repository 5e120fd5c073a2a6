/** The documentation says what the program does. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { commands } from '../../src/cli/commands.ts'
import { commandHelp, overview } from '../../src/cli/help.ts'
import { errorCodes } from '../../src/core/errors.ts'
import { checksDocument } from '../support/checks-document.ts'
import { supportDocument } from '../support/support-table.ts'

const root = join(import.meta.dirname, '../..')

it('docs/errors.md has one line on every error code, in their order', () => {
  const text = readFileSync(join(root, 'docs/errors.md'), 'utf8')
  const documented = [...text.matchAll(/^\| `([a-z-]+)` \| \S.*\|$/gm)].map((match) => match[1])
  expect(documented).toEqual([...errorCodes])
})

it('docs/cli.md is the help of every command', { timeout: 60_000 }, async () => {
  const parts = [
    '# Commands\n\nThis file is what `--help` prints; `npx vitest run -u test/cli/docs.test.ts` renews it.\n',
  ]
  parts.push(`\`\`\`text\n${await overview(100)}\`\`\`\n`)
  for (const entry of commands) {
    parts.push(`## ${entry.name}\n\n\`\`\`text\n${await commandHelp(entry, await entry.load(), 100)}\`\`\`\n`)
  }
  await expect(parts.join('\n')).toMatchFileSnapshot(join(root, 'docs/cli.md'))
})

it('docs/support.md says what is made of every instruction, flag and option', async () => {
  await expect(supportDocument()).toMatchFileSnapshot(join(root, 'docs/support.md'))
})

it('docs/checks.md says what each build check finds', async () => {
  await expect(checksDocument()).toMatchFileSnapshot(join(root, 'docs/checks.md'))
})
