/** Commands on stored images, and their way to a registry and back. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Home, type ServedRegistry, newHome, serveRegistry } from '../support/wherry.ts'

let home: Home
let registry: ServedRegistry
let id = ''

beforeAll(async () => {
  home = await newHome()
  registry = await serveRegistry(home)
  const dir = join(home.dir, 'context')
  await mkdir(dir)
  await writeFile(join(dir, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\nENV A=b\nCMD ["/x"]\n')
  id = await home.ok('build', '-q', '-t', 'me/app', dir)
})
afterAll(async () => {
  await registry.stop()
  await home.remove()
})

it('lists as docker does', async () => {
  const [heading, row] = (await home.ok('images')).split('\n')
  expect(heading).toMatch(/^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE$/)
  expect(row).toMatch(new RegExp(`^me/app +latest +${id.slice(7, 19)} +.* ago +\\S+B$`))
  expect(JSON.parse(await home.ok('images', '--no-trunc', '--format', 'json'))).toMatchObject({ ID: id, Tag: 'latest' })
})

it('shows history, newest first, with empty layers', async () => {
  const rows = (await home.ok('history', '--format', '{{.CreatedBy}}|{{.Size}}', 'me/app')).split('\n')
  expect(rows).toHaveLength(3)
  expect(rows[0]).toMatch(/CMD \["\/x"\].*\|0B$/)
  expect(rows[2]).toMatch(/COPY Dockerfile \/.*\|[1-9].*B$/)
})

it('inspects by name, id and prefix, and fails for what is not there', async () => {
  for (const query of ['me/app', 'docker.io/me/app:latest', id, id.slice(7), id.slice(7, 11)]) {
    const [found] = JSON.parse(await home.ok('inspect', query)) as { Id: string; Config: { Env: string[] } }[]
    expect(found?.Id).toBe(id)
    expect(found?.Config.Env).toContain('A=b')
  }
  const ran = await home.run(['inspect', 'nothing', 'me/app'])
  expect(ran.code).toBe(1)
  expect(JSON.parse(ran.stdout)).toHaveLength(1)
  expect(ran.stderr).toContain('[image-not-found]')
})

it('pushes, says what the registry has already, and pulls into another store', async () => {
  const name = `${registry.address}/me/app:1`
  await home.ok('tag', id.slice(7, 15), name)
  const first = await home.ok('push', name)
  expect(first).toMatch(/^[0-9a-f]{12}: Pushed$/m)
  const digest = /^1: digest: (sha256:[0-9a-f]{64}) size: \d+$/m.exec(first)?.[1]
  expect(digest).toBeDefined()
  expect(await home.ok('push', name)).toMatch(/^[0-9a-f]{12}: Layer already exists$/m)

  const other = await newHome()
  const pulled = await other.ok('pull', name)
  expect(pulled).toContain(`Digest: ${digest ?? ''}`)
  expect(pulled).toContain(`\nStatus: Downloaded newer image for ${name}\n${name}`)
  expect(await other.ok('pull', name)).toContain(`\nStatus: Image is up to date for ${name}\n${name}`)
  expect(await other.ok('pull', '-q', name)).toBe(name)
  expect(await other.ok('images', '--no-trunc', '-q')).toBe(id)
  expect(await other.ok('pull', '-q', `${registry.address}/me/app@${digest ?? ''}`)).toContain('@sha256:')
  await other.remove()
  await home.ok('rmi', name)
})

it('refuses to pull for a platform that there is no image for, and names the one that there is', async () => {
  const name = `${registry.address}/me/platform:1`
  await home.ok('tag', id.slice(7, 15), name)
  await home.ok('push', '--disable-content-trust', name)
  await home.ok('rmi', name)
  const { code, stderr } = await home.run(['pull', '--platform', 'linux/s390x', name])
  expect(code).toBe(1)
  expect(stderr).toMatch(/has no image for linux\/s390x[^]*It has linux\/\w+ alone/)
  expect(await home.ok('images', '--format', '{{.Tag}}')).not.toMatch(/^1$/m)
})

it.each([['pull'], ['push'], ['build', '.']])('refuses content trust in %s', async (verb, ...rest) => {
  const args = rest.length > 0 ? rest : ['me/app']
  const asked = await home.run([verb, '--disable-content-trust=false', ...args])
  expect(asked.code).toBe(2)
  expect(asked.stderr).toMatch(/--disable-content-trust=false is not possible: wherry asks no notary/)
})

it('has an image for each step of a build, to be built on and run, which stays while it is needed', async () => {
  const dir = join(home.dir, 'steps')
  await mkdir(dir)
  await writeFile(
    join(dir, 'Dockerfile'),
    'FROM scratch\nCOPY Dockerfile /\nENV STEP=two\nLABEL step=three\nCMD ["/x"]\n',
  )
  const whole = await home.ok('build', '-q', '-t', 'me/steps', dir)
  const [, three = '', two = '', one = ''] = (await home.ok('history', '-q', '--no-trunc', 'me/steps')).split('\n')
  expect(await home.ok('inspect', '-f', '{{.Parent}} {{.Config.Labels.step}}', three)).toBe(`${two} three`)
  await writeFile(join(dir, 'Dockerfile'), `FROM ${two.slice(7, 19)}\nCOPY Dockerfile /on\n`)
  await home.ok('build', '-q', '-t', 'me/on', dir)
  expect(await home.ok('inspect', '-f', '{{json .Config.Env}}{{.Config.Labels}}', 'me/on')).toMatch(
    /"STEP=two"\]<no value>$/,
  )
  expect(await home.ok('images', '-aq', '--no-trunc')).toContain(three)
  const tree = (await home.ok('images', '-a', '--tree', '--no-trunc'))
    .split('\n')
    .map((line) => line.replace(/[^s]*(sha256:\w+).*/, '$1'))
  expect(tree.slice(tree.indexOf(one), tree.indexOf(whole) + 1)).toEqual(
    expect.arrayContaining([one, two, three, whole]),
  )
  expect(await home.ok('rmi', 'me/steps')).toBe(`Untagged: me/steps:latest\nDeleted: ${whole}\nDeleted: ${three}`)
  expect((await home.ok('history', '-q', '--no-trunc', 'me/on')).split('\n').slice(1)).toEqual([two, one])
  await home.ok('tag', two, 'me/step:two')
  await home.ok('rmi', 'me/on', 'me/step:two')
})

