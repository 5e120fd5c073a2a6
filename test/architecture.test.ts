/** Holds the architecture: who may import whom, who may touch the outside world, and how large things may be. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { importsOf, valueImportsOf } from './support/imports.ts'

const root = join(import.meta.dirname, '..')

/** Folder to the folders (or single files) that it may import. A folder may always import itself. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  core: [],
  oci: ['core'],
  dockerfile: ['core'],
  archive: ['core', 'oci'],
  host: ['core'],
  http: ['core'],
  plan: ['dockerfile', 'oci', 'core'],
  rootfs: ['archive', 'host', 'oci', 'core'],
  sandbox: ['host', 'core'],
  store: ['host', 'oci', 'core'],
  registry: ['http', 'oci', 'core'],
  'registry-server': ['http', 'store', 'oci', 'core'],
  layer: ['rootfs', 'archive', 'store', 'oci', 'core'],
  trees: ['layer', 'sandbox', 'rootfs', 'store', 'archive', 'host', 'oci', 'core'],
  transfer: ['trees', 'layer/contract.ts', 'registry', 'store', 'archive', 'oci', 'core'],
  base: ['trees', 'layer/contract.ts', 'http', 'store', 'archive', 'host', 'oci', 'core'],
  // What trees/ takes and gives is said in layer/contract.ts; the code of layer/ runs only in the inner process.
  build: [
    'plan',
    'dockerfile',
    'trees',
    'layer/contract.ts',
    'transfer',
    'registry',
    'http',
    'store',
    'archive',
    'oci',
    'core',
  ],
  autobuild: ['build', 'dockerfile', 'http', 'host', 'oci', 'core'],
  container: ['plan', 'dockerfile', 'trees', 'layer/contract.ts', 'transfer', 'store', 'oci', 'core'],
  ui: ['core'],
  // Sizes, widths and colours are written as everywhere else.
  report: ['ui/human.ts', 'ui/text.ts', 'ui/style.ts', 'oci', 'core'],
}

/** Folders that wire everything together: they may import all others. */
const wiring = ['cli', 'index.ts']

/** Modules with effects, or that belong in one place, to the folders that may import them. */
const mayUse: readonly (readonly [module: RegExp, folders: string])[] = [
  [
    /^(node:)?fs(\/promises)?$/,
    'host archive rootfs sandbox store layer trees transfer base build container registry http registry-server autobuild',
  ],
  [/^(node:)?child_process$/, 'host archive sandbox trees registry build autobuild'],
  [/^(node:)?worker_threads$/, 'host archive sandbox trees layer store build'],
  [/^(node:)?(https?|http2|tls|dgram)$/, 'http registry-server autobuild'],
  [/^undici$/, 'http'],
  [/^(node:)?os$/, 'host archive sandbox store trees registry base layer oci build'],
  [/^koffi$/, 'host'],
  [/^bcryptjs$/, 'registry-server'],
  [/^yaml$/, 'autobuild'],
  [/^proper-lockfile$/, 'store registry'],
  [/^tar-fs$/, 'transfer build'],
  [/^(yargs|yargs\/helpers|ora)$/, 'ui'],
]

/** What only the command line may take from `process`, and the few files that are processes of their own. */
const ambient = /\bprocess\.(argv|env|exit|exitCode|stdin|stdout|stderr|cwd|chdir)\b/g
const ambientExceptions: Readonly<Record<string, readonly string[]>> = {
  // What the machine allows depends on PATH and on the user's folders.
  'host/facts.ts': ['env'],
  'host/tools.ts': ['env'],
  // The inner process gets the environment of the outer one; it is a process of its own.
  'trees/client.ts': ['env'],
  'trees/inner/main.ts': ['argv', 'exit'],
  // A process of its own too.
  'sandbox/keeper/main.ts': ['exit'],
  // `--output type=tar,dest=-`.
  'build/outputs.ts': ['stdout'],
}

interface SourceFile {
  readonly path: string
  readonly folder: string
  readonly text: string
  readonly imports: readonly string[]
}

const files: SourceFile[] = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .sort()
  .map((name) => {
    const text = readFileSync(join(root, 'src', name), 'utf8')
    return { path: name, folder: name.split('/')[0] ?? name, text, imports: importsOf(text) }
  })

/** A relative specifier as a path below src, or undefined for a package. */
function target(file: SourceFile, specifier: string): string | undefined {
  return specifier.startsWith('.') ? relative('/src', join('/src', dirname(file.path), specifier)) : undefined
}

