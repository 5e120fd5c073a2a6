/** The seven classic Dockerfiles of the trade, built by root in a default container: no user namespaces, no mounts. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Dockerd, noDockerd, startDockerd } from '../support/dockerd.ts'
import { lacks, missingTools, noMirror, noRegistry, notRoot, testRegistry } from '../support/need.ts'
import { loadOwnImage } from '../support/own-image.ts'
import { containerPlace } from '../support/places.ts'
import { type Home, fixtures, newHome } from '../support/wherry.ts'

const unfit = [
  lacks('root', notRoot()),
  lacks('docker', noDockerd()),
  lacks('registry', noRegistry()),
  lacks('network', noMirror()),
  lacks('tools', missingTools('skopeo', 'tar')),
].includes(true)

const base = `${testRegistry}/conformance/debian`

/** By fixture, commands that must work in the image, and what they print. */
const proofs: Readonly<Record<string, readonly [script: string, output: string]>> = {
  apache: ['apache2ctl -v | head -c 22; stat -c " %U" /var/www/html', 'Server version: Apache root'],
  browser: ['test -x /usr/bin/x11vnc && id -un', 'root'],
  compile: ['', ''],
  nginx: ['nginx -v 2>&1 | head -c 14; stat -c " %U" /var/www/html/index.html', 'nginx version: site'],
  registry: ['docker-registry --version | head -c 15', 'docker-registry'],
  scratch: ['', ''],
  wordpress: [
    'cat /var/www/html/index.php; stat -c %U /var/www/html /var/lib/mysql/wordpress',
    '<?php echo "wordpress";\nwww-data\nmysql',
  ],
}

describe.skipIf(unfit)('root in a default container builds', () => {
  let home: Home
  let dockerd: Dockerd
  let server: Server
  let url = ''
  beforeAll(async () => {
    home = await newHome()
    server = await serveWordpress(home.dir)
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/latest.tar.gz`
    dockerd = await startDockerd()
    await loadOwnImage(home, base, dockerd)
  }, 600_000)
  afterAll(async () => {
    server.close()
    await dockerd.stop()
    await home.remove()
  })

  test.each(Object.entries(proofs))('%s', { timeout: 900_000 }, async (fixture, [script, output]) => {
    const image = `${testRegistry}/wherry-test/trade-${fixture}`
    const args = [`BASE=${base}`, ...(fixture === 'wordpress' ? [`WORDPRESS_URL=${url}`] : [])]
    const options = ['--progress=plain', ...args.flatMap((arg) => ['--build-arg', arg]), '-t', image, '--push']
    const place = containerPlace(dockerd, ['--user', '0'])
    const built = await place.run((context) => ['build', ...options, context], join(fixtures, fixture))
    expect(built.code, built.stdout + built.stderr).toBe(0)
    if (script !== '') {
      const command = ['--user', '0', '--entrypoint', '/bin/sh', image, '-c', script]
      expect((await home.ok('run', '--rm', ...command)).trim()).toBe(output)
    }
    execFileSync('skopeo', ['inspect', '--tls-verify=false', `docker://${image}`])
  })
})

/** Serves an archive in which WordPress stands for itself. */
async function serveWordpress(dir: string): Promise<Server> {
  await mkdir(join(dir, 'wordpress'))
  await writeFile(join(dir, 'wordpress', 'index.php'), '<?php echo "wordpress";\n')
  execFileSync('tar', ['-czf', join(dir, 'latest.tar.gz'), '-C', dir, 'wordpress'])
  const archive = await readFile(join(dir, 'latest.tar.gz'))
  const server = createServer((_, answer) => answer.writeHead(200, { 'content-length': archive.length }).end(archive))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