it('removes names before images', async () => {
  await home.ok('tag', 'me/app', 'me/app:2')
  const several = await home.run(['rmi', id])
  expect(several.code).toBe(1)
  expect(several.stderr).toMatch(/has 2 names[^]*--force/)
  expect(await home.ok('rmi', 'me/app:2')).toBe('Untagged: me/app:2')
  const steps = (await home.ok('history', '-q', '--no-trunc', 'me/app')).split('\n')
  expect(await home.ok('rmi', 'me/app')).toBe(
    `Untagged: me/app:latest\n${steps.map((one) => `Deleted: ${one}`).join('\n')}`,
  )
  expect(await home.ok('images', '-q')).toBe('')
  expect(await home.ok('prune', '--all', '--force')).toMatch(/Total reclaimed space: [1-9]/)
})

it('keeps what a container is made of, and shows the container too', async () => {
  const dir = join(home.dir, 'used')
  await mkdir(dir)
  await writeFile(join(dir, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /used\nENTRYPOINT ["/used", "well"]\n')
  const used = await home.ok('build', '-q', '-t', 'me/used', dir)
  await home.ok('from', '--name', 'user', 'me/used')
  const shown = await home.ok(
    'inspect',
    '-f',
    '{{.Name}} {{.Path}} {{index .Args 0}} {{.State.Status}} {{.Config.Image}}',
    'user',
  )
  expect(shown).toMatch(/^\/user \/used well created (docker.io\/)?me\/used(:latest)?$/)
  expect((await home.run(['inspect', '--type', 'image', 'user'])).code).toBe(1)
  expect((await home.run(['inspect', '--type', 'container', 'me/used'])).stderr).toContain('[container-not-found]')
  const refused = await home.run(['rmi', 'me/used'])
  expect(refused.code).toBe(1)
  expect(refused.stderr).toMatch(/is used by the container user[^]*wherry rm user/)
  await home.ok('tag', 'me/used', 'me/used:2')
  expect(await home.ok('rmi', 'me/used:2')).toBe('Untagged: me/used:2')
  expect(await home.ok('prune', '-af', '--filter', 'label!=no')).not.toContain(used)
  expect(await home.ok('system', 'df', '--format', '{{.Type}} {{.TotalCount}} {{.Active}}')).toMatch(
    /^Images 1 1\nContainers 1 0\n/,
  )
  expect(await home.ok('system', 'df', '-v')).toMatch(/^me\/used +latest .* 1$[^]*^[0-9a-f]{12} .* Created +user$/m)
  expect(JSON.parse(await home.ok('info', '--json'))).toMatchObject({ Containers: 1, ContainersRunning: 0, Images: 1 })
  await home.ok('rm', 'user')
  expect(await home.ok('rmi', 'me/used')).toContain(`Deleted: ${used}`)
})

it('lists the verbs of image and container, which are the short forms', async () => {
  for (const args of [['image'], ['image', '--help']]) {
    const { code, stdout } = await home.run(args)
    expect([
      code,
      stdout.match(/^ {2}wherry image (ls|rm|prune|inspect|history|tag|pull|push|build) /gm)?.length,
    ]).toEqual([0, 9])
  }
  expect((await home.run(['image', 'nothing'])).code).toBe(2)
})

it('measures the store', async () => {
  expect(await home.ok('system', 'df')).toMatch(/^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE\nImages /)
  expect(JSON.parse(await home.ok('info', '-f', 'json'))).toMatchObject({ Store: home.store })
})

it('prunes an image whose documents are lost', async () => {
  const dir = join(home.dir, 'lost')
  await mkdir(dir)
  await writeFile(join(dir, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /lost\n')
  const lost = await home.ok('build', '-q', '-t', 'me/lost', dir)
  await home.ok('untag', 'me/lost')
  await rm(join(home.store, 'oci-v1/blobs/sha256', lost.slice('sha256:'.length)))
  expect(await home.ok('prune', '-f', '--filter', 'label!=no')).not.toContain(lost)
  expect(await home.ok('prune', '-f')).toContain(`deleted: ${lost}`)
  expect(await home.ok('images', '-q')).toBe('')
})
