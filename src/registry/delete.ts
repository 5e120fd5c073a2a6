/** Deleting manifests and tags. OCI distribution-spec, "Deleting tags" and "Deleting Manifests". */
import { isDigest } from '../core/digest.ts'
import { WherryError } from '../core/errors.ts'
import { discard } from '../http/message.ts'
import { type Target, failureOf, sendTo } from './target.ts'

/**
 * Deletes a tag, or a manifest by its digest with all tags that point to it. False if the registry deletes by digest only.
 * @throws WherryError `registry` (also if there is none, and where the registry deletes nothing at all), `auth-failed`, `network`
 */
export async function deleteReference(target: Target, reference: string): Promise<boolean> {
  const response = await sendTo(target, { method: 'DELETE', url: `manifests/${reference}`, actions: 'delete' })
  if (response.status >= 200 && response.status <= 299) {
    discard(response)
    return true
  }
  if (!isDigest(reference) && (response.status === 400 || response.status === 405)) {
    discard(response)
    return false
  }
  const failure = await failureOf(target, response, `deleting "${reference}"`, 'write')
  if (response.status !== 405) throw failure
  const { code, message, details } = failure
  throw new WherryError(code, message, {
    details,
    hint: 'The registry does not delete: with distribution it is REGISTRY_STORAGE_DELETE_ENABLED=true that allows it.',
  })
}
