/** The quiet renderer: warnings, none of the build checks, and explanations where they were asked for; results are printed by the command. */
import { warningText } from './error.ts'
import { explainBook } from './explain.ts'
import { type Renderer, type Surface, dispatchTo } from './renderer.ts'
import { stepBook } from './steps.ts'

/** Renders warnings and explanations, and nothing else; what the checks find is not shown, as in docker. */
export function quietRenderer(surface: Pick<Surface, 'write'>): Renderer {
  const steps = stepBook()
  const explained = explainBook(steps)
  const line = (text: string): void => surface.write(`${text}\n`)
  const event = dispatchTo({
    plan: (plan) => steps.learn(plan),
    warning: (warning) => {
      if (warning.rule === undefined) line(warningText(warning))
    },
    explain: explained.learn,
    'build-finished': () => explained.summary().forEach(line),
  })
  return { event, close: () => undefined }
}
