/** Transfers as text: what is moved, how far it is, how it ended. */
import type { BuildEvent, TransferKind } from '../core/events.ts'
import { humanDuration, humanSize } from './human.ts'

/** A transfer under way. Sizes in bytes. */
export interface Transfer {
  readonly kind: TransferKind
  readonly subject: string
  readonly current: number
  readonly total?: number
}

type Finished = Extract<BuildEvent, { type: 'transfer-finished' }>

const doing: Readonly<Record<TransferKind, string>> = {
  pull: 'pulling',
  push: 'pushing',
  copy: 'copying',
  download: 'downloading',
  export: 'exporting',
  unpack: 'unpacking',
}

const did: Readonly<Record<TransferKind, string>> = {
  pull: 'pulled',
  push: 'pushed',
  copy: 'copied',
  download: 'downloaded',
  export: 'exported',
  unpack: 'unpacked',
}

/** The transfers that were started and have not finished. */
export interface TransferBook {
  /** Takes a transfer event and returns the transfer as it is now; undefined for an id never started. */
  follow(event: Extract<BuildEvent, { type: `transfer-${string}` }>): Transfer | undefined
  running(): readonly Transfer[]
}

/** An empty book. */
export function transferBook(): TransferBook {
  const book = new Map<string, Transfer>()
  return {
    follow(event) {
      if (event.type === 'transfer-started') {
        book.set(event.id, { kind: event.kind, subject: event.subject, current: 0, total: event.total })
        return book.get(event.id)
      }
      const transfer = book.get(event.id)
      if (transfer === undefined) return undefined
      if (event.type === 'transfer-finished') {
        book.delete(event.id)
        return transfer
      }
      book.set(event.id, { ...transfer, current: event.current, total: event.total ?? transfer.total })
      return book.get(event.id)
    },
    running: () => [...book.values()],
  }
}

/** `pulling debian:12 (28MB)` */
export function startedText(transfer: Transfer): string {
  return `${doing[transfer.kind]} ${transfer.subject}${transfer.total === undefined ? '' : ` (${humanSize(transfer.total, 3)})`}`
}

/** `pulling debian:12 12MB / 28MB` */
export function progressText(transfer: Transfer): string {
  const total = transfer.total === undefined ? '' : ` / ${humanSize(transfer.total, 3)}`
  return `${doing[transfer.kind]} ${transfer.subject} ${humanSize(transfer.current, 3)}${total}`
}

/** `pulled debian:12, 28MB in 3.2s`, or how else it ended. */
export function finishedText(transfer: Transfer, end: Finished): string {
  switch (end.outcome) {
    case 'exists':
      return `${transfer.subject} already exists`
    case 'mounted':
      return `${transfer.subject} mounted from another repository`
    case 'failed':
      return `${doing[transfer.kind]} ${transfer.subject} failed`
    case 'done': {
      const size = end.bytes > 0 ? `${humanSize(end.bytes, 3)} in ` : ''
      return `${did[transfer.kind]} ${transfer.subject}, ${size}${humanDuration(end.durationMs)}`
    }
  }
}
