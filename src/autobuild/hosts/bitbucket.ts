/** Webhooks of Bitbucket: Cloud ("Event payloads", `repo:push`) and Data Center ("Event payload", `repo:refs_changed`); pure. */
import { type JsonObject, isJsonObject } from '../../core/json.ts'
import type { Push } from '../contract.ts'
import { type Host, Malformed, objectNameOf, payloadOf, refOf, textOf } from './delivery.ts'
import { bodyName, idName, isPrefixedHmac } from './signature.ts'

/** The body is signed and says nothing of when: pushing a branch to and fro gives one body several times. */
export const bitbucket: Host = {
  isAuthentic: ({ headers, body }, secret) => isPrefixedHmac(headers['x-hub-signature'], body, secret),
  read: (delivery) => {
    const name = delivery.headers['x-event-key'] ?? ''
    if (name === 'diagnostics:ping') return { kind: 'ping' }
    if (name === 'repo:push') return { kind: 'push', pushes: cloudPushes(payloadOf(delivery)) }
    if (name === 'repo:refs_changed') return { kind: 'push', pushes: dataCenterPushes(payloadOf(delivery)) }
    return { kind: 'other', name }
  },
  names: ({ headers, body }) => ({
    once: idName(headers['x-request-uuid'] ?? headers['x-request-id']),
    notTwice: bodyName(body),
  }),
}

function cloudPushes(payload: JsonObject): Push[] {
  const { push } = payload
  if (!isJsonObject(push)) throw new Malformed('the payload has no push')
  return changesOf(push).flatMap((change) => {
    const made = change['new']
    // A branch or tag that was deleted.
    if (made === null) return []
    if (!isJsonObject(made) || !isJsonObject(made['target'])) throw new Malformed('a change has no new')
    const type = textOf(made, 'type')
    const folder = type === 'tag' || type === 'annotated_tag' ? 'refs/tags/' : 'refs/heads/'
    const ref = refOf({ ref: folder + textOf(made, 'name') }, 'ref')
    const old =
      isJsonObject(change['old']) && isJsonObject(change['old']['target']) ? change['old']['target'] : undefined
    return [{ ref, before: old && objectNameOf(old, 'hash'), after: objectNameOf(made['target'], 'hash') }]
  })
}

function dataCenterPushes(payload: JsonObject): Push[] {
  return changesOf(payload).flatMap((change) => {
    const [before, after] = [objectNameOf(change, 'fromHash'), objectNameOf(change, 'toHash')]
    return after === undefined ? [] : [{ ref: refOf(change, 'refId'), before, after }]
  })
}

function changesOf(object: JsonObject): JsonObject[] {
  const { changes } = object
  if (!Array.isArray(changes) || !(changes as readonly unknown[]).every(isJsonObject))
    throw new Malformed('the payload has no changes')
  return changes as JsonObject[]
}
