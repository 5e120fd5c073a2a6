/**
 * What each repository holds, in files of its own beside the blobs: `registry-v1/repositories/<name>/` with `_tags/<tag>` (a digest),
 * `_manifests/<hex>` (a descriptor), `_blobs/<hex>` (empty) and `_referrers/<subject>/<hex>` (a descriptor). No name component
 * begins with an underscore, so folders and names never meet. Every file is replaced whole, after what it points to is durable.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Digest, hexOf, isDigest } from '../core/digest.ts'
import { ifStillThere } from '../core/if-there.ts'
import { parseJsonObject } from '../core/json.ts'
import { type Descriptor, parseDescriptor } from '../oci/descriptor.ts'
import { descriptorJson } from '../oci/image.ts'
import { folders } from '../store/formats.ts'

/** The files of all repositories. Names, tags and digests have been checked. */
export interface Catalog {
  /** Names of repositories that have a manifest, sorted. */
  repositories(): Promise<string[]>
  hasRepository(name: string): Promise<boolean>
  /** Sorted by code unit. */
  tags(name: string): Promise<string[]>
  digestOfTag(name: string, tag: string): Promise<Digest | undefined>
  setTag(name: string, tag: string, digest: Digest): Promise<void>
  /** False if there was none. */
  removeTag(name: string, tag: string): Promise<boolean>
  manifest(name: string, digest: Digest): Promise<Descriptor | undefined>
  /** Records a manifest; with a subject, among its referrers too. */
  addManifest(name: string, manifest: Descriptor, subject: Digest | undefined): Promise<void>
  /** Removes a manifest with its tags and its place among referrers. False if there was none. */
  removeManifest(name: string, digest: Digest): Promise<boolean>
  hasBlob(name: string, digest: Digest): Promise<boolean>
  addBlob(name: string, digest: Digest): Promise<void>
  removeBlob(name: string, digest: Digest): Promise<boolean>
  referrers(name: string, subject: Digest): Promise<Descriptor[]>
}

/** The catalog below `root`, which is made on the first write. */
export function openCatalog(root: string): Catalog {
  const base = join(root, folders.registry, 'repositories')
  const dirOf = (name: string, folder: string): string => join(base, name, folder)
  const tagPath = (name: string, tag: string): string => join(dirOf(name, '_tags'), tag)
  const manifestPath = (name: string, digest: Digest): string => join(dirOf(name, '_manifests'), hexOf(digest))
  const blobPath = (name: string, digest: Digest): string => join(dirOf(name, '_blobs'), hexOf(digest))
  const referrersDir = (name: string, subject: Digest): string => join(dirOf(name, '_referrers'), hexOf(subject))

  const digestOfTag: Catalog['digestOfTag'] = async (name, tag) => {
    const text = (await ifStillThere(readFile(tagPath(name, tag), 'utf8')))?.trim()
    return text !== undefined && isDigest(text) ? text : undefined
  }
  const tags: Catalog['tags'] = async (name) => (await namesIn(dirOf(name, '_tags'))).sort()

  return {
    repositories: async () => (await findRepositories(base, '')).sort(),
    hasRepository: (name) => isThere(join(base, name)),
    tags,
    digestOfTag,
    setTag: (name, tag, digest) => putFile(tagPath(name, tag), digest),
    removeTag: (name, tag) => removeFile(tagPath(name, tag)),
    manifest: (name, digest) => readDescriptor(manifestPath(name, digest)),
    addManifest: async (name, manifest, subject) => {
      const text = JSON.stringify(descriptorJson(manifest))
      if (subject) await putFile(join(referrersDir(name, subject), hexOf(manifest.digest)), text)
      await putFile(manifestPath(name, manifest.digest), text)
    },
    removeManifest: async (name, digest) => {
      for (const tag of await tags(name)) {
        if ((await digestOfTag(name, tag)) === digest) await removeFile(tagPath(name, tag))
      }
      for (const subject of await namesIn(dirOf(name, '_referrers'))) {
        await removeFile(join(dirOf(name, '_referrers'), subject, hexOf(digest)))
      }
      return removeFile(manifestPath(name, digest))
    },
    hasBlob: (name, digest) => isThere(blobPath(name, digest)),
    addBlob: async (name, digest) => {
      if (!(await isThere(blobPath(name, digest)))) await putFile(blobPath(name, digest), '')
    },
    removeBlob: (name, digest) => removeFile(blobPath(name, digest)),
    referrers: async (name, subject) => {
      const dir = referrersDir(name, subject)
      const found = await Promise.all((await namesIn(dir)).sort().map((hex) => readDescriptor(join(dir, hex))))
      return found.filter((d) => d !== undefined)
    },
  }
}

async function findRepositories(base: string, name: string): Promise<string[]> {
  const names = (await ifStillThere(readdir(join(base, name), { withFileTypes: true }))) ?? []
  const own = names.some((e) => e.name === '_manifests') ? [name] : []
  const below = names.filter((e) => e.isDirectory() && !e.name.startsWith('_')).map((e) => join(name, e.name))
  return [...own, ...(await Promise.all(below.map((n) => findRepositories(base, n)))).flat()]
}

async function readDescriptor(path: string): Promise<Descriptor | undefined> {
  const text = await ifStillThere(readFile(path, 'utf8'))
  return text === undefined ? undefined : parseDescriptor(parseJsonObject(text, path), path)
}

async function isThere(path: string): Promise<boolean> {
  return (await ifStillThere(stat(path))) !== undefined
}

async function namesIn(dir: string): Promise<string[]> {
  const names = (await ifStillThere(readdir(dir))) ?? []
  // Temp files of a write in progress.
  return names.filter((name) => !name.startsWith('.'))
}

async function removeFile(path: string): Promise<boolean> {
  return (await ifStillThere(rm(path).then(() => true))) ?? false
}

async function putFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const temp = join(dirname(path), `.${randomBytes(8).toString('hex')}`)
  try {
    const handle = await open(temp, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temp, path)
  } catch (error) {
    await rm(temp, { force: true })
    throw error
  }
}
