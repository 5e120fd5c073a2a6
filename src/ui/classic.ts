/** The classic renderer: docker's legacy wording, for scripts that read it. Steps come strictly in the Dockerfile's order. */
import { explainBook } from './explain.ts'
import { findingsBook } from './findings.ts'
import { humanSize } from './human.ts'
import { lineBuffer } from './lines.ts'
import { type EventOf as Of, type Handlers, type Renderer, type Surface, dispatchTo } from './renderer.ts'
import { stepBook } from './steps.ts'

/** The twelve digits that docker shows of a digest. */
export function shortDigest(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1).slice(0, 12)
}

/** Renders `Step 1/3 : FROM x`, ` ---> Using cache`, ` ---> <12 hex>`, `Successfully built <12 hex>`. */
export function classicRenderer(surface: Pick<Surface, 'write'>): Renderer {
  const steps = stepBook()
  const explained = explainBook(steps)
  const buffer = lineBuffer()
  const findings = findingsBook()
  const held = new Map<string, string[]>()
  const finished = new Map<string, Of<'step-finished'>>()
  const headed = new Set<string>()
  let next = 0
  let contextTold = false
  let stopped = false
  const line = (text: string): void => surface.write(`${text}\n`)
  const flushed = (id: string): string[] => ['stdout', 'stderr'].flatMap((stream) => buffer.flush(`${id} ${stream}`))

  const endOf = (event: Of<'step-finished'>): string[] => {
    const cached = event.outcome === 'cached' ? [' ---> Using cache'] : []
    const id = event.digest === undefined ? [] : [` ---> ${shortDigest(event.digest)}`]
    return event.outcome === 'done' || event.outcome === 'cached' ? [...cached, ...id] : []
  }
  const advance = (): void => {
    const order = steps.all()
    for (; next < order.length && !stopped; next++) {
      const step = order[next]!
      if (step.makesLayer && !finished.has(step.id) && !held.has(step.id)) return
      if (!headed.has(step.id)) line(`Step ${step.ordinal}/${step.total} : ${steps.text(step.id)}`)
      headed.add(step.id)
      if (!step.makesLayer) continue
      held.get(step.id)?.forEach(line)
      held.set(step.id, [])
      const end = finished.get(step.id)
      if (end === undefined) return
      endOf(end).forEach(line)
      if (end.outcome === 'failed' || end.outcome === 'cancelled') stopped = true
    }
  }
  const impliedBy = (id?: string): void => {
    for (const step of steps.takeSilent(id)) {
      if (step.makesLayer)
        finished.set(step.id, { type: 'step-finished', id: step.id, outcome: 'cached', durationMs: 0 })
    }
  }
  const hold = (id: string, lines: readonly string[]): void => {
    steps.seen(id)
    impliedBy(id)
    held.set(id, [...(held.get(id) ?? []), ...lines])
    advance()
  }

  const handlers: Partial<Handlers> = {
    context: (event) => {
      // Each COPY reads its part of the context; scripts expect the line once.
      if (!contextTold) line(`Sending build context to Docker daemon  ${humanSize(event.bytes)}`)
      contextTold = true
    },
    plan: (event) => steps.learn(event),
    'step-started': (event) => hold(event.id, []),
    'step-output': (event) => hold(event.id, buffer.push(`${event.id} ${event.stream}`, event.text)),
    'step-finished': (event) => {
      finished.set(event.id, event)
      hold(event.id, flushed(event.id))
    },
    warning: (event) => [findings.take(event) ?? []].flat().forEach(line),
    message: (event) => line(event.text),
    'build-finished': () => [...explained.summary(), ...findings.lines()].forEach(line),
    image: (event) => {
      impliedBy()
      advance()
      line(`Successfully built ${shortDigest(event.id)}`)
      for (const tag of event.tags) line(`Successfully tagged ${tag}`)
    },
    explain: explained.learn,
    pushed: (event) => line(`${event.reference}: digest: ${event.digest} size: ${event.size}`),
  }
  /** After a failure: what later steps had said before the end. */
  const close = (): void => {
    for (const [id, lines] of held) {
      if (lines.length > 0 && !headed.has(id))
        line(`Step ${steps.get(id)?.ordinal}/${steps.get(id)?.total} : ${steps.text(id)}`)
      lines.forEach(line)
    }
    held.clear()
  }
  return { event: dispatchTo(handlers), close }
}
