/** Build checks through the program: exit codes, outputs, and warnings of a build in each way to show progress. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Home, type Ran, newHome } from '../support/wherry.ts'

const page = 'https://docs.docker.com/go/dockerfile/rule/'

let home: Home
beforeAll(async () => {
  home = await newHome()
})
afterAll(() => home.remove())

/** A folder with a Dockerfile. */
function context(dockerfile: string, ignore?: string): string {
  const dir = mkdtempSync(join(home.dir, 'context-'))
  writeFileSync(join(dir, 'Dockerfile'), dockerfile)
  if (ignore !== undefined) writeFileSync(join(dir, '.dockerignore'), ignore)
  return dir
}

const build = (dir: string, ...args: string[]): Promise<Ran> => home.run(['build', ...args, '.'], { cwd: dir })

describe('--check', () => {
  it('ends with 0 if nothing was found', async () => {
    const { code, stdout, stderr } = await build(context('FROM scratch\nENV a=1\n'), '--check')
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'Check complete, no warnings found.\n', stderr: '' })
  })

  it('ends with 1 and says what was found, of stages that nobody needs too', async () => {
    const dir = context('FROM scratch AS other\nCOPY $x /\nFROM scratch as last\nCOPY f /\n', 'f\n')
    const { code, stdout, stderr } = await build(dir, '--check')
    expect([code, stderr]).toEqual([1, ''])
    expect(stdout).toMatch(/^Check complete, 3 warnings have been found!\n\nWARNING: UndefinedVar - /)
    expect(stdout).toContain(
      `WARNING: FromAsCasing - ${page}from-as-casing/\n'as' and 'FROM' keywords' casing do not match\nDockerfile:3\n`,
    )
    expect(stdout).toContain('   4 | >>> COPY f /\n')
    expect((await build(dir, '--check', '--target', 'other')).stdout).not.toContain('CopyIgnoredFile')
  })

  it('goes by --call too, and need not fail', async () => {
    const dir = context('FROM scratch as a\n')
    expect((await build(dir, '--call', 'check')).code).toBe(1)
    expect((await build(dir, '--call=check,ignorestatus=true')).code).toBe(0)
    const { code, stdout } = await build(dir, '--call', 'check,format=json')
    expect([code, JSON.parse(stdout)]).toMatchObject([1, { warnings: [{ ruleName: 'FromAsCasing' }] }])
  })

  it('gives a list and SARIF', async () => {
    const dir = context('FROM scratch as a\n')
    const list = await build(dir, '--check', '--format', 'json')
    expect([list.code, JSON.parse(list.stdout)]).toMatchObject([
      1,
      [{ rule: 'FromAsCasing', line: 1, file: 'Dockerfile' }],
    ])
    const log = await build(dir, '--check', '--format', 'sarif')
    expect([log.code, JSON.parse(log.stdout)]).toMatchObject([1, { version: '2.1.0', runs: [{ results: [{}] }] }])
  })

  it('tells what it found before an error, and the error', async () => {
    const dir = context('FROM scratch as a\nBADCMD\n')
    const { code, stdout, stderr } = await build(dir, '--check')
    expect(code).toBe(1)
    expect(stdout).toContain('WARNING: FromAsCasing')
    expect(stderr).toContain('unknown instruction: BADCMD')
    expect(stderr).toContain('Dockerfile:2')
    const json = await build(dir, '--call', 'check,format=json')
    expect(JSON.parse(json.stdout)).toMatchObject({
      buildError: { message: 'dockerfile parse error on line 2: unknown instruction: BADCMD' },
    })
  })

  it('goes on where the base image cannot be reached', async () => {
    const { code, stdout, stderr } = await build(context('FROM 127.0.0.1:1/x\nCOPY $a /\nWORKDIR b\n'), '--check')
    expect(code).toBe(1)
    expect(stderr).toContain('the base image 127.0.0.1:1/x cannot be looked up')
    expect(stdout).toContain('WorkdirRelativePath')
    expect(stdout).not.toContain('UndefinedVar')
  })

  it('reads a Dockerfile on standard input', async () => {
    const { code, stdout } = await home.run(['build', '--check', '-'], { input: 'FROM scratch\nWORKDIR a\n' })
    expect(code).toBe(1)
    expect(stdout).toContain('WorkdirRelativePath')
  })

  it('refuses what it does not know', async () => {
    const dir = context('FROM scratch\n')
    for (const args of [
      ['--call', 'x'],
      ['--check', '--format', 'xml'],
      ['--format', 'json'],
    ])
      expect((await build(dir, ...args)).code).toBe(2)
  })
})

