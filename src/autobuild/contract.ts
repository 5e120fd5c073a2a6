/** What automatic builds are made of: the settings of a configuration file, pushes, and records of builds. */
import type { Digest } from '../core/digest.ts'

/** Who sends webhooks. */
export const hostNames = ['github', 'gitlab', 'gitea', 'bitbucket'] as const
export type HostName = (typeof hostNames)[number]

/** Where a secret is: a file (absolute path) or a variable of the environment. */
export type SecretPlace = { readonly file: string } | { readonly variable: string }

/** Which refs a rule takes; a pattern's groups are what `{\1}` stands for. */
export interface RefPattern {
  readonly kind: 'branch' | 'tag'
  /** As it is written in the file. */
  readonly text: string
  readonly expression: RegExp
}

/** A rule: which refs are built, how, and under which tags. */
export interface Rule {
  /** Digest of everything that says what is built: another rule has another key. */
  readonly key: string
  readonly ref: RefPattern
  /** Templates of the image's tags. */
  readonly imageTags: readonly string[]
  /** Relative to the context. */
  readonly dockerfile: string
  /** Folder of the repository; '' is its root. */
  readonly context: string
  readonly target: string | undefined
  readonly buildArgs: readonly string[]
  readonly platforms: readonly string[]
}

/** A repository that is built. */
export interface Repository {
  /** Unique; part of URLs. */
  readonly name: string
  readonly git: string
  /** How its pushes are told of; undefined if they are only asked for. */
  readonly hook: { readonly host: HostName; readonly secret: SecretPlace } | undefined
  /** `registry/name` without a tag. */
  readonly image: string
  readonly gitToken: SecretPlace | undefined
  readonly pushToken: SecretPlace | undefined
  readonly rules: readonly Rule[]
}

/** A configuration file. */
export interface AutobuildConfig {
  readonly repositories: readonly Repository[]
  /** Builds at once. */
  readonly jobs: number | undefined
  /** How often repositories are asked, in milliseconds. */
  readonly pollMs: number | undefined
  /** Ended builds that are kept of each repository. */
  readonly keep: number
  /** How this server is reached from outside, for showing the hooks' URLs. */
  readonly url: string | undefined
}

/** A ref that moved, as a host tells it. */
export interface Push {
  /** In full: `refs/heads/main`. */
  readonly ref: string
  /** Object before and after; undefined if the host does not say. */
  readonly before: string | undefined
  readonly after: string | undefined
}

/** Where a build stands. Those after `running` are its end. */
export const statuses = ['waiting', 'running', 'done', 'failed', 'replaced', 'stopped', 'unchanged'] as const
export type Status = (typeof statuses)[number]

/** One build, as it is kept on disk and shown. */
export interface BuildRecord {
  /** Digits; later builds have larger ones. */
  readonly id: string
  readonly repository: string
  /** Key of its rule. */
  readonly rule: string
  readonly ref: string
  /** Full names under which the image is pushed. */
  readonly images: readonly string[]
  readonly dockerfile: string
  readonly cause: 'push' | 'poll' | 'added' | 'asked'
  readonly before?: string | undefined
  readonly after?: string | undefined
  readonly status: Status
  /** How often it was begun: more than once if wherry was killed meanwhile. */
  readonly attempts: number
  readonly commit?: string | undefined
  /** Of the manifest or index that was pushed. */
  readonly digest?: Digest | undefined
  /** Why it ended so, one line. */
  readonly message?: string | undefined
  /** ISO 8601. */
  readonly queuedAt: string
  readonly startedAt?: string | undefined
  readonly endedAt?: string | undefined
}

/** True for a build that is over. */
export function isEnded({ status }: BuildRecord): boolean {
  return status !== 'waiting' && status !== 'running'
}
