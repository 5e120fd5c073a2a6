/** Single waits (pull, push, login): a spinner on a terminal, nothing elsewhere. */
import type { BuildEvent } from '../core/events.ts'
import type { Renderer, Surface } from './renderer.ts'
import { progressText, transferBook } from './transfers.ts'
import { fitWidth } from './text.ts'

/** The stream that the spinner draws on; ora wants the stream itself. */
export type SpinnerStream = NodeJS.WriteStream

/**
 * Shows `text` with a spinner until `close`; events of transfers replace the text by their progress.
 * Off a terminal it is silent, so that logs hold results only.
 */
export async function startSpinner(text: string, surface: Surface, stream: SpinnerStream): Promise<Renderer> {
  if (!surface.isTerminal) return { event: () => undefined, close: () => undefined }
  const { default: ora } = await import('ora')
  const spinner = ora({ text, stream, discardStdin: false }).start()
  const transfers = transferBook()
  const on = (event: BuildEvent): void => {
    if (event.type === 'transfer-started' || event.type === 'transfer-progress' || event.type === 'transfer-finished') {
      transfers.follow(event)
      const running = transfers.running()
      const more = running.length > 1 ? ` and ${running.length - 1} more` : ''
      const shown = running.length === 0 ? text : `${progressText(running[0]!)}${more}`
      spinner.text = fitWidth(shown, surface.columns() - 4)
    }
  }
  return { event: on, close: () => void spinner.stop() }
}
