/** `wherry build` as users type it: forms, outputs, exit codes, errors. COPY alone, so that no step must run. */
import { execFileSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lacks, noUserNamespace } from '../support/need.ts'
import { type Home, finished, newHome } from '../support/wherry.ts'

let home: Home
beforeAll(async () => {
  home = await newHome()
})
afterAll(() => home.remove())

/** A context with a Dockerfile and a file. */
async function contextOf(name: string, dockerfile: string): Promise<string> {
  const dir = join(home.dir, name)
  await mkdir(dir, { recursive: true })
  await writeFile(join(dir, 'Dockerfile'), dockerfile)
  await writeFile(join(dir, 'file'), 'content\n')
  return dir
}

const scratch = 'FROM scratch\nARG WHO=nobody\nCOPY file /file\nLABEL who=$WHO\n'

describe('results', () => {
  it('are an id on standard output with -q, in a file with --iidfile', async () => {
    const dir = await contextOf('quiet', scratch)
    const iidfile = join(home.dir, 'iid')
    const ran = await home.run(['build', '-q', '--iidfile', iidfile, dir])
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(ran.stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/)
    expect(await readFile(iidfile, 'utf8')).toBe(ran.stdout.trim())
  })

  it('without -t are listed as <none>, and a tag that moves leaves its old image so', async () => {
    const dir = await contextOf('dangling', scratch)
    const first = await home.ok('build', '-q', '-t', 'moving', '--build-arg', 'WHO=1', dir)
    const second = await home.ok('build', '-q', '-t', 'moving', '--build-arg', 'WHO=2', dir)
    const dangling = await home.ok('images', '--no-trunc', '-q', '-f', 'dangling=true')
    expect(dangling.split('\n')).toContain(first)
    expect(dangling.split('\n')).not.toContain(second)
    expect(await home.ok('images')).toMatch(new RegExp(`^<none> +<none> +${first.slice(7, 19)} `, 'm'))
    expect(await home.ok('inspect', '-f', '{{.Config.Labels.who}}', first.slice(7, 15))).toBe('1')
  })

  it('come in forms that docker users know', async () => {
    const dir = await contextOf('forms', scratch)
    await home.ok('image', 'build', '-t=forms/a', '--tag', 'forms/b:2', '--pull=false', '--rm', '--quiet=true', dir)
    expect(await home.ok('image', 'ls', '--format', '{{.Repository}}:{{.Tag}}', 'forms/*')).toBe(
      'forms/a:latest\nforms/b:2',
    )
  })

  it('are a tar, a folder or an OCI layout beside the store', async () => {
    const dir = await contextOf('outputs', scratch)
    const tar = join(home.dir, 'result.tar')
    await home.ok('build', '-q', '-o', `type=tar,dest=${tar}`, dir)
    expect(execFileSync('tar', ['tf', tar]).toString().trim()).toBe('file')
    await home.ok('build', '-q', '-o', join(home.dir, 'folder'), dir)
    expect(await readFile(join(home.dir, 'folder/file'), 'utf8')).toBe('content\n')
    await home.ok('build', '-q', '--output', `type=oci,dest=${join(home.dir, 'oci')},tar=false`, dir)
    expect(await readFile(join(home.dir, 'oci/oci-layout'), 'utf8')).toContain('imageLayoutVersion')
  })

  it('may take standard output, which then holds nothing else', async () => {
    const dir = await contextOf('stdout', scratch)
    const ran = await home.run(['build', '--progress=classic', '-o', '-', dir])
    expect(ran.code, ran.stderr).toBe(0)
    expect(
      execFileSync('tar', ['t'], { input: Buffer.from(ran.stdout, 'latin1') })
        .toString()
        .trim(),
    ).toBe('file')
    expect(ran.stderr).toContain('Successfully built')
  })
})

