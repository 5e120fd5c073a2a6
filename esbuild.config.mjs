// Bundles src into dist: the command line, the inner process, the worker and the library.
// Dependencies are bundled too, save koffi, whose native part must stay a file of its own.
import { existsSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { basename } from 'node:path'

const root = import.meta.dirname
const esbuild = await import('esbuild').catch(() => undefined)
if (esbuild === undefined) {
  // `npm ci --omit=dev` runs `prepare` too.
  console.error('wherry: dist is not made, since the development dependencies are not installed. Run `npm ci`.')
  process.exit(existsSync(`${root}/dist`) ? 0 : 1)
}

const { metafile } = await esbuild.build({
  absWorkingDir: root,
  entryPoints: {
    cli: 'src/cli/main.ts',
    inner: 'src/trees/inner/main.ts',
    worker: 'src/trees/worker/main.ts',
    'sandbox-worker': 'src/sandbox/worker/main.ts',
    keeper: 'src/sandbox/keeper/main.ts',
    index: 'src/index.ts',
  },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external: ['koffi'],
  minifySyntax: true,
  legalComments: 'none',
  sourcemap: false,
  metafile: true,
  logLevel: 'warning',
  // CommonJS dependencies ask for require at run time.
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
})

// What a report's page brings along: a script for browsers and its style, read when a report is made.
const page = await esbuild.build({
  absWorkingDir: root,
  entryPoints: { 'report-page': 'src/report/page/main.ts' },
  outdir: 'dist',
  bundle: true,
  format: 'iife',
  platform: 'browser',
  target: 'es2022',
  minify: true,
  charset: 'ascii',
  metafile: true,
  logLevel: 'warning',
})
const style = await esbuild.build({
  absWorkingDir: root,
  entryPoints: { 'report-page': 'src/report/page/style.css' },
  outdir: 'dist',
  minify: true,
  metafile: true,
  logLevel: 'warning',
})

// Chunks have their hash in their name: those of earlier builds go, but only once the new ones are there.
const outputs = [metafile, page.metafile, style.metafile].flatMap((made) => Object.keys(made.outputs))
const made = new Set(outputs.map((path) => basename(path)))
for (const name of await readdir(`${root}/dist`)) {
  if (!made.has(name) && name !== 'types') await rm(`${root}/dist/${name}`, { recursive: true })
}
