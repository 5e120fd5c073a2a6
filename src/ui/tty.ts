/** The terminal renderer: finished steps scroll away above, running ones are redrawn below with their last output. */
import { explainBook } from './explain.ts'
import { findingsBook } from './findings.ts'
import { humanDuration } from './human.ts'
import { lineBuffer } from './lines.ts'
import { contextText, summaryLines } from './plain.ts'
import { type EventOf, type Handlers, type Renderer, type Surface, dispatchTo } from './renderer.ts'
import { type Screen, makeScreen } from './screen.ts'
import { type StepBook, stepBook } from './steps.ts'
import { type Style, makeStyle } from './style.ts'
import { displayWidth, fitWidth, plainLine } from './text.ts'
import { type TransferBook, finishedText, progressText, transferBook } from './transfers.ts'

/** Milliseconds between two redraws. */
const frameMs = 100
/** Output lines shown under a running step, and kept for one that fails. */
const shownLines = 4
const keptLines = 40

interface RunningStep {
  readonly since: number
  readonly lines: string[]
}

/** Renders to a terminal. `close` (also on failure and Ctrl-C) puts the cursor back. */
export function ttyRenderer(surface: Surface): Renderer {
  const style = makeStyle(surface.color)
  const screen = makeScreen(surface)
  const steps = stepBook()
  const transfers = transferBook()
  const explained = explainBook(steps)
  const output = lineBuffer()
  const findings = findingsBook()
  const look = { steps, style, surface }
  const running = new Map<string, RunningStep>()
  const started = surface.now()
  let finishedSteps = 0

  const frame = (): string[] => {
    const done = steps.all().length > 0 ? ` (${finishedSteps}/${steps.all().length})` : ''
    const heading = style.bold(`building ${humanDuration(surface.now() - started)}${done}`)
    const live = [...running].flatMap(([id, step]) => runningLines(id, step, look))
    return [heading, ...live, ...transfers.running().map((t) => `  ${progressText(t)}`)]
  }
  const timer = setInterval(() => screen.draw(frame()), frameMs).unref()
  screen.draw(frame())

  const log = (lines: readonly string[]): void => screen.log(lines.map(plainLine))
  const addOutput = (id: string, lines: readonly string[]): void => {
    const step = running.get(id)
    step?.lines.push(...lines.map(plainLine))
    step?.lines.splice(0, step.lines.length - keptLines)
  }
  const finishStep = (event: EventOf<'step-finished'>): void => {
    for (const stream of ['stdout', 'stderr']) addOutput(event.id, output.flush(`${event.id} ${stream}`))
    const step = running.get(event.id)
    running.delete(event.id)
    finishedSteps++
    const failedOutput = event.outcome === 'failed' ? (step?.lines ?? []).map((line) => style.dim(`   │ ${line}`)) : []
    steps.seen(event.id)
    logSilent(event.id)
    screen.log([finishedLine(event, look), ...failedOutput])
  }
  const logSilent = (before?: string): void => {
    for (const step of steps.takeSilent(before)) {
      finishedSteps++
      const cached = stepLine(step.id, style.green('✓'), { ...look, end: 'cached' })
      screen.log([step.makesLayer ? cached : style.dim(`  ${steps.label(step.id)} ${plainLine(steps.text(step.id))}`)])
    }
  }

  const handlers: Partial<Handlers> = {
    context: (event) => log([contextText(event)]),
    plan: (event) => steps.learn(event),
    'step-started': (event) => {
      steps.seen(event.id)
      running.set(event.id, { since: surface.now(), lines: [] })
    },
    'step-output': (event) => addOutput(event.id, output.push(`${event.id} ${event.stream}`, event.text)),
    'step-finished': finishStep,
    ...begunTransfers(transfers),
    'transfer-finished': (event) => {
      const transfer = transfers.follow(event)
      if (transfer !== undefined) screen.log([style.dim(`  ${finishedText(transfer, event)}`)])
    },
    warning: (event) => screen.log([findings.take(event) ?? []].flat().map((text) => style.yellow(plainLine(text)))),
    shell: () =>
      closeScreen(
        screen,
        timer,
        [...running.values()].flatMap((step) => step.lines),
      ),
    message: (event) => log([event.text]),
    image: (event) => {
      logSilent()
      log(summaryLines(event))
    },
    pushed: (event) => log(summaryLines(event)),
    explain: explained.learn,
    'build-finished': (event) =>
      log([
        ...explained.summary(),
        ...findings.lines(),
        `build ${event.outcome} in ${humanDuration(event.durationMs)}`,
      ]),
  }
  return { event: dispatchTo(handlers), close: () => closeScreen(screen, timer, []) }
}

/** Leaves the terminal to others; `output` is what running steps had said. */
function closeScreen(screen: Screen, timer: NodeJS.Timeout, output: readonly string[]): void {
  clearInterval(timer)
  screen.log(output.map((line) => `   │ ${line}`))
  screen.close()
}

/** What lines of steps are made with. */
interface Look {
  readonly steps: StepBook
  readonly style: Style
  readonly surface: Pick<Surface, 'columns' | 'now'>
}

function runningLines(id: string, step: RunningStep, look: Look): string[] {
  const { style, surface } = look
  const head = stepLine(id, style.blue('•'), { ...look, end: humanDuration(surface.now() - step.since) })
  return [head, ...step.lines.slice(-shownLines).map((line) => style.dim(`   │ ${line}`))]
}

/** A mark, the instruction, and how it stands; the instruction is cut so that all fits on one line. */
function stepLine(id: string, mark: string, { steps, style, surface, end }: Look & { readonly end: string }): string {
  const text = plainLine(`${steps.label(id)} ${steps.text(id)}`)
  const room = surface.columns() - displayWidth(end) - 5
  return `${mark} ${fitWidth(text, Math.max(room, 10))}  ${style.dim(end)}`
}

function finishedLine({ id, outcome, durationMs }: EventOf<'step-finished'>, look: Look): string {
  const { style } = look
  const time = humanDuration(durationMs)
  switch (outcome) {
    case 'cached':
      return stepLine(id, style.green('✓'), { ...look, end: 'cached' })
    case 'done':
      return stepLine(id, style.green('✓'), { ...look, end: time })
    case 'failed':
      return stepLine(id, style.red('✗'), { ...look, end: time })
    case 'cancelled':
      return stepLine(id, style.yellow('-'), { ...look, end: 'cancelled' })
  }
}

function begunTransfers(book: TransferBook): Pick<Handlers, 'transfer-started' | 'transfer-progress'> {
  return {
    'transfer-started': (event) => void book.follow(event),
    'transfer-progress': (event) => void book.follow(event),
  }
}
