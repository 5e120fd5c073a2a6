/** The plain renderer: lines that are only ever appended, for CI logs and pipes. */
import { explainBook, explainLines } from './explain.ts'
import { findingsBook } from './findings.ts'
import { counted, humanDuration, humanSize } from './human.ts'
import { lineBuffer } from './lines.ts'
import { type EventOf as Of, type Handlers, type Renderer, type Surface, dispatchTo } from './renderer.ts'
import { stepBook } from './steps.ts'
import { finishedText, progressText, startedText, transferBook } from './transfers.ts'

/** Shortest time between two progress lines of one transfer, in milliseconds. */
const progressEvery = 3000

/** Renders to lines: `[2/7] RUN make`, its output as `[2/7] 0.31 text`, `[2/7] DONE 1.2s` or `[2/7] CACHED`. */
export function plainRenderer(surface: Surface): Renderer {
  const steps = stepBook()
  const transfers = transferBook()
  const explained = explainBook(steps)
  const output = lineBuffer()
  const findings = findingsBook()
  const announced = new Map<string, number>()
  const lastProgress = new Map<string, number>()
  const line = (text: string): void => surface.write(`${text}\n`)

  const sayLines = (texts: readonly string[]): void => texts.forEach(line)
  const saySilent = (before?: string): void => {
    for (const step of steps.takeSilent(before)) {
      line(lineOf(step))
      if (step.makesLayer) line(`${steps.label(step.id)} CACHED`)
    }
  }
  const labelOf = (event: Of<'explain'>): string => (event.id === undefined ? '' : `${steps.label(event.id)} `)
  const lineOf = ({ id }: { readonly id: string }): string => `${steps.label(id)} ${steps.text(id)}`

  const announce = (id: string): void => {
    if (announced.has(id)) return
    announced.set(id, surface.now())
    steps.seen(id)
    saySilent(id)
    line(lineOf({ id }))
  }
  const stepOutput = (id: string, lines: readonly string[]): void => {
    const seconds = ((surface.now() - (announced.get(id) ?? surface.now())) / 1000).toFixed(2)
    for (const text of lines) line(`${steps.label(id)} ${seconds} ${text}`.trimEnd())
  }
  const finishStep = (event: Of<'step-finished'>): void => {
    announce(event.id)
    for (const stream of ['stdout', 'stderr']) stepOutput(event.id, output.flush(`${event.id} ${stream}`))
    const label = steps.label(event.id)
    if (event.outcome === 'cached') line(`${label} CACHED`)
    else if (event.outcome === 'failed') line(`${label} FAILED ${humanDuration(event.durationMs)}`)
    else if (event.outcome === 'cancelled') line(`${label} CANCELLED`)
    else line(`${label} DONE ${humanDuration(event.durationMs)}`)
  }
  const transferEvent = (event: Of<'transfer-started' | 'transfer-progress' | 'transfer-finished'>): void => {
    const transfer = transfers.follow(event)
    if (transfer === undefined) return
    if (event.type === 'transfer-started') line(startedText(transfer))
    else if (event.type === 'transfer-finished') line(finishedText(transfer, event))
    else if (surface.now() - (lastProgress.get(event.id) ?? surface.now()) < progressEvery) {
      if (!lastProgress.has(event.id)) lastProgress.set(event.id, surface.now())
    } else {
      lastProgress.set(event.id, surface.now())
      line(progressText(transfer))
    }
  }

  const handlers: Handlers = {
    'build-started': (event) => line(`building ${event.dockerfile}, context ${event.context}`),
    context: (event) => line(contextText(event)),
    plan: (event) => steps.learn(event),
    explain: (event) => {
      explained.learn(event)
      if (event.id !== undefined) announce(event.id)
      sayLines(explainLines(event).map((text) => `${labelOf(event)}WHY ${text}`))
    },
    'step-started': (event) => announce(event.id),
    'step-output': (event) => {
      announce(event.id)
      stepOutput(event.id, output.push(`${event.id} ${event.stream}`, event.text))
    },
    'step-finished': finishStep,
    ...furtherHandlers(transferEvent),
    warning: (event) => sayLines([findings.take(event) ?? []].flat()),
    message: (event) => line(event.text),
    image: (event) => {
      saySilent()
      sayLines(summaryLines(event))
    },
    pushed: (event) => sayLines(summaryLines(event)),
    'build-finished': (event) => {
      const end = `build ${event.outcome} in ${humanDuration(event.durationMs)}`
      sayLines([...explained.summary(), ...findings.lines(), end])
    },
  }
  return { event: dispatchTo(handlers), close: () => undefined }
}

/** `context: 12 files, 3.4kB (0.1s)` */
export function contextText(event: Of<'context'>): string {
  return `context: ${counted(event.files, 'file')}, ${humanSize(event.bytes)} (${humanDuration(event.durationMs)})`
}

/** The lines that name a result: image id and tags, or what was pushed. */
export function summaryLines(event: Of<'image' | 'pushed'>): string[] {
  if (event.type === 'pushed') return [`pushed ${event.reference}, digest: ${event.digest} size: ${event.size}`]
  return [`image ${event.id}`, ...event.tags.map((tag) => `tagged ${tag}`)]
}

/** Those that need nothing of their own. */
function furtherHandlers(
  transfer: (event: Of<'transfer-started' | 'transfer-progress' | 'transfer-finished'>) => void,
): Pick<Handlers, 'transfer-started' | 'transfer-progress' | 'transfer-finished' | 'shell'> {
  return {
    'transfer-started': transfer,
    'transfer-progress': transfer,
    'transfer-finished': transfer,
    shell: () => undefined,
  }
}
