/** SOURCE_DATE_EPOCH and rewrite-timestamp, through the program: archives read by skopeo and tar. */
import { readFileSync, statSync } from 'node:fs'
import { mkdtemp, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Builder, newBuilder, noStaticBusybox } from '../support/busybox-image.ts'
import { lacks, missingTools, noUserNamespace } from '../support/need.ts'
import { run } from '../support/tools.ts'

const isMissing =
  lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox()) || lacks('tools', missingTools('skopeo'))

interface RawManifest {
  readonly layers: readonly { readonly digest: string; readonly annotations?: Readonly<Record<string, string>> }[]
}

describe.skipIf(isMissing)('outputs with SOURCE_DATE_EPOCH', () => {
  let builder: Builder
  beforeAll(async () => {
    builder = await newBuilder()
  })
  afterAll(() => builder.home.remove())

  const folder = (): Promise<string> => mkdtemp(join(builder.home.dir, 'out-'))
  const raw = (at: string): RawManifest => JSON.parse(run('skopeo', 'inspect', '--raw', at)) as RawManifest
  const attempt = async (dockerfile: readonly string[], ...args: string[]): Promise<string> => {
    const ran = await builder.attempt(dockerfile, { f: 'f' }, args)
    expect(ran.code, ran.stderr).toBe(0)
    return ran.stdout + ran.stderr
  }
  const small = ['FROM scratch', 'COPY f /f']
  const epoch = ['--build-arg', 'SOURCE_DATE_EPOCH=1700000000']
  const dockerfile = ['FROM box', 'RUN touch /new && touch -d @1500000000 /old && rm /etc/group', 'COPY f /f']

  it('and rewrite-timestamp have no younger file above the base, and are the same each time', async () => {
    const to = await folder()
    const output = (name: string): string => `type=oci,dest=${to}/${name},rewrite-timestamp=true`
    await attempt(dockerfile, ...epoch, '--no-cache', '-o', output('a.tar'))
    await attempt(dockerfile, ...epoch, '--no-cache', '-o', output('b.tar'))
    const manifest = raw(`oci-archive:${to}/a.tar`)
    expect(raw(`oci-archive:${to}/b.tar`)).toEqual(manifest)
    expect(manifest.layers.map((l) => l.annotations?.['buildkit/rewritten-timestamp'])).toEqual([
      ...manifest.layers.slice(0, -2).map(() => undefined),
      '1700000000',
      '1700000000',
    ])
    run('tar', '-xf', `${to}/a.tar`, '-C', to)
    const blob = join(to, 'blobs', ...manifest.layers.at(-2)!.digest.split(':'))
    const listed = run('tar', '--full-time', '--utc', '-tvf', blob)
    expect(listed).toMatch(/2023-11-14 22:13:20 +new/)
    expect(listed).toMatch(/2017-07-14 02:40:00 +old/)
    expect(listed).toContain('etc/.wh.group')
  })

  it('alone leave the times of files as they are', async () => {
    const to = await folder()
    await attempt(dockerfile, ...epoch, '-o', `type=oci,dest=${to}/a.tar`)
    const manifest = raw(`oci-archive:${to}/a.tar`)
    run('tar', '-xf', `${to}/a.tar`, '-C', to)
    const blob = join(to, 'blobs', ...manifest.layers.at(-2)!.digest.split(':'))
    expect(run('tar', '--full-time', '--utc', '-tvf', blob)).not.toMatch(/2023-11-14 22:13:20 +new/)
  })

  it('of an output alone count for it alone', async () => {
    const to = await folder()
    await attempt(small, '-o', `${to}/now`, '-o', `type=local,dest=${to}/then,source-date-epoch=7`)
    expect(statSync(`${to}/then/f`).mtimeMs).toBe(7000)
    expect(statSync(`${to}/now/f`).mtimeMs).not.toBe(7000)
  })

  it('that names a stage have the time of the file that its ADD fetches', async () => {
    const to = await folder()
    await writeFile(`${to}/old`, '1')
    await writeFile(`${to}/new`, '2')
    await utimes(`${to}/old`, 1_600_000_000, 1_600_000_000)
    await utimes(`${to}/new`, 1_650_000_000, 1_650_000_000)
    run('tar', '-cf', `${to}/src.tar`, '-C', to, 'old', 'new')
    const server = createServer((request, response) => {
      if (request.url === '/dated') response.setHeader('Last-Modified', new Date(1_620_000_000_000).toUTCString())
      response.end(readFileSync(`${to}/src.tar`))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const createdOf = async (path: string): Promise<string | undefined> => {
        const source = ['ARG SOURCE_DATE_EPOCH=src', 'FROM scratch AS src', `ADD ${base}${path} /`]
        return (await builder.build([...source, 'FROM scratch', 'COPY f /f'], { f: 'f' })).config.created
      }
      expect(await createdOf('/plain')).toBe('2022-04-15T05:20:00Z')
      expect(await createdOf('/dated')).toBe('2021-05-03T00:00:00Z')
    } finally {
      server.close()
    }
  })

  it('without an epoch say that there is nothing to rewrite to', async () => {
    const to = await folder()
    expect(await attempt(small, '-o', `type=oci,dest=${to}/a.tar,rewrite-timestamp=true`)).toContain(
      'SOURCE_DATE_EPOCH is not set',
    )
  })
})
