/** Build args that exist without an ARG: platform args, and the proxy args that every RUN sees. */
import { type Platform, formatPlatform } from '../oci/platform.ts'

/** Args that tell a builder what to scan: declared like any other, but not variables. */
export const scanArgs: readonly string[] = ['BUILDKIT_SBOM_SCAN_CONTEXT', 'BUILDKIT_SBOM_SCAN_STAGE']

const proxyNames = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY']

/** True for the predefined proxy args, in upper or lower case. */
export function isProxyArg(name: string): boolean {
  return proxyNames.includes(name.toUpperCase())
}

/** The value of a build arg; undefined if it was not given. */
export function givenArg(buildArgs: Readonly<Record<string, string>>, name: string): string | undefined {
  // An ARG may be called `constructor`.
  return Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined
}

/** `NAME=value` in both cases for every proxy arg given. They reach RUN but no key, config or history. */
export function proxyEnv(buildArgs: Readonly<Record<string, string>>): string[] {
  const given = Object.keys(buildArgs)
    .filter(isProxyArg)
    .sort()
    .map((name) => [name.toUpperCase(), buildArgs[name]!] as const)
  return [...new Map(given)].flatMap(([name, value]) =>
    value === '' ? [] : [`${name}=${value}`, `${name.toLowerCase()}=${value}`],
  )
}

/** The platform args and TARGETSTAGE; a build arg of the same name wins. */
export function platformArgs(
  build: Platform,
  target: Platform,
  targetStage: string,
  buildArgs: Readonly<Record<string, string>>,
): Map<string, string> {
  const defaults: Record<string, string> = {
    BUILDPLATFORM: formatPlatform(build),
    BUILDOS: build.os,
    BUILDOSVERSION: build.osVersion ?? '',
    BUILDARCH: build.architecture,
    BUILDVARIANT: build.variant ?? '',
    TARGETPLATFORM: formatPlatform(target),
    TARGETOS: target.os,
    TARGETOSVERSION: target.osVersion ?? '',
    TARGETARCH: target.architecture,
    TARGETVARIANT: target.variant ?? '',
    TARGETSTAGE: targetStage === '' ? 'default' : targetStage,
  }
  return new Map(Object.entries(defaults).map(([name, value]) => [name, givenArg(buildArgs, name) ?? value]))
}
