/** `--compat-volumes` through the program, on an image of busybox. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Builder, newBuilder, noStaticBusybox } from '../support/busybox-image.ts'
import { lacks, noUserNamespace } from '../support/need.ts'

const isMissing = lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox())

describe.skipIf(isMissing)('below a VOLUME', () => {
  let builder: Builder
  beforeAll(async () => {
    builder = await newBuilder()
  })
  afterAll(() => builder.home.remove())

  const dockerfile = [
    'FROM box',
    'RUN mkdir /v && echo before > /v/before',
    'VOLUME /v /new',
    'RUN echo run > /v/run && rm /v/before && echo run > /new/run && echo kept > /kept && ls /v > /seen',
    'COPY file /v/copied',
    'RUN ls /v > /seen-later',
  ]

  it('what a RUN changes is kept', async () => {
    const root = (
      await builder.build(
        dockerfile.map((line) => line.replace('echo run > /new/run', 'true')),
        { file: 'f' },
      )
    ).root()
    expect([...root.keys()].filter((path) => /^(v|new|kept)/.test(path)).sort()).toEqual([
      'kept',
      'v',
      'v/copied',
      'v/run',
    ])
  })

  it('what a RUN changes is dropped with --compat-volumes, and what COPY puts there is kept', async () => {
    const root = (await builder.build(dockerfile, { file: 'f' }, ['--compat-volumes'])).root()
    expect([...root.keys()].filter((path) => /^(v|new|kept)/.test(path)).sort()).toEqual([
      'kept',
      'new',
      'v',
      'v/before',
      'v/copied',
    ])
  })
})
