/** Requests over a pair of pipes between the outer and the inner process: one JSON object a line, answers in any order. */
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { type ErrorCode, WherryError, asWherryError, errorCodes } from '../core/errors.ts'
import type { Json } from '../core/json.ts'

/** Version of the messages; both ends come from one build, so a difference is a broken installation. */
export const protocolVersion = 1

interface ErrorMessage {
  readonly code: string
  readonly message: string
  readonly hint?: string
  readonly details?: Readonly<Record<string, unknown>>
}

type Message =
  | { readonly id: number; readonly call: string; readonly params: unknown }
  | { readonly id: number; readonly cancel: true }
  | { readonly id: number; readonly note: Json }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: ErrorMessage }

/** The asking end. */
export interface Caller {
  /** Calls the other end. `onNote` gets what it sends before the answer. Rejects when `signal` fires, after the other end has given up. */
  call(
    name: string,
    params: unknown,
    options: { readonly signal: AbortSignal; onNote?(this: void, note: Json): void },
  ): Promise<unknown>
}

interface Pending {
  resolve(this: void, value: unknown): void
  reject(this: void, error: Error): void
  onNote?(note: Json): void
}

/** A caller over two pipes. Calls that wait when the input ends fail with what `onLost` says. */
export function createCaller(input: Readable, output: Writable, onLost: () => Error): Caller {
  const pending = new Map<number, Pending>()
  let next = 0
  let lost: Error | undefined
  const lose = (): void => {
    lost ??= onLost()
    for (const p of pending.values()) p.reject(lost)
    pending.clear()
  }
  readLines(input, (message) => receive(pending, message), lose)
  output.on('error', lose)
  return {
    call: (name, params, { signal, onNote }) =>
      new Promise((resolve, reject) => {
        if (lost !== undefined || signal.aborted) {
          reject(lost ?? new WherryError('cancelled', 'cancelled'))
          return
        }
        const id = next++
        const onAbort = (): void => send(output, { id, cancel: true })
        const settle =
          <T>(then: (value: T) => void) =>
          (value: T): void => {
            signal.removeEventListener('abort', onAbort)
            then(value)
          }
        signal.addEventListener('abort', onAbort, { once: true })
        pending.set(id, { resolve: settle(resolve), reject: settle(reject), onNote })
        send(output, { id, call: name, params })
      }),
  }
}

function receive(pending: Map<number, Pending>, message: Message): void {
  const waiting = pending.get(message.id)
  if (waiting === undefined) return
  if ('note' in message) return waiting.onNote?.(message.note)
  pending.delete(message.id)
  if ('error' in message) waiting.reject(fromMessage(message.error))
  else if ('result' in message) waiting.resolve(message.result)
}

/** A function that a served end offers; `note` sends something before the answer. */
export type Handler = (
  params: never,
  tools: { readonly signal: AbortSignal; note(this: void, note: Json): void },
) => Promise<unknown>

/** Serves calls until the input ends; then cancels what is under way and resolves. */
export function serve(input: Readable, output: Writable, handlers: Readonly<Record<string, Handler>>): Promise<void> {
  const running = new Map<number, AbortController>()
  const start = async (id: number, name: string, params: unknown): Promise<void> => {
    const abort = new AbortController()
    running.set(id, abort)
    try {
      const handler = handlers[name]
      if (handler === undefined) throw new WherryError('internal', `no such call: ${name}`)
      const result = await handler(params as never, {
        signal: abort.signal,
        note: (note) => send(output, { id, note }),
      })
      send(output, { id, result: result ?? null })
    } catch (error) {
      send(output, { id, error: toMessage(error) })
    } finally {
      running.delete(id)
    }
  }
  return new Promise((resolve) => {
    readLines(
      input,
      (message) => {
        if ('call' in message) void start(message.id, message.call, message.params)
        else if ('cancel' in message) running.get(message.id)?.abort()
      },
      () => {
        for (const abort of running.values()) abort.abort()
        resolve()
      },
    )
  })
}

function readLines(input: Readable, onMessage: (message: Message) => void, onEnd: () => void): void {
  const lines = createInterface({ input, crlfDelay: Infinity })
  lines.on('line', (line) => onMessage(JSON.parse(line) as Message))
  lines.on('close', onEnd)
  // readline passes its input's errors on: to both ends a broken pipe is one that ended.
  lines.on('error', () => lines.close())
}

function send(output: Writable, message: Message): void {
  if (!output.destroyed) output.write(`${JSON.stringify(message)}\n`)
}

function toMessage(error: unknown): ErrorMessage {
  const { code, message, hint, details } = asWherryError(error)
  return { code, message, hint, details }
}

function fromMessage({ code, message, hint, details }: ErrorMessage): WherryError {
  const known = (errorCodes as readonly string[]).includes(code) ? (code as ErrorCode) : 'internal'
  return new WherryError(known, message, { hint, details })
}
