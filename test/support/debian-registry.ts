/** Debian's docker-registry as a server of the test's own, on a free port, with what it was asked. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { programPath } from './need.ts'
import { freePort } from './wherry.ts'

/** A running registry. */
export interface DebianRegistry {
  /** `127.0.0.1:PORT`. */
  readonly address: string
  /** Requests since the last call, as `GET /v2/…`. */
  requests(): Promise<string[]>
  stop(): Promise<void>
}

/** Starts a registry with nothing in it. */
export async function startDebianRegistry(): Promise<DebianRegistry> {
  const dir = await mkdtemp(join(tmpdir(), 'wherry-registry-'))
  const address = `127.0.0.1:${await freePort()}`
  const config = `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${dir}/data}}\nhttp: {addr: '${address}'}\n`
  await writeFile(join(dir, 'config.yml'), config)
  const child = spawn(programPath('docker-registry') ?? 'docker-registry', ['serve', join(dir, 'config.yml')], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let log = ''
  child.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()))
  await answers(address, child)
  return {
    address,
    async requests() {
      // The log is written behind the answers.
      await new Promise((resolve) => setTimeout(resolve, 100))
      const lines = [...log.matchAll(/"([A-Z]+ \S+) HTTP/g)].map((match) => match[1] ?? '')
      log = ''
      return lines
    },
    async stop() {
      child.kill('SIGKILL')
      await once(child, 'exit')
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function answers(address: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`docker-registry ended with ${child.exitCode}`)
    try {
      if ((await fetch(`http://${address}/v2/`)).ok) return
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('docker-registry does not answer')
}
