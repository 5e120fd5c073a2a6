/** A report in the form that was asked for, where it was asked for. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { WherryError } from '../core/errors.ts'
import { bundledFile } from '../host/bundle.ts'
import type { Report } from '../report/contract.ts'
import { makeStyle } from '../ui/style.ts'
import { type Io, noteLine, surfaceOf } from './io.ts'
import { writeResultFile } from './result-files.ts'

/** How a report can look. */
export const reportForms = ['text', 'html', 'svg', 'json'] as const

export type ReportForm = (typeof reportForms)[number]

/**
 * The form that options ask for; else that of the file's name, else a page for a file and text for a terminal.
 * @throws WherryError `usage` for two at once
 */
export function reportForm(
  asked: Readonly<Record<Exclude<ReportForm, 'text'>, boolean>>,
  output: string | undefined,
): ReportForm {
  const named = reportForms.filter((form) => form !== 'text' && asked[form])
  if (named.length > 1)
    throw new WherryError('usage', `choose one of ${named.map((name) => `--${name}`).join(' and ')}`)
  if (named[0] !== undefined) return named[0]
  if (output === undefined || output === '-') return 'text'
  return reportForms.find((form) => output.endsWith(form === 'text' ? '.txt' : `.${form}`)) ?? 'html'
}

/** Writes a report to a file, or to standard output for none and `-`. @throws WherryError `io` */
export async function writeReport(
  report: Report,
  { form, output }: { readonly form: ReportForm; readonly output: string | undefined },
  io: Io,
): Promise<void> {
  const toStream = output === undefined || output === '-'
  const text = await render(report, form, toStream ? io : undefined)
  if (toStream) {
    io.stdout.write(text)
    return
  }
  await writeResultFile(resolve(io.cwd, output), text)
  noteLine(io, `The report is in ${output}.`)
}

/** Each form is loaded when it is asked for. `io` is that of a terminal, if the text goes there. */
async function render(report: Report, form: ReportForm, io: Io | undefined): Promise<string> {
  switch (form) {
    case 'json':
      return (await import('../report/json.ts')).jsonReport(report)
    case 'svg':
      return (await import('../report/svg.ts')).svgReport(report)
    case 'html': {
      const [script, style] = await Promise.all(
        ['report-page.js', 'report-page.css'].map((name) => readFile(bundledFile(name), 'utf8')),
      )
      return (await import('../report/html.ts')).htmlReport(report, { script: script!, style: style! })
    }
    case 'text': {
      const surface = io && surfaceOf(io.stdout, io.env)
      const columns = surface?.isTerminal === true ? surface.columns() : 120
      const look = { columns, style: makeStyle(surface?.color ?? false) }
      return (await import('../report/text.ts')).textReport(report, look)
    }
  }
}
