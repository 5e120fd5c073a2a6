/** Whether one may push to a repository, found out without pushing anything: an upload is begun and given up. */
import { WherryError } from '../core/errors.ts'
import { discard, headerOf } from '../http/message.ts'
import { uploadLocation } from './location.ts'
import { type Target, failureOf, sendTo } from './target.ts'

/** What was being done, for messages. */
export const pushCheck = 'the check for the right to push'

/**
 * Begins an upload and cancels it (OCI distribution-spec, "Cancelling a blob upload"). Registries that cannot cancel let it expire.
 * @throws WherryError `auth-failed` or `registry` if the upload is refused, `network`, `cancelled`
 */
export async function checkPush(target: Target): Promise<void> {
  const post = { method: 'POST', url: 'blobs/uploads/', headers: { 'content-length': '0' } } as const
  const response = await sendTo(target, { ...post, actions: 'pull,push' })
  if (response.status < 200 || response.status > 299) throw await failureOf(target, response, pushCheck, 'write')
  discard(response)
  try {
    const url = uploadLocation(target.connection.base, response.url, headerOf(response, 'location'))
    discard(await sendTo(target, { method: 'DELETE', url, tries: 1, actions: 'pull,push' }))
  } catch (error) {
    // The right is there all the same.
    if (!(error instanceof WherryError) || error.code === 'cancelled') throw error
  }
}