describe('a Dockerfile', () => {
  it('may come on standard input, with a context or without', async () => {
    const dir = await contextOf('stdin', 'FROM unused')
    const both = await home.run(['build', '-q', '-f', '-', dir], { input: scratch })
    expect(both).toMatchObject({ code: 0, stderr: '' })
    const alone = await home.run(['build', '-q', '-'], { input: 'FROM scratch\nENV A=b\n' })
    expect(alone).toMatchObject({ code: 0, stderr: '' })
  })

  it('is reported with all its syntax errors and their lines', async () => {
    const dir = await contextOf('syntax', 'FROM scratch\nCOPPY a b\nENV\nFORM x\n')
    const ran = await home.run(['build', dir])
    expect(ran.code).toBe(1)
    expect(ran.stderr).toContain('   2 | >>> COPPY a b')
    expect(ran.stderr).toContain('   3 | >>> ENV')
    expect(ran.stderr).toContain('   4 | >>> FORM x')
    expect(ran.stderr).toContain('[dockerfile-syntax]')
  })

  it('that copies what is not there is marked where it does', async () => {
    const dir = await contextOf('missing', 'FROM scratch\nENV A=b\nCOPY nothing /\n')
    const ran = await home.run(['build', dir])
    expect(ran.code).toBe(1)
    expect(ran.stderr).toContain('Dockerfile:3')
    expect(ran.stderr).toMatch(/ERROR: .*nothing.* \[copy-failed\]/)
  })
})

describe('progress', () => {
  it('is JSON lines on standard output, the version first', async () => {
    const ran = await home.run(['build', '--progress', 'json', await contextOf('json', scratch)])
    const events = ran.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; version?: number })
    expect(events[0]).toMatchObject({ type: 'build-started', version: 1 })
    expect(events.at(-1)?.type).toBe('build-finished')
  })

  it('has docker’s legacy wording when it is classic', async () => {
    const ran = await home.run(['build', '--progress=classic', '-t', 'old/style', await contextOf('classic', scratch)])
    expect(ran.stdout).toMatch(/^Sending build context to Docker daemon {2}8B\n/)
    expect(ran.stdout).toContain('Step 3/4 : COPY file /file\n')
    expect(ran.stdout).toMatch(/Successfully built [0-9a-f]{12}\nSuccessfully tagged old\/style:latest\n$/)
  })

  it('names build args that nothing consumed', async () => {
    const ran = await home.run(['build', '--build-arg', 'UNUSED=1', await contextOf('unused', scratch)])
    expect(ran.code).toBe(0)
    expect(ran.stderr).toMatch(/WARNING: .*UNUSED/)
  })
})

describe('wrong usage ends with 2', () => {
  it.each<[string[], RegExp]>([
    [['build', '--tga', 'x', '.'], /unknown option --tga[^]*Did you mean --tag\?/],
    [['build', '--secret', 'src=x', '.'], /--secret "src=x": it has no id/],
    [['build'], /needs a build context/],
    [['build', '.', '.'], /takes 0 to 1 arguments, not 2/],
    [['biuld', '.'], /there is no command "biuld"[^]*Did you mean `wherry build`/],
    [[], /wherry COMMAND/],
  ])('%j', async (argv, message) => {
    const ran = await finished(home.start(argv))
    expect(`${ran.stdout}${ran.stderr}`).toMatch(message)
    expect(ran.code).toBe(2)
  })
})

describe.skipIf(lacks('userns', noUserNamespace()))('a RUN', () => {
  it('that fails shows its output and its line, and ends with 1', async () => {
    await home.ok('base', 'host', '-q', '-t', 'test/base')
    const dir = await contextOf('failing', 'FROM test/base\nRUN echo on its way; exit 7\n')
    const ran = await home.run(['build', '--progress=plain', dir])
    expect(ran.code).toBe(1)
    expect(ran.stderr).toContain('on its way')
    expect(ran.stderr).toContain('   2 | >>> RUN echo on its way; exit 7')
    expect(ran.stderr).toMatch(/ERROR: .*7.* \[run-failed\]/)
  })

  it('is ended by Ctrl-C, which the exit code tells', async () => {
    await home.ok('base', 'host', '-q', '-t', 'test/base')
    const dir = await contextOf('sleeping', 'FROM test/base\nRUN echo asleep; sleep 600\n')
    const child = home.start(['build', '--progress=plain', '--no-cache', dir])
    const ran = finished(child)
    await new Promise<void>((resolve) => {
      child.stderr?.on('data', (chunk: Buffer) => {
        if (chunk.includes('asleep')) resolve()
      })
    })
    await wait(100)
    child.kill('SIGINT')
    expect((await ran).code).toBe(130)
  })

  it('of `wherry run` has its exit code, its input and its options', async () => {
    await home.ok('base', 'host', '-q', '-t', 'test/base')
    const ran = await home.run(['run', '--rm', '-i', '-e', 'A=b', 'test/base', 'sh', '-c', 'cat; echo $A; exit 5'], {
      input: 'typed\n',
    })
    expect(ran).toMatchObject({ code: 5, stdout: 'typed\nb\n' })
  })
})
