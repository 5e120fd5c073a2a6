/** The public library: what the command line is made of, for programs that build images themselves. The only barrel. */
export { build } from './build/build.ts'
export type {
  ArchiveOutput,
  BuildRequest,
  BuildResult,
  ImageForm,
  ImageMetadata,
  ImageOutput,
  Output,
  TreeOutput,
} from './build/contract.ts'
export { type CheckResult, checkBuild } from './build/check.ts'
export type { BuildDeps } from './build/deps.ts'
export { type CreateRequest, createContainer } from './container/create.ts'
export { type RunRequest, runContainer } from './container/run.ts'
export { type Digest, digestOf, isDigest, parseDigest } from './core/digest.ts'
export { type ErrorCode, type SourceRange, WherryError, WherryErrors, errorCodes } from './core/errors.ts'
export { type BuildEvent, type StepLine, type TransferKind, eventVersion } from './core/events.ts'
export { type Scope, quietScope } from './core/scope.ts'
export type { Dockerfile, Instruction, Stage } from './dockerfile/instructions.ts'
export { parseDockerfile } from './dockerfile/parse.ts'
export { choose, chosenMode } from './host/choose.ts'
export type { Choice, Facts, Isolation, Mode } from './host/contract.ts'
export { probeFacts } from './host/facts.ts'
export { type HttpClient, createHttpClient } from './http/client.ts'
export type { Annotation } from './oci/annotations.ts'
export type { ImageConfig } from './oci/config.ts'
export type { Descriptor } from './oci/descriptor.ts'
export type { Image, Layer } from './oci/image.ts'
export { type Platform, hostPlatform, parsePlatform } from './oci/platform.ts'
export { type Reference, familiarReference, formatReference, parseReference } from './oci/reference.ts'
export { type RegistryClientOptions, createRegistryClient } from './registry/client.ts'
export type { RegistryClient } from './registry/contract.ts'
export { createCredentialProvider } from './registry/credential-store.ts'
export { type RegistryServer, type RegistryServerOptions, createRegistryServer } from './registry-server/server.ts'
export type { Store, StoredImage } from './store/contract.ts'
export { openStore } from './store/store.ts'
export type { Outgoing, OutgoingImage, OutgoingIndex, Packing } from './transfer/portable.ts'
export { pullImage } from './transfer/pull.ts'
export { type PushRequest, type PushResult, pushImage } from './transfer/push.ts'
export { type TreesOptions, createTrees } from './trees/client.ts'
export type { Trees } from './trees/contract.ts'
export { type Pool, createPool } from './trees/worker/pool.ts'
export { pickRenderer, type ProgressMode } from './ui/pick.ts'
export type { Renderer, Surface } from './ui/renderer.ts'
