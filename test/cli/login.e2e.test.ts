/** Logins: asked for, checked, kept beside others, forgotten one by one. */
import { type Server, createServer } from 'node:http'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Home, newHome } from '../support/wherry.ts'

let home: Home
let server: Server
let address = ''

beforeAll(async () => {
  server = createServer((request, response) => {
    const wanted = `Basic ${Buffer.from('ada:secret').toString('base64')}`
    response.statusCode = request.headers.authorization === wanted ? 200 : 401
    if (response.statusCode === 401) response.setHeader('www-authenticate', 'Basic realm="test"')
    response.end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  address = `127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`
})
afterAll(() => server.close())

beforeEach(async () => {
  home = await newHome()
  await mkdir(join(home.dir, '.docker'))
  await writeFile(
    join(home.dir, '.docker/config.json'),
    JSON.stringify({ auths: { 'other.example.com': { auth: 'eDp5' } }, HttpHeaders: { a: 'b' } }),
  )
  return () => home.remove()
})

async function config(): Promise<unknown> {
  return JSON.parse(await readFile(join(home.dir, '.docker/config.json'), 'utf8'))
}

it('keeps a checked password beside other logins, and says that base64 is no encryption', async () => {
  const ran = await home.run(['login', '-u', 'ada', '--password-stdin', address], { input: 'secret\n' })
  expect(ran).toMatchObject({ code: 0, stdout: 'Login Succeeded\n' })
  expect(ran.stderr).toMatch(/base64, which is no encryption[^]*"credsStore" or "credHelpers"/)
  expect(ran.stderr).not.toContain('secret')
  expect(await config()).toEqual({
    auths: { 'other.example.com': { auth: 'eDp5' }, [address]: { auth: Buffer.from('ada:secret').toString('base64') } },
    HttpHeaders: { a: 'b' },
  })
})

it('keeps nothing that the registry refuses', async () => {
  const before = await config()
  const ran = await home.run(['login', '-u', 'ada', '-p', 'wrong', address])
  expect(ran.code).toBe(1)
  expect(ran.stderr).toContain('[auth-failed]')
  expect(ran.stderr).toContain('use --password-stdin')
  expect(await config()).toEqual(before)
})

it('forgets one server and leaves the others', async () => {
  await home.run(['login', '-u', 'ada', '--password-stdin', address], { input: 'secret' })
  expect((await home.run(['logout', address])).stdout).toContain(address)
  expect(await config()).toMatchObject({ auths: { 'other.example.com': { auth: 'eDp5' } } })
  expect(JSON.stringify(await config())).not.toContain(address)
  expect((await home.run(['logout', address])).stderr).toContain('no login')
})

it('does not ask off a terminal', async () => {
  const ran = await home.run(['login', address])
  expect(ran.code).toBe(2)
  expect(ran.stderr).toContain('--password-stdin')
})
