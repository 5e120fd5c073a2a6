/** Attributes of `--output`, with what each does; the parser and docs/support.md read these tables. */

/** Where archives and trees go. */
export const fileAttributes: Readonly<Record<string, string>> = {
  dest: 'Where to: a file, a folder, or `-` for standard output (the default for archives, unless it is a terminal)',
  tar: '`type=oci` and `docker`: `false` writes the layout as a folder',
}

/** Of every image, wherever it goes. */
export const imageAttributes: Readonly<Record<string, string>> = {
  name: 'Names, separated by commas; `-t` replaces them',
  compression: '`gzip`, `zstd` or `uncompressed`, for layers of this build; `estargz` and `nydus` are refused',
  'compression-level': 'gzip 0 to 9, zstd 0 to 22',
  'force-compression': 'Compress layers of the base in that way too',
  'oci-mediatypes': "`false`: Docker's media types; OCI's otherwise",
  'rewrite-timestamp': 'Files of layers above the base that are younger than SOURCE_DATE_EPOCH get its time',
  'source-date-epoch': 'Seconds, for this output alone; empty: none',
  'prefer-nondist-layers': 'Only `true`: layers that registries do not distribute stay as they are',
}

/** Of images in the store and in registries. */
export const storeAttributes: Readonly<Record<string, string>> = {
  push: 'Push to every name; `type=registry` always does',
  'push-by-digest': 'Push under no tag; names are given without one',
  store: 'Only `true`: the store always keeps the image',
  unpack: 'Only `false`: an image is unpacked when something must run in it',
  'name-canonical': 'Known in the store as NAME@DIGEST too',
  'dangling-name-prefix': 'Known in the store as PREFIX@DIGEST too',
  'danging-name-empty-only': 'That only if there is no other name (spelled as BuildKit spells it)',
}

/** Of root file systems. */
export const treeAttributes: Readonly<Record<string, string>> = {
  'platform-split': 'A folder for each platform; if not given, only where there are several',
  'source-date-epoch': 'Seconds, for this output alone; every file gets this time',
  mode: 'Only `copy`: files are added and replaced, never deleted',
}

/** What BuildKit has and wherry refuses, with the reason. */
export const refusedAttributes: Readonly<Record<string, string>> = {
  'oci-artifact': 'it says how attestations are attached, and wherry makes none yet',
  'attestation-inline': 'wherry makes no attestations yet',
  'attestation-prefix': 'wherry makes no attestations yet',
  buildinfo: 'BuildKit has no build info any more, and wherry never had',
  'buildinfo-attrs': 'BuildKit has no build info any more, and wherry never had',
  'registry.insecure': 'write --insecure-registry HOST instead',
  context: 'there is no engine to load into, so no context of one',
}
