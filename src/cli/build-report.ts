/** `wherry build --report FILE`: the report of the build that is being made, also of one that fails. */
import { buildRecorder, parseBuildRecord } from '../core/build-record.ts'
import { quietScope, type Scope } from '../core/scope.ts'
import { buildReport } from '../report/build.ts'
import type { TransferDeps } from '../transfer/deps.ts'
import type { Io } from './io.ts'
import { reportForm, writeReport } from './report-form.ts'
import { reportOfRecord } from './report-source.ts'

/** What the report is written with. */
export interface ReportTarget {
  readonly file: string
  readonly deps: TransferDeps
  readonly io: Io
}

/** Records the events of `work` and writes its report when it has ended; a failure of `work` is what counts. */
export async function withBuildReport<T>(
  target: ReportTarget,
  scope: Scope,
  work: (scope: Scope) => Promise<T>,
): Promise<T> {
  const recorder = buildRecorder()
  const emit: Scope['emit'] = (event) => {
    recorder.take(event)
    scope.emit(event)
  }
  const write = async (): Promise<void> => {
    const build = buildReport(parseBuildRecord(recorder.text())!)
    const report = await reportOfRecord(build, { deps: target.deps, scope: quietScope(scope.signal) })
    const form = reportForm({ html: false, svg: false, json: false }, target.file)
    await writeReport(report, { form: form, output: target.file }, target.io)
  }
  let result: T
  try {
    result = await work({ signal: scope.signal, emit })
  } catch (error) {
    // The build's own error is told, whatever becomes of the report.
    await write().catch(() => undefined)
    throw error
  }
  await write()
  return result
}
