/** Which handler answers which path and method. OCI distribution-spec, "Endpoints". */
import {
  type BlobParts,
  beginUpload,
  cancelUpload,
  continueUpload,
  deleteBlob,
  finishUpload,
  readBlob,
  uploadStatus,
} from './blob-handlers.ts'
import { type Exchange, answerJson } from './exchange.ts'
import {
  deleteManifest,
  listReferrers,
  listRepositories,
  listTags,
  readManifest,
  writeManifest,
} from './manifest-handlers.ts'
import { checkRepository } from './names.ts'
import { refuse } from './refusal.ts'

/** Answers one exchange. */
export type Handler = (parts: BlobParts, exchange: Exchange) => Promise<void>

/** A path's handler with what stands in the path. */
export interface Match {
  readonly handler: Handler
  readonly name: string
  readonly argument: string
}

type Methods = Readonly<Record<string, Handler>>

const support: Handler = (_parts, exchange) => {
  answerJson(exchange, {}, {})
  return Promise.resolve()
}

/** In order: names may have components like `blobs`, so that the longest ending is tried first. */
const table: readonly (readonly [RegExp, Methods])[] = [
  [/^()()$/, { GET: support, HEAD: support }],
  [/^()_catalog()$/, { GET: listRepositories }],
  [/^(.+)\/blobs\/uploads\/?()$/, { POST: beginUpload }],
  [
    /^(.+)\/blobs\/uploads\/([^/]+)$/,
    { GET: uploadStatus, PATCH: continueUpload, PUT: finishUpload, DELETE: cancelUpload },
  ],
  [/^(.+)\/blobs\/([^/]+)$/, { GET: readBlob, HEAD: readBlob, DELETE: deleteBlob }],
  [/^(.+)\/manifests\/([^/]+)$/, { GET: readManifest, HEAD: readManifest, PUT: writeManifest, DELETE: deleteManifest }],
  [/^(.+)\/tags\/list()$/, { GET: listTags }],
  [/^(.+)\/referrers\/([^/]+)$/, { GET: listReferrers }],
]

/**
 * Finds the handler for a method and a path without its query.
 * @throws Refusal 404, 405, or 400 for a bad name
 */
export function route(method: string, pathname: string): Match {
  const path = decode(/^\/v2(?:\/(.*))?$/.exec(pathname)?.[1] ?? (pathname === '/v2' ? '' : undefined))
  for (const [pattern, methods] of table) {
    const match = path === undefined ? null : pattern.exec(path)
    if (!match) continue
    const [, name = '', argument = ''] = match
    const handler = methods[method]
    if (!handler) throw refuse(405, 'UNSUPPORTED', `${method} is not supported here`)
    return { handler, name: name === '' ? '' : checkRepository(name), argument }
  }
  throw refuse(404, 'UNSUPPORTED', 'no such endpoint')
}

function decode(path: string | undefined): string | undefined {
  try {
    return path === undefined ? undefined : decodeURIComponent(path)
  } catch {
    throw refuse(400, 'NAME_INVALID', 'the path has a malformed percent escape')
  }
}
