/** `wherry registry serve`: the store as a registry, in the foreground until a signal ends it. */
import { once } from 'node:events'
import { resolve } from 'node:path'
import { readOrMakeToken } from '../../autobuild/secrets.ts'
import { type Access, openAccess } from '../../registry-server/access.ts'
import { passwordAccess } from '../../registry-server/password-access.ts'
import { reservedAccess } from '../../registry-server/reserved-access.ts'
import { type ServedRequest, createRegistryServer } from '../../registry-server/server.ts'
import { tokenAccess } from '../../registry-server/token-access.ts'
import { humanDuration } from '../../ui/human.ts'
import { defineCommand } from '../command.ts'
import { type Io, noteLine } from '../io.ts'
import { isLoopback, parseListenAddress } from '../listen-address.ts'
import { type LogLevel, type ServeSettings, logLevels, serveOptions, serveSettings } from '../serve-settings.ts'
import { openStoreFor } from '../store.ts'
import { readSetting, readTls } from '../tls-options.ts'

export const command = defineCommand({
  usage: '[OPTIONS]',
  arguments: [0, 0],
  options: serveOptions,
  examples: [
    ['wherry registry serve --storage /srv/registry --listen 127.0.0.1:5001', 'With a folder of its own'],
    ['wherry registry serve --listen :5000 --tls-cert reg.pem --tls-key reg.key', 'For other machines'],
  ],
  run: async ({ options }, io) => {
    const settings = serveSettings(options, io.env)
    const address = parseListenAddress(settings.listen)
    const access = await accessOf(settings, io)
    const tls = await readTls(settings.tls, io)
    const store = await openStoreFor({ root: settings.storage ?? options.root }, io)
    const { isReadOnly, isDeleteRefused, logLevel } = settings
    const server = createRegistryServer({
      store,
      isReadOnly,
      isDeleteRefused,
      ...(access && { access }),
      ...(tls && { tls }),
      onFailure: (error) => noteLine(io, `ERROR: ${error instanceof Error ? error.message : String(error)}`),
      ...(says(logLevel, 'info') && { onRequest: (request) => noteLine(io, logLine(request, logLevel)) }),
    })
    const { url } = await server.listen(address)
    noteLine(io, `serving ${store.root} at ${url}`)
    if (says(logLevel, 'warn') && !isLoopback(address.host)) warn(settings, io)
    if (!io.signal.aborted) await once(io.signal, 'abort')
    await server.close()
    return 0
  },
})

async function accessOf(settings: ServeSettings, io: Io): Promise<Access | undefined> {
  const base = await baseAccess(settings, io)
  if (settings.reserved === undefined) return base
  const { repositories, token } = settings.reserved
  return reservedAccess(base ?? openAccess, { repositories, token: await readOrMakeToken(resolve(io.cwd, token)) })
}

async function baseAccess({ token, htpasswd }: ServeSettings, io: Io): Promise<Access | undefined> {
  if (htpasswd !== undefined) return passwordAccess(resolve(io.cwd, htpasswd))
  return token && tokenAccess({ ...token, keys: await readSetting(token.keys, io) })
}

function says(level: LogLevel, what: LogLevel): boolean {
  return logLevels.indexOf(level) >= logLevels.indexOf(what)
}

function logLine({ method, path, status, durationMs, client, user }: ServedRequest, level: LogLevel): string {
  const line = `${method} ${path} ${status} ${humanDuration(durationMs)}`
  return says(level, 'debug') ? `${line} ${client} ${user ?? '-'}` : line
}

function warn({ token, htpasswd, tls, isReadOnly }: ServeSettings, io: Io): void {
  if (token === undefined && htpasswd === undefined) {
    const may = isReadOnly ? 'pull' : 'push and pull'
    noteLine(io, `WARNING: other machines can reach this address, and may ${may} without a password.`)
  } else if (tls === undefined) {
    noteLine(io, 'WARNING: other machines can reach this address, and send their passwords or tokens in the clear.')
  }
}
