import { expect, test } from 'vitest'
import { emptyConfig, runtimeOf, withRuntime } from '../../src/oci/config.ts'
import { applyChanges } from '../../src/plan/changes.ts'

const platform = { os: 'linux', architecture: 'amd64' }
const apply = (changes: readonly string[], config = emptyConfig(platform)) => applyChanges(config, changes, platform)

test('each instruction edits the config as in a Dockerfile', async () => {
  const changed = runtimeOf(
    await apply([
      'ENV A=1 B="two words"',
      'ENV C=$A',
      'CMD ["sh", "-c", "true"]',
      'ENTRYPOINT /entry',
      'EXPOSE 80 443/udp',
      'USER app',
      'WORKDIR /srv',
      'WORKDIR data',
      'VOLUME /data',
      'LABEL x=y',
      'STOPSIGNAL SIGINT',
      'HEALTHCHECK NONE',
      'ONBUILD RUN true',
    ]),
  )
  expect({ ...changed, env: changed.env, labels: changed.labels }).toMatchObject({
    env: ['A=1', 'B=two words', 'C=1'],
    cmd: ['sh', '-c', 'true'],
    entrypoint: ['/bin/sh', '-c', '/entry'],
    exposedPorts: ['443/udp', '80/tcp'],
    user: 'app',
    workingDir: '/srv/data',
    volumes: ['/data'],
    labels: { x: 'y' },
    stopSignal: 'SIGINT',
    onBuild: ['RUN true'],
  })
})

test('no PATH is set that nobody asked for, and one that is there stays', async () => {
  expect(runtimeOf(await apply(['USER x'])).env).toEqual([])
  expect(runtimeOf(await apply(['ENV PATH=/x'])).env).toEqual(['PATH=/x'])
  const config = withRuntime(emptyConfig(platform), 'Env', ['PATH=/bin'])
  expect(runtimeOf(await apply(['ENV A=b'], config)).env).toEqual(['PATH=/bin', 'A=b'])
})

test('triggers of the image do not run, and stay', async () => {
  const config = withRuntime(emptyConfig(platform), 'OnBuild', ['ENV FROM=trigger'])
  const changed = runtimeOf(await apply(['ONBUILD USER x'], config))
  expect([changed.env, changed.onBuild]).toEqual([[], ['ENV FROM=trigger', 'USER x']])
})

test.each(['RUN true', 'COPY a b', 'ADD a b', 'ARG x'])('%s is refused', async (change) => {
  await expect(apply([change])).rejects.toMatchObject({ code: 'usage' })
})

test.each(['FROM x', 'NONSENSE', 'USER x\nUSER y'])('%s is no change', async (change) => {
  const refusal: unknown = await apply([change]).catch((error: unknown) => error)
  expect((refusal as { code?: string }).code).toMatch(/^(dockerfile-syntax|usage)$/)
})
