/** Builds and pushes, killed with SIGKILL at random moments: what must hold whenever that happens. */
import { readFileSync, readdirSync } from 'node:fs'
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type Home, type ServedRegistry, finished } from './wherry.ts'

/** A trial: one context, one registry. */
export interface KillTrial {
  readonly home: Home
  readonly registry: ServedRegistry
  readonly context: string
}

/** Writes the context: layers of every kind, of a size that takes a moment. */
export async function prepareTrial(home: Home, registry: ServedRegistry): Promise<KillTrial> {
  const context = join(home.dir, 'context')
  await mkdir(join(context, 'tree'), { recursive: true })
  for (let i = 0; i < 200; i++) await writeFile(join(context, 'tree', `file-${i}`), `${i}\n`.repeat(2000))
  const dockerfile = [
    'FROM test/base',
    'ARG ROUND',
    'RUN mkdir /work && echo "$ROUND" > /work/round && chown 33:33 /work',
    'COPY tree /tree',
    'RUN i=0; while [ $i -lt 100 ]; do echo $i > /work/$i; i=$((i + 1)); done; rm -rf /tree/file-1*',
    'RUN cat /work/round /work/99 > /result; ls /tree | wc -l >> /result',
    'CMD ["cat", "/result"]',
    '',
  ]
  await writeFile(join(context, 'Dockerfile'), dockerfile.join('\n'))
  await home.ok('base', 'host', '-t', 'test/base')
  return { home, registry, context }
}

function buildArgs(trial: KillTrial, round: string): string[] {
  const tag = `${trial.registry.address}/killed:${round}`
  return ['build', '--progress=plain', '--push', '--build-arg', `ROUND=${round}`, '-t', tag, trial.context]
}

/** Milliseconds of an undisturbed build and push. */
export async function undisturbed(trial: KillTrial): Promise<number> {
  const started = performance.now()
  await trial.home.ok(...buildArgs(trial, 'undisturbed'))
  return performance.now() - started
}

/** Kills one build after `delay` ms, then holds the next one to all promises. */
export async function killAndRecover(trial: KillTrial, round: string, delay: number): Promise<void> {
  const { home } = trial
  const child = home.start(buildArgs(trial, round))
  const ended = finished(child)
  await new Promise((resolve) => setTimeout(resolve, delay))
  child.kill('SIGKILL')
  await ended
  // The kernel needs a moment to take a process tree down, and no more than that.
  await expect.poll(() => processesOf(home.dir, [trial.registry.address]), { timeout: 5000 }).toEqual([])
  expect(mountsBelow(home.dir)).toEqual([])

  const startedAt = Date.now()
  await home.ok(...buildArgs(trial, round))
  expect(await olderFiles(join(home.store, 'tmp'), startedAt)).toEqual([])
  expect(await home.ok('run', '--rm', `${trial.registry.address}/killed:${round}`)).toBe(`${round}\n99\n89`)
  expect(await home.ok('pull', '-q', `${trial.registry.address}/killed:${round}`)).not.toBe('')
}

/** Command lines of processes that name `dir`, except those that name one of `but`. */
function processesOf(dir: string, but: readonly string[]): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => readProc(`/proc/${pid}/cmdline`).replaceAll('\0', ' '))
    .filter((line) => line.includes(dir) && !but.some((text) => line.includes(`--listen ${text}`)))
}

function mountsBelow(dir: string): string[] {
  return readProc('/proc/self/mountinfo')
    .split('\n')
    .filter((line) => line.includes(dir))
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // The process is gone.
    return ''
  }
}

/** Files in a folder that were last written before a time. */
async function olderFiles(dir: string, time: number): Promise<string[]> {
  const names = await readdir(dir).catch(() => [])
  const stats = await Promise.all(names.map((name) => stat(join(dir, name))))
  return names.filter((_, i) => stats[i]!.mtimeMs < time - 1000)
}
