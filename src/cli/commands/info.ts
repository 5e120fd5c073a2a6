/** `wherry info`: where things are and how builds run here. */
import { choose } from '../../host/choose.ts'
import { probeFacts } from '../../host/facts.ts'
import { snapshotDriver } from '../../host/file-systems.ts'
import { machineNames } from '../../host/machine.ts'
import { formatPlatform, hostPlatform } from '../../oci/platform.ts'
import { listLogins } from '../../registry/logins.ts'
import { humanSize } from '../../ui/human.ts'
import { defineCommand } from '../command.ts'
import { containerCounts } from '../image-uses.ts'
import { diskUse } from '../disk-use.ts'
import { formatObjects } from '../format.ts'
import type { Io } from '../io.ts'
import { openStoreFor } from '../store.ts'
import { version } from '../version.ts'

export const command = defineCommand({
  usage: '[OPTIONS]',
  arguments: [0, 0],
  options: {
    format: { kind: 'string', short: 'f', value: 'FORMAT', help: '"json", or a Go template such as "{{.Driver}}"' },
    json: { kind: 'boolean', help: 'The same as --format json' },
  },
  run: async ({ options }, io) => {
    const info = await gather(options, io)
    const format = options.json ? 'json' : options.format
    if (format !== undefined && format !== '') io.stdout.write(formatObjects([info], format))
    else io.stdout.write(textOf(info))
    return 0
  },
})

type Info = Awaited<ReturnType<typeof gather>>

async function gather(options: { readonly root: string | undefined }, io: Io) {
  const [store, facts] = await Promise.all([openStoreFor(options, io), probeFacts()])
  const [images, use, logins, containers] = await Promise.all([
    store.images.list(),
    diskUse(store.root),
    listLogins(io.env, io.signal),
    containerCounts(store),
  ])
  const choice = choose(facts, 'auto')
  const { os, architecture } = hostPlatform()
  const machine = machineNames()
  return {
    Containers: containers.all,
    ContainersRunning: containers.running,
    ContainersPaused: 0,
    ContainersStopped: containers.all - containers.running,
    Images: new Set(images.map((image) => image.id)).size,
    Driver: snapshotDriver(store.root),
    Isolation: choice.ok ? choice.mode.kind : 'none (see `wherry doctor`)',
    KernelVersion: facts.kernel,
    OperatingSystem: machine.system,
    OSType: os,
    Architecture: machine.architecture,
    NCPU: machine.processors,
    MemTotal: machine.memory,
    Name: machine.name,
    DockerRootDir: store.root,
    ServerVersion: version,
    Version: version,
    Node: process.version,
    Platform: formatPlatform({ os, architecture }),
    Kernel: facts.kernel,
    User: facts.user,
    Store: store.root,
    StoreSize: use.bytes,
    /** Folders that only the mapped ids may read are not counted. */
    StoreUnreadable: use.unreadable,
    Registries: logins.map(({ server, username }) => ({ Server: server, User: username ?? '' })),
  }
}

/** docker's words where it has some. */
function textOf(info: Info): string {
  const more = info.StoreUnreadable > 0 ? ` and ${info.StoreUnreadable} folders of mapped ids` : ''
  const lines = [
    `Version: ${info.Version}`,
    `Containers: ${info.Containers}`,
    ` Running: ${info.ContainersRunning}`,
    ` Stopped: ${info.ContainersStopped}`,
    `Images: ${info.Images}`,
    `Storage Driver: ${info.Driver}`,
    `Isolation: ${info.Isolation}`,
    `Kernel Version: ${info.KernelVersion}`,
    `Operating System: ${info.OperatingSystem}`,
    `OSType: ${info.OSType}`,
    `Architecture: ${info.Architecture}`,
    `CPUs: ${info.NCPU}`,
    `Total Memory: ${(info.MemTotal / 2 ** 30).toPrecision(4)}GiB`,
    `Name: ${info.Name}`,
    `Node: ${info.Node}`,
    `User: ${info.User}`,
    `Store: ${info.Store}`,
    `Store Size: ${humanSize(info.StoreSize)}${more}`,
    `Registry Logins:${info.Registries.length === 0 ? ' none' : ''}`,
    ...info.Registries.map(({ Server, User }) => ` ${Server}${User === '' ? '' : `: ${User}`}`),
  ]
  return lines.map((line) => `${line}\n`).join('')
}
