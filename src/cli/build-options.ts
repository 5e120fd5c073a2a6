/** The options of `wherry build`, as docker build names them. */
import { progressModes } from '../ui/pick.ts'
import type { OptionTable } from './command.ts'
import { contentTrustOptions } from './content-trust.ts'
import { registryOptions } from './registry-options.ts'

export const buildOptions = {
  file: {
    kind: 'string',
    short: 'f',
    value: 'PATH',
    help: 'The Dockerfile (default CONTEXT/Dockerfile): a path, a URL, or "-" for standard input',
  },
  tag: { kind: 'list', short: 't', value: 'NAME[:TAG]', help: 'Name for the image' },
  'build-arg': {
    kind: 'list',
    value: 'KEY[=VALUE]',
    help: 'Value for an ARG; KEY alone takes it from the environment',
  },
  'build-context': {
    kind: 'list',
    value: 'NAME=VALUE',
    help: 'Folder, git or http(s) URL, docker-image://, oci-layout:// or target: for FROM and --from NAME',
  },
  ignorefile: { kind: 'string', value: 'FILE', help: "Ignore file in the place of the context's own" },
  'build-arg-file': {
    kind: 'list',
    value: 'FILE',
    help: 'Values for ARGs, a KEY=VALUE on each line; --build-arg wins over them',
  },
  env: {
    kind: 'list',
    value: 'KEY[=VALUE]',
    help: 'Set a variable in every stage, as an ENV after its FROM would',
  },
  unsetenv: { kind: 'list', value: 'KEY', help: 'Leave a variable out of the image that is built' },
  unsetlabel: { kind: 'list', value: 'KEY', help: 'Leave a label out of the image that is built' },
  target: { kind: 'string', value: 'STAGE', help: 'Stage to build (default the last)' },
  label: { kind: 'list', value: 'KEY=VALUE', help: 'Label for the image' },
  'no-cache': { kind: 'boolean', help: 'Run every step, whatever is cached' },
  'no-cache-filter': { kind: 'list', value: 'STAGE,...', help: 'Run every step of these stages' },
  'cache-from': {
    kind: 'list',
    value: 'type=TYPE,ref=NAME',
    help: 'Ask another cache for results of steps: type=registry,ref=NAME (a name alone is that) or type=local,src=FOLDER',
  },
  'cache-to': {
    kind: 'list',
    value: 'type=TYPE,ref=NAME',
    help: 'Give results of steps to another cache: type=registry,ref=NAME, type=local,dest=FOLDER or type=inline; mode=max for all steps',
  },
  'on-error': {
    kind: 'string',
    choices: ['shell'],
    help: 'Open a shell in the root file system of a RUN that fails; needs a terminal',
  },
  explain: { kind: 'boolean', help: 'Say of every step why it was or was not taken from the cache' },
  pull: {
    kind: 'optional',
    bare: 'true',
    choices: ['true', 'false', 'always', 'missing', 'never'],
    help: 'When to ask the registry for base images; --pull alone means always',
  },
  push: { kind: 'boolean', help: 'Push the image under every name when it is built' },
  'no-preflight': { kind: 'boolean', help: 'Do not ask before the build whether the registry allows the push' },
  output: {
    kind: 'list',
    short: 'o',
    value: 'type=TYPE,dest=PATH',
    help: 'Where the result goes beside the store: type=image|registry|oci|docker|local|tar; a folder alone is type=local, "-" is a tar on standard output',
  },
  annotation: {
    kind: 'list',
    value: '[PLACE:]KEY=VALUE',
    help: 'Annotation of the image; PLACE is manifest, index, manifest-descriptor or index-descriptor, a platform in brackets behind it',
  },
  'metadata-file': { kind: 'string', value: 'FILE', help: 'Write digests and names of the result to a file, as JSON' },
  report: {
    kind: 'string',
    value: 'FILE',
    help: 'Write a report of the build and its image: a page, or .svg, .json, .txt',
  },
  'compat-volumes': { kind: 'boolean', help: 'Drop what a RUN changes below a VOLUME, as before BuildKit' },
  squash: { kind: 'boolean', help: 'Make one layer of all that are above the base' },
  provenance: {
    kind: 'optional',
    bare: 'true',
    value: 'false',
    help: 'Only false: wherry makes no attestations yet',
  },
  sbom: { kind: 'optional', bare: 'true', value: 'false', help: 'Only false: wherry makes no attestations yet' },
  attest: {
    kind: 'list',
    value: 'type=TYPE,disabled=true',
    help: 'Only disabled ones: wherry makes no attestations yet',
  },
  quiet: { kind: 'boolean', short: 'q', help: 'Print the image id only' },
  iidfile: { kind: 'string', value: 'FILE', help: 'Write the image id to a file' },
  progress: {
    kind: 'string',
    choices: progressModes,
    help: 'How progress is shown; classic is the wording of older dockers',
  },
  network: { kind: 'string', choices: ['default', 'host', 'none'], help: 'Network of RUN steps (default host)' },
  isolation: {
    kind: 'string',
    choices: ['auto', 'default', 'mapped', 'single', 'chroot'],
    help: 'How RUN steps get their user ids (default the best that this machine allows)',
  },
  secret: {
    kind: 'list',
    value: 'id=ID,src=FILE',
    help: 'Secret for RUN --mount=type=secret: a file, or env=VARIABLE',
  },
  ssh: {
    kind: 'list',
    value: 'default|ID[=SOCKET|KEY]',
    help: 'Agent or keys for RUN --mount=type=ssh',
  },
  'add-host': { kind: 'list', value: 'HOST:IP', help: 'Line for the /etc/hosts of RUN steps' },
  'shm-size': { kind: 'string', value: 'SIZE', help: 'Size of /dev/shm in RUN steps (default 64m)' },
  ulimit: { kind: 'list', value: 'NAME=SOFT[:HARD]', help: 'Limit of processes in RUN steps' },
  'cgroup-parent': { kind: 'string', value: 'PATH', help: 'Control group, delegated to you, for RUN steps' },
  allow: { kind: 'list', value: 'ENTITLEMENT', help: 'network.host, which is always allowed, or secrets.disk' },
  platform: {
    kind: 'list',
    value: 'OS/ARCH[,…]',
    help: 'Platforms to build for (default this machine); several make an index',
  },
  call: {
    kind: 'string',
    value: 'METHOD',
    help: 'Ask instead of building: build|check|outline|targets[,format=text|json][,ignorestatus=true]',
  },
  check: { kind: 'boolean', help: 'Make the build checks and do not build; the same as --call check' },
  format: { kind: 'string', value: 'FORMAT', help: 'How --check tells what it found: text, json (a list) or sarif' },
  ...registryOptions,
  ...contentTrustOptions,
  load: {
    kind: 'optional',
    bare: 'true',
    hidden: true,
    help: 'There is no engine to load into; the image is in the store',
  },
  layers: { kind: 'boolean', hidden: true, on: true, help: 'Every step that changes files makes a layer' },
  rm: { kind: 'boolean', hidden: true, on: true, help: 'There are no intermediate containers' },
  'force-rm': { kind: 'boolean', hidden: true, on: true, help: 'There are no intermediate containers' },
} as const satisfies OptionTable
