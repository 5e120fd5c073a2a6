/** A working container on Debian becomes a web server: apache2 installed in it, committed, pushed, run from the registry. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lacks, noFullMap, noMirror, noRegistry, noUserNamespace, testRegistry } from '../support/need.ts'
import { type Home, finished, freePort, newHome } from '../support/wherry.ts'

const minutes = 60_000
const unfit = [
  lacks('userns', noUserNamespace()),
  lacks('registry', noRegistry()),
  lacks('network', noMirror()),
].includes(true)

describe.skipIf(unfit).each(['mapped', 'single'])('apache2 in a container, in %s mode', (isolation) => {
  const unmapped = isolation === 'mapped' && lacks('mapped', noFullMap())
  const image = `${testRegistry}/wherry-test/apache-${isolation}-${process.pid}`
  let home: Home
  beforeAll(async () => {
    home = await newHome()
  })
  afterAll(() => home.remove())

  test.skipIf(unmapped)('is committed, diffed, pushed and run', { timeout: 10 * minutes }, async () => {
    const mode = ['--isolation', isolation]
    const name = await home.ok('from', ...mode, `${testRegistry}/conformance/debian`)
    const install =
      'apt-get update && apt-get install -y --no-install-recommends apache2 && rm -rf /var/lib/apt/lists/*'
    await home.ok('run', '-e', 'DEBIAN_FRONTEND=noninteractive', name, '--', 'sh', '-c', install)
    await home.ok('run', name, '--', 'sh', '-c', 'echo "a page" > /var/www/html/index.html; rm /etc/issue.net')
    const diff = (await home.ok('diff', name)).split('\n')
    expect(diff).toEqual(
      expect.arrayContaining(['C /etc', 'A /etc/apache2', 'D /etc/issue.net', 'A /usr/sbin/apache2']),
    )
    await home.ok('config', '--cmd', '["apache2ctl", "-D", "FOREGROUND"]', '--port', '80', name)
    const id = await home.ok(
      'commit',
      '-m',
      'with apache2',
      '-a',
      'A. Tester',
      '-c',
      'STOPSIGNAL SIGWINCH',
      name,
      image,
    )
    const history = await home.ok('history', image)
    expect(history).toContain('with apache2')
    await home.ok('push', image)
    await home.ok('rm', name)
    await home.ok('rmi', '-f', id)

    const port = await freePort()
    const listen = `sed -i 's/^Listen 80$/Listen 127.0.0.1:${port}/' /etc/apache2/ports.conf && . /etc/apache2/envvars && mkdir -p /var/run/apache2 && exec apache2 -D FOREGROUND`
    const ended = finished(home.start(['run', ...mode, '--name', 'web', image, 'sh', '-c', listen]))
    expect(await pageOf(`http://127.0.0.1:${port}/`)).toBe('a page\n')
    // Also while it runs, what a second terminal commits is whole.
    expect(await home.ok('commit', 'web')).toMatch(/^sha256:/)
    expect(await home.ok('stop', 'web')).toBe('web')
    expect((await ended).code).toBe(0)
  })
})

/** What a server says once it answers. */
async function pageOf(url: string): Promise<string> {
  for (let tries = 0; tries < 600; tries++) {
    const text = await fetch(url).then(
      (response) => response.text(),
      () => undefined,
    )
    if (text !== undefined) return text
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${url} does not answer`)
}
