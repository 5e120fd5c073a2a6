/** A stored image for a platform that was asked for. */
import { WherryError } from '../core/errors.ts'
import { platformOf } from '../oci/config.ts'
import { type Platform, formatPlatform, hostPlatform, parsePlatform, samePlatform } from '../oci/platform.ts'
import type { Store } from '../store/contract.ts'
import { acceptable } from '../transfer/pick-platform.ts'
import { type ImageFacts, readImageFacts } from './image-facts.ts'

/**
 * The facts of the image that `query` means, for `platform` if one is given.
 * @throws WherryError `image-not-found`, `platform-mismatch`, and as `readImageFacts`
 */
export async function factsForPlatform(store: Store, query: string, platform: string | undefined): Promise<ImageFacts> {
  const image = await store.images.resolve(query)
  if (platform === undefined) return readImageFacts(store, image)
  const wanted = parsePlatform(platform, hostPlatform())
  const facts = await readImageFacts(store, image, wanted)
  if (fits(platformOf(facts.config), wanted)) return facts
  throw new WherryError('platform-mismatch', `the image ${query} is not for ${formatPlatform(wanted)}`, {
    hint: `It is for ${platformsOf(facts).join(', ')}.`,
  })
}

function fits(platform: Platform, wanted: Platform): boolean {
  return acceptable(wanted).some((one) => samePlatform(one, platform))
}

function platformsOf({ config, members }: ImageFacts): string[] {
  const named = (members ?? []).flatMap((member) => (member.platform === undefined ? [] : [member.platform]))
  return (named.length > 0 ? named : [platformOf(config)]).map(formatPlatform)
}
