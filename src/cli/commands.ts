/** The list of commands: their names, and how each is loaded. Nothing of a command is read before it is asked for. */
import type { Command } from './command.ts'

/** An entry of the list. */
export interface CommandEntry {
  /** The name by which the help shows it. */
  readonly name: string
  /** Other names that docker users type. */
  readonly also: readonly string[]
  readonly summary: string
  readonly load: () => Promise<Command>
}

/** Every command, in the order of the help. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'build',
    also: ['image build', 'buildx build', 'builder build'],
    summary: 'Build an image from a Dockerfile',
    load: async () => (await import('./commands/build.ts')).command,
  },
  {
    name: 'run',
    also: ['container run'],
    summary: 'Run a program in a new container of an image, or in a working container',
    load: async () => (await import('./commands/run.ts')).command,
  },
  {
    name: 'from',
    also: [],
    summary: 'Make a working container on an image',
    load: async () => (await import('./commands/from.ts')).command,
  },
  {
    name: 'ps',
    also: ['container ls', 'container ps', 'container list'],
    summary: 'List the containers that run',
    load: async () => (await import('./commands/ps.ts')).command,
  },
  {
    name: 'containers',
    also: [],
    summary: 'List all containers',
    load: async () => (await import('./commands/ps.ts')).containers,
  },
  {
    name: 'commit',
    also: ['container commit'],
    summary: 'Make an image of a container',
    load: async () => (await import('./commands/commit.ts')).command,
  },
  {
    name: 'diff',
    also: ['container diff'],
    summary: 'List what a container has changed',
    load: async () => (await import('./commands/diff.ts')).command,
  },
  {
    name: 'cp',
    also: ['container cp'],
    summary: 'Copy files into a container, and out of one',
    load: async () => (await import('./commands/cp.ts')).command,
  },
  {
    name: 'config',
    also: [],
    summary: 'Change what an image of a container will say',
    load: async () => (await import('./commands/config.ts')).command,
  },
  {
    name: 'stop',
    also: ['container stop'],
    summary: 'End what runs in containers',
    load: async () => (await import('./commands/stop.ts')).command,
  },
  {
    name: 'unshare',
    also: [],
    summary: 'Start a shell in which containers can be mounted',
    load: async () => (await import('./commands/unshare.ts')).command,
  },
  {
    name: 'mount',
    also: [],
    summary: "Mount a container's files, in a shell of wherry unshare",
    load: async () => (await import('./commands/mount.ts')).command,
  },
  {
    name: 'umount',
    also: ['unmount'],
    summary: "Unmount a container's files",
    load: async () => (await import('./commands/mount.ts')).umount,
  },
  {
    name: 'port',
    also: ['container port'],
    summary: 'Say why containers have no ports of their own',
    load: async () => (await import('./commands/refused.ts')).port,
  },
  {
    name: 'attach',
    also: ['container attach'],
    summary: 'Say why nobody can attach to a container',
    load: async () => (await import('./commands/refused.ts')).attach,
  },
  {
    name: 'rename',
    also: ['container rename'],
    summary: 'Give a container another name',
    load: async () => (await import('./commands/rename.ts')).command,
  },
  {
    name: 'rm',
    also: ['container rm', 'container remove'],
    summary: 'Remove containers',
    load: async () => (await import('./commands/rm.ts')).command,
  },
  {
    name: 'pull',
    also: ['image pull'],
    summary: 'Copy an image from a registry into the store',
    load: async () => (await import('./commands/pull.ts')).command,
  },
  {
    name: 'push',
    also: ['image push'],
    summary: 'Copy an image from the store to a registry',
    load: async () => (await import('./commands/push.ts')).command,
  },
  {
    name: 'save',
    also: ['image save'],
    summary: 'Write images of the store to an archive',
    load: async () => (await import('./commands/save.ts')).command,
  },
  {
    name: 'load',
    also: ['image load'],
    summary: 'Read images from an archive into the store',
    load: async () => (await import('./commands/load.ts')).command,
  },
  {
    name: 'export',
    also: ['container export'],
    summary: 'Write the file system of a container or an image as a tar',
    load: async () => (await import('./commands/export.ts')).command,
  },
  {
    name: 'import',
    also: ['image import'],
    summary: 'Make an image from the tar of a file system',
    load: async () => (await import('./commands/import.ts')).command,
  },
  {
    name: 'copy',
    also: [],
    summary: 'Copy an image between registries, layouts, archives and the store',
    load: async () => (await import('./commands/copy.ts')).command,
  },
  {
    name: 'ls',
    also: [],
    summary: 'List the tags of a repository in a registry',
    load: async () => (await import('./commands/ls.ts')).command,
  },
  {
    name: 'catalog',
    also: [],
    summary: 'List the repositories of a registry',
    load: async () => (await import('./commands/catalog.ts')).command,
  },
  {
    name: 'digest',
    also: [],
    summary: 'Show the digest that a name has in its registry',
    load: async () => (await import('./commands/digest.ts')).command,
  },
  {
    name: 'delete',
    also: [],
    summary: 'Delete images in a registry',
    load: async () => (await import('./commands/delete.ts')).command,
  },
  {
    name: 'manifest create',
    also: [],
    summary: 'Put a list of images for several platforms together',
    load: async () => (await import('./commands/manifest-create.ts')).command,
  },
  {
    name: 'manifest annotate',
    also: [],
    summary: 'Say which platform an image of a list is for',
    load: async () => (await import('./commands/manifest-annotate.ts')).command,
  },
  {
    name: 'manifest push',
    also: [],
    summary: 'Push a list and its images',
    load: async () => (await import('./commands/manifest-push.ts')).command,
  },
  {
    name: 'manifest inspect',
    also: [],
    summary: 'Show a manifest or a list',
    load: async () => (await import('./commands/manifest-inspect.ts')).command,
  },
  {
    name: 'manifest rm',
    also: [],
    summary: 'Remove local lists',
    load: async () => (await import('./commands/manifest-rm.ts')).command,
  },
  {
    name: 'images',
    also: ['image ls', 'image list'],
    summary: 'List the images in the store',
    load: async () => (await import('./commands/images.ts')).command,
  },
  {
    name: 'tag',
    also: ['image tag'],
    summary: 'Give an image one more name',
    load: async () => (await import('./commands/tag.ts')).command,
  },
  {
    name: 'untag',
    also: ['image untag'],
    summary: 'Take a name off an image, which stays',
    load: async () => (await import('./commands/untag.ts')).command,
  },
  {
    name: 'rmi',
    also: ['image rm', 'image remove'],
    summary: 'Remove names of images, and images without names',
    load: async () => (await import('./commands/rmi.ts')).command,
  },
  {
    name: 'inspect',
    also: ['image inspect', 'container inspect'],
    summary: 'Show all that is known of images and containers, as JSON',
    load: async () => (await import('./commands/inspect.ts')).command,
  },
  {
    name: 'history',
    also: ['image history'],
    summary: 'Show how an image was made',
    load: async () => (await import('./commands/history.ts')).command,
  },
  {
    name: 'report',
    also: ['image report'],
    summary: 'Show what an image is made of and how it was built',
    load: async () => (await import('./commands/report.ts')).command,
  },
  {
    name: 'prune',
    also: ['image prune', 'system prune'],
    summary: 'Delete dangling images and what nothing refers to',
    load: async () => (await import('./commands/prune.ts')).command,
  },
  {
    name: 'cache ls',
    also: ['cache list'],
    summary: 'List the results of steps that builds can use again',
    load: async () => (await import('./commands/cache-ls.ts')).command,
  },
  {
    name: 'cache explain',
    also: [],
    summary: 'Show all that is known of a cached step',
    load: async () => (await import('./commands/cache-explain.ts')).command,
  },
  {
    name: 'cache prune',
    also: ['builder prune', 'buildx prune'],
    summary: 'Delete build cache, and no image',
    load: async () => (await import('./commands/cache-prune.ts')).command,
  },
  {
    name: 'system df',
    also: ['df', 'cache du', 'buildx du', 'builder du'],
    summary: 'Show what takes how much disk space',
    load: async () => (await import('./commands/system-df.ts')).command,
  },
  {
    name: 'login',
    also: [],
    summary: 'Check and store credentials for a registry',
    load: async () => (await import('./commands/login.ts')).command,
  },
  {
    name: 'logout',
    also: [],
    summary: 'Remove the credentials for a registry',
    load: async () => (await import('./commands/logout.ts')).command,
  },
  {
    name: 'base host',
    also: [],
    summary: 'Make a base image from the programs of this machine',
    load: async () => (await import('./commands/base-host.ts')).command,
  },
  {
    name: 'base debootstrap',
    also: [],
    summary: 'Make a base image of Debian or Ubuntu from its mirrors',
    load: async () => (await import('./commands/base-debootstrap.ts')).command,
  },
  {
    name: 'registry serve',
    also: [],
    summary: 'Serve the store as a registry, in the foreground',
    load: async () => (await import('./commands/registry-serve.ts')).command,
  },
  {
    name: 'autobuild',
    also: [],
    summary: 'Build and push what is pushed to git repositories',
    load: async () => (await import('./commands/autobuild.ts')).command,
  },
  {
    name: 'completion',
    also: [],
    summary: 'Print the completion script of a shell',
    load: async () => (await import('./commands/completion.ts')).completionCommand(commands),
  },
  {
    name: 'doctor',
    also: [],
    summary: 'Say what this machine allows, and how to mend what it does not',
    load: async () => (await import('./commands/doctor.ts')).command,
  },
  {
    name: 'info',
    also: ['system info'],
    summary: 'Show the store, the platform and the mode that builds use',
    load: async () => (await import('./commands/info.ts')).command,
  },
  {
    name: 'version',
    also: [],
    summary: 'Show the version',
    load: async () => (await import('./commands/version.ts')).command,
  },
]

/** A command found in a command line, with what follows its name. */
export interface FoundCommand {
  readonly entry: CommandEntry
  /** As it was typed: `image build`. */
  readonly typed: string
  readonly rest: readonly string[]
}

/** The command that the words name: two words before one. Undefined if there is none. */
export function findCommand(words: readonly string[]): FoundCommand | undefined {
  for (const length of [2, 1]) {
    const typed = words.slice(0, length).join(' ')
    const entry = commands.find((c) => c.name === typed || c.also.includes(typed))
    if (entry !== undefined && words.length >= length) return { entry, typed, rest: words.slice(length) }
  }
  return undefined
}