describe('--call', () => {
  const text = '# V is a number\nARG V=1\n# one is the first\nFROM scratch AS one\nARG V\nFROM one\nARG W=2\n'

  it('outline lists what the target takes', async () => {
    const { code, stdout } = await build(context(text), '--call', 'outline')
    expect(code).toBe(0)
    expect(stdout).toBe('BUILD ARG   VALUE   DESCRIPTION\nV           1       is a number\nW           2       \n\n')
    const json = await build(context(text), '--call=outline,format=json', '--target', 'one', '--build-arg', 'V=5')
    expect(JSON.parse(json.stdout)).toMatchObject({ name: 'one', args: [{ name: 'V', value: '5' }] })
  })

  it('targets lists the stages', async () => {
    const { code, stdout } = await build(context(text), '--call', 'targets')
    expect([code, stdout]).toEqual([0, 'TARGET    DESCRIPTION\none       is the first\n(default) \n'])
  })
})

describe('a build', () => {
  const text = 'FROM scratch as a\nENV x=1\n'
  const finding = `FromAsCasing: 'as' and 'FROM' keywords' casing do not match`

  it.each(['auto', 'plain', 'tty', 'classic'])(
    'tells once at its end what was found, with --progress=%s',
    async (mode) => {
      const { code, stdout, stderr } = await build(context(text), '--progress', mode)
      const lines = (stdout + stderr).split('\n')
      expect(code).toBe(0)
      expect(lines.filter((line) => line.includes('FromAsCasing'))).toEqual([` - ${finding} (line 1)`])
      const at = lines.findIndex((line) => line.includes(finding))
      expect(lines[at - 1]).toBe(' 1 warning found:')
      expect(lines.slice(at + 2, at + 6)).toEqual([
        `More info: ${page}from-as-casing/`,
        'Dockerfile:1',
        '--------------------',
        '   1 | >>> FROM scratch as a',
      ])
      expect(lines.findIndex((line) => /^image |Successfully built/.test(line))).toBeLessThan(at)
    },
  )

  it('gives it as an event with --progress=json', async () => {
    const { stdout } = await build(context(text), '--progress', 'json')
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(events.filter((event) => event['type'] === 'warning')).toMatchObject([
      { rule: 'FromAsCasing', url: `${page}from-as-casing/`, at: { startLine: 1 } },
    ])
  })

  it('says nothing of it with --quiet', async () => {
    const { stdout, stderr } = await build(context(text), '-q')
    expect(stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/)
    expect(stderr).toBe('')
  })

  it('fails before anything is built if the file or a build arg asks for it', async () => {
    const message = 'lint violation found for rules: FromAsCasing'
    const own = await build(context(`# check=error=true\n${text}`), '--progress=plain')
    expect(own.code).toBe(1)
    expect(own.stderr).toContain(message)
    expect(own.stderr).toContain(finding)
    expect(own.stderr).not.toContain('image sha256')
    const given = await build(context(text), '--build-arg', 'BUILDKIT_DOCKERFILE_CHECK=error=true')
    expect([given.code, given.stderr.includes(message)]).toEqual([1, true])
    expect((await build(context(text), '--build-arg', 'BUILDKIT_DOCKERFILE_CHECK=skip=all;error=true')).code).toBe(0)
  })
})
