/** Trees of working containers: drafts that are kept. Part of the service of contract.ts; nothing here knows of images. */
import type { Scope } from '../core/scope.ts'
import type { SealedLayer } from '../layer/contract.ts'
import type { StackLayer, TreeRun } from './contract.ts'

/** A container's tree: what it has written over an unpacked stack. It is made when it is first used. */
export interface ContainerTree {
  /** Names its folder. */
  readonly id: string
  readonly layers: readonly StackLayer[]
  /** Absolute paths at which something is mounted while it runs: empty mount points are no change. */
  readonly mountPoints: readonly string[]
}

/** A program to run in a container, with the caller's standard streams. */
export interface ContainerRun {
  readonly tree: ContainerTree
  readonly run: Omit<TreeRun, 'layers' | 'foreground' | 'output' | 'onFailure' | 'secretEnv' | 'script'>
  /** It gets standard input, not an empty one. */
  readonly interactive: boolean
  /** It gets a terminal of its own, which is shown on the caller's. */
  readonly terminal: boolean
}

/** A change as docker tells it: added, changed, deleted. The path is absolute, latin1 (bytes). */
export interface TreeChange {
  readonly kind: 'A' | 'C' | 'D'
  readonly path: string
}

/** What to seal, into two fresh temp files. */
export interface SealTree {
  /** The layer that its changes are, or all that it shows. */
  readonly what: 'changes' | 'all'
  /** Its processes are stopped meanwhile. */
  readonly pause: boolean
  readonly tarPath: string
  readonly contentsPath: string
}

/** A path to take out of a container. */
export interface PackTree {
  /** Of the tree; a link at its end is followed if `follow`, or if a slash stands behind it. */
  readonly path: string
  readonly follow: boolean
  readonly tarPath: string
  readonly contentsPath: string
}

/** What was packed. */
export interface PackedTree extends SealedLayer {
  readonly type: 'dir' | 'other'
  /** Entries are called this, and what lies below it. */
  readonly name: string
}

/** Files to put into a container. */
export interface PutTree {
  /** A file or folder of this machine (entries are named by `name`, '' for what a folder holds), or a tar. */
  readonly source: { readonly path: string; readonly name: string } | { readonly tarPath: string }
  /** Folder of the tree, which is there. */
  readonly folder: string
  /** Owners as the source has them, instead of root. */
  readonly keepOwners: boolean
}

/** What there is at a path of a tree, links followed. */
export interface TreeStat {
  readonly type: 'dir' | 'other'
}

/** How to stop a container's program. */
export interface StopTree {
  /** Name or number, with or without SIG. */
  readonly signal: string
  /** After which all is killed, in milliseconds. */
  readonly graceMs: number
}

/** The service. What runs in another process is asked of that process, so all but `run` also work on a running container. */
export interface ContainerTrees {
  /** `<driver>-<map>`: where these trees are kept. Starts the inner process. */
  place(this: void): Promise<string>
  /** Takes calls of other processes about what this one has mounted, at a socket, until closed. */
  offer(this: void, socketPath: string): Promise<{ close(this: void): void }>
  /** Runs to the end; the exit code. */
  run(this: void, request: ContainerRun, scope: Scope): Promise<number>
  changes(this: void, tree: ContainerTree, scope: Scope): Promise<readonly TreeChange[]>
  seal(this: void, tree: ContainerTree, request: SealTree, scope: Scope): Promise<SealedLayer>
  pack(this: void, tree: ContainerTree, request: PackTree, scope: Scope): Promise<PackedTree>
  /** Undefined if there is nothing. */
  stat(this: void, tree: ContainerTree, path: string, scope: Scope): Promise<TreeStat | undefined>
  put(this: void, tree: ContainerTree, request: PutTree, scope: Scope): Promise<void>
  /** Stops what `run` runs, which then ends. */
  stop(this: void, tree: ContainerTree, request: StopTree, scope: Scope): Promise<void>
  /** Mounts a tree for the processes of `shell`, until `unmount`. */
  mount(this: void, tree: ContainerTree, scope: Scope): Promise<string>
  unmount(this: void, tree: ContainerTree, scope: Scope): Promise<void>
  /** Deletes trees and volumes; absent ones are fine. */
  remove(this: void, request: RemoveTrees, scope: Scope): Promise<void>
  /** A program of this machine as uid 0 of the namespace, with the caller's standard streams; the exit code. */
  shell(this: void, request: NamespaceShell, scope: Scope): Promise<number>
}

/** What to delete. */
export interface RemoveTrees {
  readonly ids: readonly string[]
  readonly volumes: readonly string[]
}

/** A program for the namespace. */
export interface NamespaceShell {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
}

/** Calls of the inner process about containers: parameters by name. */
export interface ContainerCalls {
  readonly containerRun: ContainerRun
  readonly containerChanges: { readonly tree: ContainerTree }
  readonly containerSeal: { readonly tree: ContainerTree; readonly request: SealTree }
  readonly containerPack: { readonly tree: ContainerTree; readonly request: PackTree }
  readonly containerStat: { readonly tree: ContainerTree; readonly path: string }
  readonly containerPut: { readonly tree: ContainerTree; readonly request: PutTree }
  readonly containerStop: { readonly tree: ContainerTree; readonly request: StopTree }
  readonly containerMount: { readonly tree: ContainerTree }
  readonly containerUnmount: { readonly tree: ContainerTree }
  readonly containerRemove: RemoveTrees
  readonly containerShell: NamespaceShell
}
