/** The record that a build leaves of itself, for reports. */
import { buildRecorder } from '../core/build-record.ts'
import type { Scope } from '../core/scope.ts'
import type { Store } from '../store/contract.ts'

/** A scope whose events are also recorded. */
export interface RecordedScope {
  readonly scope: Scope
  /** Keeps the record. A store that cannot take it costs the report, not the build. */
  save(this: void): Promise<void>
}

/** Begins a record. */
export function recordedScope({ signal, emit }: Scope, store: Pick<Store, 'builds'>): RecordedScope {
  const recorder = buildRecorder()
  return {
    scope: {
      signal,
      emit: (event) => {
        recorder.take(event)
        emit(event)
      },
    },
    save: () =>
      store.builds.put(recorder.startedAt, recorder.text()).then(
        () => undefined,
        () => undefined,
      ),
  }
}
