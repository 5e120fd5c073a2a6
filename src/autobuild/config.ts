/** Reads the configuration of automatic builds; pure. */
import { isAbsolute, resolve } from 'node:path'
import { WherryError } from '../core/errors.ts'
import { parseDuration } from '../dockerfile/duration.ts'
import { goClean } from '../dockerfile/go-path.ts'
import { parseGitRef, withoutCredentials } from '../dockerfile/git-ref.ts'
import { familiarRepository, parseReference } from '../oci/reference.ts'
import { type AutobuildConfig, type Repository, type Rule, type SecretPlace, hostNames } from './contract.ts'
import { isTagTemplate, refPattern, ruleKey } from './rules.ts'
import { type Field, yamlFields } from './yaml-fields.ts'

/** What a configuration is read with. */
export interface ConfigSource {
  readonly text: string
  /** Name to show. */
  readonly file: string
  /** Folder that relative paths begin in. */
  readonly folder: string
}

const defaultKeep = 100
const topKeys = ['repositories', 'jobs', 'poll', 'keep', 'url'] as const
const repositoryKeys = [
  'name',
  'git',
  'image',
  'host',
  'secret-file',
  'secret-env',
  'git-token-file',
  'git-token-env',
  'push-token-file',
  'rules',
] as const
const ruleKeys = ['branch', 'tag', 'image-tag', 'dockerfile', 'context', 'target', 'build-args', 'platforms'] as const

/**
 * Reads a configuration file.
 * @throws WherryError `config-invalid` that names file, line and key
 */
export function parseConfig({ text, file, folder }: ConfigSource): AutobuildConfig {
  const { repositories, jobs, poll, keep, url } = yamlFields(text, file).fields(topKeys, ['repositories'])
  const read = repositories!.items().map((one) => repositoryOf(one, folder))
  const names = read.map(({ name }) => name)
  const twice = names.findIndex((name, i) => names.indexOf(name) !== i)
  if (twice >= 0) throw repositories!.items()[twice]!.wrong(`has the name ${names[twice]} of another repository`)
  return {
    repositories: read,
    jobs: jobs?.number(1, 64),
    pollMs: poll && durationOf(poll),
    keep: keep?.number(1, 10_000) ?? defaultKeep,
    url: url && urlOf(url),
  }
}

function durationOf(field: Field): number {
  const text = field.text()
  try {
    return pollInterval(text)
  } catch {
    throw field.wrong(`is "${text}", which is no duration of at least 1s`, 'Write 30s or 5m.')
  }
}

/** A duration for polling, in milliseconds. @throws WherryError `usage` */
export function pollInterval(text: string): number {
  let ms = 0
  try {
    ms = parseDuration(text) / 1e6
  } catch {
    // Said below.
  }
  if (ms >= 1000 && ms < 2 ** 31) return ms
  throw new WherryError('usage', `"${text}" is no duration of at least 1s`, { hint: 'Write 30s or 5m.' })
}

function urlOf(field: Field): string {
  const text = field.text()
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text.replace(/\/+$/, '')
  throw field.wrong('must be an http or https URL')
}

function repositoryOf(field: Field, folder: string): Repository {
  const found = field.fields(repositoryKeys, ['name', 'git', 'image', 'rules'])
  const name = found.name!.text()
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/i.test(name)) {
    throw found.name!.wrong('must be letters, digits, dots, dashes and underscores, 64 at most')
  }
  const [git, image] = [gitOf(found.git!), imageOf(found.image!)]
  const rules = found.rules!.items().map((one) => ruleOf(one, { name, git, image }))
  if (rules.length === 0) throw found.rules!.wrong('must have at least one rule')
  const keys = rules.map(({ key }) => key)
  const twice = keys.findIndex((key, i) => keys.indexOf(key) !== i)
  if (twice >= 0) throw found.rules!.items()[twice]!.wrong('is the same rule as one above')
  const secret = placeOf(found['secret-file'], found['secret-env'], folder)
  const host = found.host && hostOf(found.host)
  if (host !== undefined && secret === undefined) {
    throw found.host!.wrong('needs secret-file or secret-env: nobody else may start builds')
  }
  if (host === undefined && secret !== undefined) throw field.wrong('has a secret and no host')
  return {
    name,
    git,
    image,
    hook: host && secret && { host, secret },
    gitToken: placeOf(found['git-token-file'], found['git-token-env'], folder),
    pushToken: placeOf(found['push-token-file'], undefined, folder),
    rules,
  }
}

