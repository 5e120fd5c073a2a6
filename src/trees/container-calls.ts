/** Calls about containers, and which of them one process may make of another. */
import type { ContainerCalls } from './container-contract.ts'

/** Makes a call of the inner process, or of a process that has a container. */
export type ContainerCall = <N extends keyof ContainerCalls>(
  name: N,
  params: ContainerCalls[N],
  options: { readonly signal: AbortSignal },
) => Promise<unknown>

/** The calls by which a process that runs a container lets others work on it. */
export const sharedCalls = [
  'containerChanges',
  'containerSeal',
  'containerPack',
  'containerStat',
  'containerPut',
  'containerStop',
  'containerMount',
  'containerUnmount',
] as const satisfies readonly (keyof ContainerCalls)[]
