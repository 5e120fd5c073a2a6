/** Import specifiers of a TypeScript source, static, dynamic and type-only. */
import ts from 'typescript'

/** Every module specifier that the text imports or re-exports. */
export function importsOf(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map((file) => file.fileName)
}

/** Those that are there at run time: without `import type` and `export type`. */
export function valueImportsOf(text: string): string[] {
  return importsOf(text.replace(/^(im|ex)port type\b[^'"]*from\s+(['"]).*?\2/gm, ''))
}
