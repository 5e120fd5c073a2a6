/** `wherry registry serve`: the store as a registry, in the foreground until a signal ends it. */
import { once } from 'node:events'
import { createRegistryServer } from '../../registry-server/server.ts'
import { humanDuration } from '../../ui/human.ts'
import { defineCommand } from '../command.ts'
import { noteLine } from '../io.ts'
import { isLoopback, parseListenAddress } from '../listen-address.ts'
import { openStoreFor } from '../store.ts'

export const command = defineCommand({
  usage: '[OPTIONS]',
  arguments: [0, 0],
  options: {
    listen: { kind: 'string', value: 'HOST:PORT', help: 'Address (default 127.0.0.1:5000; port 0 takes a free one)' },
    quiet: { kind: 'boolean', short: 'q', help: 'Log no requests' },
  },
  examples: [['wherry registry serve --root /srv/registry --listen 127.0.0.1:5001', 'With a folder of its own']],
  run: async ({ options }, io) => {
    const address = parseListenAddress(options.listen ?? '127.0.0.1:5000')
    const store = await openStoreFor(options, io)
    const server = createRegistryServer({
      store,
      onFailure: (error) => noteLine(io, `ERROR: ${error instanceof Error ? error.message : String(error)}`),
      ...(options.quiet
        ? {}
        : {
            onRequest: ({ method, path, status, durationMs }) =>
              noteLine(io, `${method} ${path} ${status} ${humanDuration(durationMs)}`),
          }),
    })
    const { url } = await server.listen(address)
    noteLine(io, `serving ${store.root} at ${url}`)
    if (!isLoopback(address.host)) {
      noteLine(io, 'WARNING: other machines can reach this address, and may push and pull without a password.')
    }
    if (!io.signal.aborted) await once(io.signal, 'abort')
    await server.close()
    return 0
  },
})
