/** wherry's image, from the repository's own Dockerfile, with the Node and the bundle of this machine in place of those of the network. */
import { cp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Dockerd } from './dockerd.ts'
import type { Home } from './wherry.ts'

const top = join(import.meta.dirname, '..', '..')

/** Name of the image in the daemon. */
export const ownImage = 'wherry:test'

/** Builds the image with wherry on `base` and loads it into the daemon. @throws Error if either fails */
export async function loadOwnImage(home: Home, base: string, { docker }: Dockerd): Promise<void> {
  const node = join(home.dir, 'node')
  const bundle = join(home.dir, 'bundle')
  const archive = join(home.dir, 'wherry.tar')
  await copyInto(join(node, 'usr/local/bin'), { node: process.execPath })
  const parts = ['package.json', 'LICENSE', 'bin', 'dist', 'node_modules/koffi', 'node_modules/@koromix']
  await copyInto(join(bundle, 'wherry'), Object.fromEntries(parts.map((part) => [part, join(top, part)])))
  const contexts = [`node=${node}`, `bundle=${bundle}`].flatMap((context) => ['--build-context', context])
  const output = ['--output', `type=docker,dest=${archive}`]
  await home.ok('build', '--build-arg', `BASE=${base}`, ...contexts, '-t', ownImage, ...output, top)
  const loaded = await docker('load', '--quiet', '--input', archive)
  if (loaded.code !== 0) throw new Error(`docker load: ${loaded.stderr}`)
  await rm(archive)
}

async function copyInto(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const [name, from] of Object.entries(files))
    await cp(from, join(folder, name), { recursive: true, dereference: true })
}
