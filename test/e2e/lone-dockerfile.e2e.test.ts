/** A URL that is no archive is the Dockerfile, whatever -f calls it. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lacks, noUserNamespace } from '../support/need.ts'
import { type Home, newHome } from '../support/wherry.ts'

describe.skipIf(lacks('userns', noUserNamespace()))('a context that is one file behind a URL', () => {
  const server = createServer((_request, response) => response.end('FROM scratch\nCOPY <<E /f\nx\nE\n'))
  let home: Home
  beforeAll(async () => {
    home = await newHome()
    await once(server.listen(0, '127.0.0.1'), 'listening')
  })
  afterAll(async () => {
    server.close()
    await home.remove()
  })

  it.each([[[]], [['-f', 'other/name']]])('is built with %j', async (options) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/some`
    expect(await home.ok('build', '-q', ...options, url)).toMatch(/^sha256:/)
  })
})
