/** What proves who we are to a registry, and who provides it. */
import type { Repository } from './contract.ts'

/** User and password, an identity token (OAuth2 refresh token), or a ready bearer token; at least one of them. */
export interface Credential {
  readonly username?: string
  readonly password?: string
  readonly identityToken?: string
  readonly bearer?: string
}

/** Finds the credential for a repository; undefined for none. */
export type CredentialProvider = (repository: Repository, signal: AbortSignal) => Promise<Credential | undefined>