function folderOf(path: string): string {
  return path.split('/')[0] ?? path
}

/** `file: what` for each import that `wrong` names. */
function offences(wrong: (file: SourceFile, specifier: string) => boolean): string[] {
  return files.flatMap((f) => f.imports.filter((s) => wrong(f, s)).map((s) => `${f.path}: ${s}`))
}

describe('imports', () => {
  test('were really scanned', () => {
    expect(files.length).toBeGreaterThan(25)
    expect(files.flatMap((f) => f.imports).length).toBeGreaterThan(60)
  })

  test('go in one direction between folders', () => {
    const wrong = offences((file, specifier) => {
      const to = target(file, specifier)
      if (to === undefined || wiring.includes(file.folder) || folderOf(to) === file.folder) return false
      const allowed = mayImport[file.folder] ?? []
      return !allowed.includes(folderOf(to)) && !allowed.includes(to)
    })
    expect(wrong).toEqual([])
  })

  test('name only folders that the table knows', () => {
    const known = [...Object.keys(mayImport), ...wiring]
    expect([...new Set(files.map((f) => f.folder))].filter((f) => !known.includes(f))).toEqual([])
  })

  test('name files with their extension, below src', () => {
    const wrong = offences((file, specifier) => {
      const to = target(file, specifier)
      return to !== undefined && to !== '../package.json' && (to.startsWith('..') || !to.endsWith('.ts'))
    })
    expect(wrong).toEqual([])
  })

  test('of effects stay in the folders that may have them', () => {
    const wrong = offences((file, specifier) =>
      mayUse.some(
        ([module, folders]) =>
          module.test(specifier) && !wiring.includes(file.folder) && !folders.split(' ').includes(file.folder),
      ),
    )
    expect(wrong).toEqual([])
  })

  test('of packages are declared as dependencies', () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>
    }
    const packageOf = (s: string): string => s.split('/', s.startsWith('@') ? 2 : 1).join('/')
    const wrong = offences((file, s) => {
      return target(file, s) === undefined && !s.startsWith('node:') && !(packageOf(s) in dependencies)
    })
    expect(wrong).toEqual([])
  })

  test('have no cycle', () => {
    expect(findCycle()).toEqual([])
  })
})

describe('sources', () => {
  test('take arguments, environment and exit from process only in cli', () => {
    const wrong = files
      .filter((f) => f.folder !== 'cli')
      .flatMap((f) => {
        const allowed = ambientExceptions[f.path] ?? []
        const used = [...stripComments(f.text).matchAll(ambient)].map((m) => m[1] ?? '')
        return used.filter((name) => !allowed.includes(name)).map((name) => `${f.path}: process.${name}`)
      })
    expect(wrong).toEqual([])
  })

  test('have no default export, save configuration', () => {
    expect(files.filter((f) => /^export default\b/m.test(f.text)).map((f) => f.path)).toEqual([])
  })

  test('have no barrel but the library index', () => {
    const barrels = files.filter((f) => f.path !== 'index.ts' && /^export (\*|\{[^}]*\}) from /m.test(f.text))
    expect(barrels.map((f) => f.path)).toEqual([])
  })

  test('begin with a comment that says what they are for', () => {
    expect(files.filter((f) => !f.text.startsWith('/**')).map((f) => f.path)).toEqual([])
  })

  test('have at most 400 lines', () => {
    expect(files.filter((f) => f.text.split('\n').length > 401).map((f) => f.path)).toEqual([])
  })
})

/** The text without comments, roughly: strings that hold `//` after a space do not occur in what is searched for. */
function stripComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '')
}

/** The files of one import cycle, in order, or none. */
function findCycle(): string[] {
  const graph = new Map(
    files.map(
      (f) =>
        [
          f.path,
          valueImportsOf(f.text)
            .map((s) => target(f, s))
            .filter((to) => to !== undefined),
        ] as const,
    ),
  )
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): string[] => {
    if (done.has(path)) return []
    const seenAt = trail.indexOf(path)
    if (seenAt >= 0) return [...trail.slice(seenAt), path]
    for (const next of graph.get(path) ?? []) {
      const cycle = visit(next, [...trail, path])
      if (cycle.length > 0) return cycle
    }
    done.add(path)
    return []
  }
  for (const path of graph.keys()) {
    const cycle = visit(path, [])
    if (cycle.length > 0) return cycle
  }
  return []
}
