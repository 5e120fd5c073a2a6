/** Connects a command's events to a renderer. */
import type { BuildEvent } from '../core/events.ts'
import { familiarReference, parseReference } from '../oci/reference.ts'
import { type ProgressMode, pickRenderer } from '../ui/pick.ts'
import type { Renderer } from '../ui/renderer.ts'
import { type Io, surfaceOf } from './io.ts'

/** Where progress goes: programs read JSON and the classic wording from standard output, unless that is the image's. */
export async function buildRenderer(mode: ProgressMode, io: Io, stdoutTaken: boolean): Promise<Renderer> {
  const forPrograms = mode === 'json' || mode === 'classic'
  const stream = forPrograms && !stdoutTaken ? io.stdout : io.stderr
  const renderer = await pickRenderer(mode, surfaceOf(stream, io.env))
  if (mode === 'json') return renderer
  return { event: (event) => renderer.event(forPeople(event)), close: renderer.close }
}

/** Names as people write them: without `docker.io/library/`. */
function forPeople(event: BuildEvent): BuildEvent {
  if (event.type !== 'image') return event
  return { ...event, tags: event.tags.map((tag) => familiarReference(parseReference(tag))) }
}
