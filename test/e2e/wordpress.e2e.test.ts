/** WordPress under supervisord: its archive comes from a server of this test, for ADD of a URL fetches and does not unpack. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { type Server, createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lacks, noFullMap, noMirror, noRegistry, testRegistry } from '../support/need.ts'
import { type Home, fixtures, newHome } from '../support/wherry.ts'

const unfit = [lacks('mapped', noFullMap()), lacks('registry', noRegistry()), lacks('network', noMirror())].includes(
  true,
)

describe.skipIf(unfit)('wordpress', () => {
  let home: Home
  let server: Server
  let url = ''
  beforeAll(async () => {
    home = await newHome()
    const site = join(home.dir, 'wordpress')
    await mkdir(site)
    await writeFile(join(site, 'index.php'), '<?php echo "wordpress";\n')
    execFileSync('tar', ['-czf', join(home.dir, 'latest.tar.gz'), '-C', home.dir, 'wordpress'])
    const archive = await readFile(join(home.dir, 'latest.tar.gz'))
    server = createServer((_, answer) => answer.writeHead(200, { 'content-length': archive.length }).end(archive))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/latest.tar.gz`
  })
  afterAll(async () => {
    server.close()
    await home.remove()
  })

  test('builds, with its database made in a step', { timeout: 600_000 }, async () => {
    const args = ['--build-arg', `BASE=${testRegistry}/conformance/debian`, '--build-arg', `WORDPRESS_URL=${url}`]
    await home.ok('build', '--progress=plain', ...args, '-t', 'wordpress', join(fixtures, 'wordpress'))
    const probe = 'cat /var/www/html/index.php; stat -c %U /var/www/html /var/lib/mysql/wordpress; ls /tmp'
    expect(await home.ok('run', '--rm', 'wordpress', 'sh', '-c', probe)).toBe(
      '<?php echo "wordpress";\nwww-data\nmysql',
    )
  })
})
