/** Completion as the shells themselves do it, and the manual as man and mandoc read it. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, test } from 'vitest'
import { commands } from '../../../src/cli/commands.ts'
import { bashCompletion } from '../../../src/cli/completion/bash.ts'
import { fishCompletion } from '../../../src/cli/completion/fish.ts'
import { type CompletedCommand, completionModel } from '../../../src/cli/completion/model.ts'
import { zshCompletion } from '../../../src/cli/completion/zsh.ts'
import { commandManual, manualPage } from '../../../src/cli/man.ts'
import { lacks, missingTools } from '../../support/need.ts'
import { tempDir } from '../../support/temp.ts'

let model: readonly CompletedCommand[]
beforeAll(async () => {
  model = await completionModel(commands)
})

/** A folder with the script, a few files, and a `wherry` that lists two images. */
function scene(name: string, script: string): { readonly dir: string; readonly env: NodeJS.ProcessEnv } {
  const dir = tempDir()
  writeFileSync(join(dir, name), script)
  mkdirSync(join(dir, 'bin'))
  mkdirSync(join(dir, 'context'))
  writeFileSync(join(dir, 'Dockerfile.dev'), '')
  const listing = '#!/bin/sh\nprintf "me/app:1\\nme/app:2\\ndebian:12\\n<none>:<none>\\n"\n'
  writeFileSync(join(dir, 'bin/wherry'), listing, { mode: 0o755 })
  return { dir, env: { ...process.env, HOME: dir, PATH: `${join(dir, 'bin')}:${process.env['PATH']}` } }
}

/** What a program says, without what it says of errors. @throws Error if it fails */
function said(program: string, args: readonly string[], at: ReturnType<typeof scene>): string {
  const ran = spawnSync(program, args, { cwd: at.dir, env: at.env, encoding: 'utf8', timeout: 30_000 })
  if (ran.status !== 0) throw new Error(`${program} ended with ${ran.status}: ${ran.stderr}`)
  return ran.stdout
}

describe.skipIf(lacks('tools', missingTools('bash')))('in bash', () => {
  /** What bash offers for a line, where the cursor is at its end; readline replaces the part behind `=` or `:`. */
  function offered(line: string): string[] {
    const at = scene('script', bashCompletion(model))
    const ask = `source ./script; COMP_LINE=$1 COMP_POINT=\${#1} COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
      _wherry wherry; printf '%s\\n' "\${COMPREPLY[@]}"`
    return said('bash', ['-euc', `set +eu; ${ask}`, 'bash', line], at)
      .split('\n')
      .filter(Boolean)
  }

  it('commands are offered, and the words of those that have two', () => {
    expect(offered('wherry bu')).toEqual(['build', 'builder', 'buildx'])
    expect(offered('wherry base ')).toEqual(expect.arrayContaining(['debootstrap', 'host']))
    expect(offered('wherry --root /x base de')).toEqual(['debootstrap'])
  })

  it('options are those of the command, by any of its names', () => {
    expect(offered('wherry build --no-c')).toContain('--no-cache')
    expect(offered('wherry image build --no-c')).toContain('--no-cache')
    expect(offered('wherry base debootstrap --no-ch')).toEqual(['--no-check-gpg'])
    expect(offered('wherry base host --no-ch')).toEqual([])
  })

  it('values are offered behind a space and behind =', () => {
    expect(offered('wherry base debootstrap --tool mm')).toEqual(['mmdebstrap'])
    expect(offered('wherry base debootstrap --tool=mm')).toEqual(['mmdebstrap'])
    expect(offered('wherry build -f Dock')).toEqual(['Dockerfile.dev'])
    expect(offered('wherry build -t x cont')).toEqual(['context'])
    expect(offered('wherry completion ')).toEqual(['bash', 'zsh', 'fish'])
  })

  it('images are those of the store, also behind a colon', () => {
    expect(offered('wherry run me')).toEqual(['me/app:1', 'me/app:2'])
    expect(offered('wherry run me/app:')).toEqual(['1', '2'])
    expect(offered('wherry run <no')).toEqual([])
  })
})

test.skipIf(lacks('tools', missingTools('fish')))('fish offers commands, options, values and images', () => {
  const at = scene('script', fishCompletion(model))
  const offered = (line: string): string[] =>
    said('fish', ['--no-config', '-c', 'source ./script; complete -C $argv[1]', line], at)
      .split('\n')
      .map((text) => text.split('\t')[0] ?? '')
      .filter(Boolean)
  expect(offered('wherry bu')).toEqual(['build', 'builder', 'buildx'])
  expect(offered('wherry base ')).toEqual(expect.arrayContaining(['debootstrap', 'host']))
  expect(offered('wherry base debootstrap --no-ch')).toEqual(['--no-check-gpg'])
  expect(offered('wherry base debootstrap --tool mm')).toEqual(['mmdebstrap'])
  expect(offered('wherry run me')).toEqual(expect.arrayContaining(['me/app:1', 'me/app:2']))
})

test.skipIf(lacks('tools', missingTools('zsh')))('zsh takes the script as the completion of wherry', () => {
  const at = scene('_wherry', zshCompletion(model))
  const sourced = 'autoload -Uz compinit; compinit -u -D; source ./_wherry; print $_comps[wherry]'
  expect(said('zsh', ['-fc', sourced], at).trim()).toBe('_wherry')
  const found = 'fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; print $_comps[wherry]'
  expect(said('zsh', ['-fc', found], at).trim()).toBe('_wherry')
})

describe('the manual', () => {
  it('has every command and every option that is shown', async () => {
    const page = await manualPage(commands)
    for (const { names, options } of model) {
      expect(page).toContain(`.SS wherry ${names[0]!.replaceAll('-', '\\-')}`)
      for (const name of options.flatMap((o) => o.names)) expect(page).toContain(name.replaceAll('-', '\\-'))
    }
  })

  it('of one command has its summary', async () => {
    const entry = commands.find((c) => c.name === 'base host')!
    expect(await commandManual(entry)).toMatch(/^\.TH WHERRY\\-BASE\\-HOST 1 [^]*wherry\\-base\\-host \\- Make a base/)
  })

  test.skipIf(lacks('tools', missingTools('man')))('man shows it without a warning', async () => {
    const at = scene('wherry.1', await manualPage(commands))
    const ran = spawnSync('man', ['--warnings', '-l', './wherry.1'], {
      cwd: at.dir,
      env: { ...process.env, MANWIDTH: '100', LC_ALL: 'C.UTF-8', MAN_KEEP_FORMATTING: '' },
      encoding: 'utf8',
    })
    expect(ran.stderr).toBe('')
    expect(ran.stdout).toMatch(/^NAME\n\s+wherry - build and move container images/m)
    expect(ran.stdout).toMatch(/--no-check-gpg/)
  })

  test.skipIf(lacks('tools', missingTools('mandoc')))(
    'mandoc finds nothing to complain of but long lines',
    async () => {
      const at = scene('wherry.1', await manualPage(commands))
      const ran = spawnSync('mandoc', ['-Tlint', '-Wwarning', './wherry.1'], { cwd: at.dir, encoding: 'utf8' })
      expect(ran.stdout.split('\n').filter((line) => line !== '' && !line.includes('missing date'))).toEqual([])
    },
  )
})
