/** Contents of the files that a run sees in place of the image's: /etc/hosts and /etc/resolv.conf. */
import { readFileSync } from 'node:fs'

/** /etc/hosts as BuildKit writes it, with the extra hosts at the end. */
export function hostsFile(hostname: string, extra: readonly (readonly [host: string, address: string])[]): string {
  const fixed = [
    `127.0.0.1\tlocalhost ${hostname}`,
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'ff00::0\tip6-mcastprefix',
    'ff02::1\tip6-allnodes',
    'ff02::2\tip6-allrouters',
  ]
  return [...fixed, ...extra.map(([host, address]) => `${address}\t${host}`), ''].join('\n')
}

/** The host's resolver configuration: a run shares the host's network, so its loopback resolvers serve the run too. */
export function resolverFile(): string {
  try {
    return readFileSync('/etc/resolv.conf', 'utf8')
  } catch {
    return '' // A host without name resolution: the run has none either.
  }
}
