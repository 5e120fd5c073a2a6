/** A headless Chromium, driven by its DevTools protocol over a pipe. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { programPath } from './need.ts'

/** Why there is no browser to try pages in, or undefined. */
export function noChromium(): string | undefined {
  return browserPath() === undefined ? 'chromium is not installed' : undefined
}

function browserPath(): string | undefined {
  return ['chromium', 'chromium-browser', 'google-chrome'].map(programPath).find((path) => path !== undefined)
}

/** How a page is looked at. */
export interface Viewport {
  readonly width: number
  readonly height: number
  readonly scheme: 'light' | 'dark'
}

/** A page in the browser. */
export interface Page {
  /** Everything that the page wrote to its console, errors of its own and what its policy refused. */
  readonly complaints: readonly string[]
  view(viewport: Viewport): Promise<void>
  /** Opens a URL and waits until it is loaded; returns how long that took, in milliseconds. */
  open(url: string): Promise<number>
  /** The value of an expression in the page, which must be JSON. */
  evaluate(expression: string): Promise<unknown>
  /** Presses a key by its DOM name, `ArrowDown` or `a`. */
  press(key: string): Promise<void>
  type(text: string): Promise<void>
  /** Writes a picture of the whole page. */
  screenshot(path: string): Promise<void>
  /** Nodes of the accessibility tree: role and name. */
  accessible(): Promise<{ readonly role: string; readonly name: string }[]>
}

export interface Browser {
  readonly page: Page
  close(): Promise<void>
}

type Message = Readonly<Record<string, unknown>>

/** Starts a browser with one empty page and no network. */
export async function startBrowser(): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'wherry-chromium-'))
  const args = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--remote-debugging-pipe',
    '--host-resolver-rules=MAP * ~NOTFOUND',
    `--user-data-dir=${profile}`,
    'about:blank',
  ]
  const child = spawn(browserPath()!, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
  const protocol = speak(child)
  const { targetInfos } = (await protocol.send('Target.getTargets')) as {
    targetInfos: { targetId: string; type: string }[]
  }
  const { targetId } = targetInfos.find(({ type }) => type === 'page')!
  const { sessionId } = (await protocol.send('Target.attachToTarget', { targetId, flatten: true })) as {
    sessionId: string
  }
  const page = await openPage((method, params) => protocol.send(method, params, sessionId), protocol.on)
  return {
    page,
    async close() {
      const ended = once(child, 'close')
      await Promise.race([protocol.send('Browser.close').catch(() => undefined), ended])
      await ended
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

interface Protocol {
  send(method: string, params?: Message, sessionId?: string): Promise<Message>
  on(this: void, method: string, heard: (params: Message) => void): void
}

/** Messages are JSON, each ended by a zero byte. */
function speak(child: ChildProcess): Protocol {
  const [output, input] = [child.stdio[3] as Writable, child.stdio[4] as Readable]
  const waiting = new Map<number, (answer: Message) => void>()
  const listeners: [string, (params: Message) => void][] = []
  let next = 1
  let rest = Buffer.alloc(0)
  input.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
      const message = JSON.parse(rest.subarray(0, end).toString('utf8')) as Message
      rest = rest.subarray(end + 1)
      if (typeof message['id'] === 'number') waiting.get(message['id'])?.(message)
      for (const [method, heard] of listeners) {
        if (message['method'] === method) heard(message['params'] as Message)
      }
    }
  })
  return {
    on: (method, heard) => listeners.push([method, heard]),
    async send(method, params = {}, sessionId) {
      const id = next++
      const answer = new Promise<Message>((resolve) => waiting.set(id, resolve))
      output.write(`${JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) })}\0`)
      const { result, error } = await answer
      waiting.delete(id)
      if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`)
      return result as Message
    },
  }
}

/** Key codes of keys that are no letters. */
const keyCodes: Readonly<Record<string, number>> = {
  Tab: 9,
  Enter: 13,
  Escape: 27,
  ' ': 32,
  PageUp: 33,
  PageDown: 34,
  End: 35,
  Home: 36,
  ArrowLeft: 37,
  ArrowUp: 38,
  ArrowRight: 39,
  ArrowDown: 40,
}

async function openPage(
  send: (method: string, params?: Message) => Promise<Message>,
  on: Protocol['on'],
): Promise<Page> {
  const complaints: string[] = []
  on('Runtime.consoleAPICalled', ({ args }) => complaints.push(JSON.stringify(args)))
  on('Runtime.exceptionThrown', ({ exceptionDetails }) => complaints.push(JSON.stringify(exceptionDetails)))
  on('Log.entryAdded', ({ entry }) => complaints.push(JSON.stringify(entry)))
  for (const domain of ['Page', 'Runtime', 'Log', 'Accessibility']) await send(`${domain}.enable`)
  const evaluate = async (expression: string): Promise<unknown> => {
    const { result, exceptionDetails } = (await send('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    })) as { result: { value: unknown }; exceptionDetails?: unknown }
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`)
    return result.value
  }
  let loaded: () => void = () => undefined
  on('Page.loadEventFired', () => loaded())
  return {
    complaints,
    evaluate,
    async view({ width, height, scheme }) {
      await send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false })
      await send('Emulation.setScrollbarsHidden', { hidden: true })
      await send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] })
    },
    async open(url) {
      const began = performance.now()
      const load = new Promise<void>((resolve) => (loaded = resolve))
      await send('Page.navigate', { url })
      await load
      // Painted, too.
      await evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done)))')
      return performance.now() - began
    },
    async press(key) {
      const code = keyCodes[key]
      const text = key.length === 1 ? key : key === 'Enter' ? '\r' : undefined
      const common = { key, ...(code !== undefined && { windowsVirtualKeyCode: code }) }
      await send('Input.dispatchKeyEvent', { type: 'keyDown', ...common, ...(text !== undefined && { text }) })
      await send('Input.dispatchKeyEvent', { type: 'keyUp', ...common })
    },
    async type(text) {
      await send('Input.insertText', { text })
    },
    async screenshot(path) {
      const { data } = await send('Page.captureScreenshot', { captureBeyondViewport: true })
      await writeFile(path, Buffer.from(data as string, 'base64'))
    },
    async accessible() {
      const { nodes } = (await send('Accessibility.getFullAXTree')) as {
        nodes: { ignored: boolean; role?: { value: string }; name?: { value: string } }[]
      }
      return nodes
        .filter(({ ignored }) => !ignored)
        .map(({ role, name }) => ({ role: role?.value ?? '', name: name?.value ?? '' }))
    },
  }
}