function hostOf(field: Field): (typeof hostNames)[number] {
  const text = field.text()
  const host = hostNames.find((known) => known === text)
  if (host !== undefined) return host
  throw field.wrong(`is "${text}", which is none of ${hostNames.join(', ')}`, 'Forgejo is gitea.')
}

function placeOf(file: Field | undefined, variable: Field | undefined, folder: string): SecretPlace | undefined {
  if (file !== undefined && variable !== undefined) throw variable.wrong(`and ${file.key} cannot stand together`)
  if (file !== undefined) return { file: isAbsolute(file.text()) ? file.text() : resolve(folder, file.text()) }
  if (variable === undefined) return undefined
  if (!/^[A-Za-z_]\w*$/.test(variable.text())) throw variable.wrong('must be the name of a variable')
  return { variable: variable.text() }
}

function gitOf(field: Field): string {
  const text = field.text()
  if (withoutCredentials(text) !== text) {
    throw field.wrong('must have no password in it', 'Put it into a file and name that with git-token-file.')
  }
  const ref = parsedGit(text)
  if (ref === undefined || ref.remote !== text) {
    throw field.wrong(
      'must be the URL of a git repository and nothing more',
      'https://…/NAME.git, ssh://… or user@host:path; branches, tags and folders stand in the rules.',
    )
  }
  return text
}

function parsedGit(text: string): ReturnType<typeof parseGitRef> {
  try {
    return parseGitRef(text)
  } catch {
    return undefined
  }
}

function imageOf(field: Field): string {
  const text = field.text()
  const bare = /[:@][^/]*$/.test(text.replace(/^[^/]*\//, ''))
  try {
    const reference = parseReference(text)
    if (!bare && text.includes('/')) return familiarRepository(reference)
  } catch (error) {
    throw field.wrong(`is no name of an image: ${error instanceof Error ? error.message : ''}`)
  }
  throw field.wrong(
    'must be a repository of a registry without a tag',
    'registry.example.com/team/app; tags stand in the rules.',
  )
}

function ruleOf(field: Field, repository: Pick<Repository, 'name' | 'git' | 'image'>): Rule {
  const found = field.fields(ruleKeys)
  if ((found.branch === undefined) === (found.tag === undefined)) throw field.wrong('needs either branch or tag')
  const kind = found.branch === undefined ? 'tag' : 'branch'
  const refField = (found.branch ?? found.tag)!
  const rule = {
    ref: told(refField, () => refPattern(kind, refField.text())),
    imageTags: (found['image-tag']?.items() ?? []).map(templateOf),
    dockerfile: found.dockerfile ? pathOf(found.dockerfile) : 'Dockerfile',
    context: found.context ? pathOf(found.context) : '',
    target: found.target?.text(),
    buildArgs: (found['build-args']?.entries() ?? []).map(([name, value]) => `${name}=${value.text()}`),
    platforms: (found.platforms?.items() ?? []).map((one) => one.text()),
  }
  const full = { ...rule, imageTags: rule.imageTags.length === 0 ? ['latest'] : rule.imageTags }
  return { ...full, key: ruleKey(repository, full) }
}

function told<T>(field: Field, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof WherryError) throw error
    throw field.wrong(error instanceof Error ? error.message : String(error))
  }
}

function templateOf(field: Field): string {
  const text = field.text()
  if (isTagTemplate(text)) return text
  throw field.wrong(
    `is "${text}", which can be no tag of an image`,
    'Letters, digits, dots, dashes, {sourceref} and {\\1}.',
  )
}

function pathOf(field: Field): string {
  const text = field.text()
  const clean = goClean(`/${text}`).slice(1)
  if (!text.startsWith('/') && !text.split('/').includes('..') && !/[#?]/.test(text) && !text.startsWith('-'))
    return clean
  throw field.wrong('must be a path within the repository')
}
