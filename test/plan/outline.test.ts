/** The outline of a build: what its target takes. Names, values and lines are BuildKit's for such files. */
import { describe, expect, it } from 'vitest'
import { parseDockerfile } from '../../src/dockerfile/parse.ts'
import type { PlanOptions } from '../../src/plan/contract.ts'
import { lower } from '../../src/plan/lower.ts'
import { type Outline, outlineOf } from '../../src/plan/outline.ts'
import { imageNamed } from './checked.ts'

const amd64 = { os: 'linux', architecture: 'amd64' }

async function outline(text: string, options: Partial<PlanOptions> = {}): Promise<Outline> {
  const dockerfile = parseDockerfile(text, { file: 'Dockerfile' })
  const all: PlanOptions = {
    buildArgs: {},
    labels: {},
    buildPlatform: amd64,
    targetPlatform: amd64,
    isPlatformGiven: false,
    network: 'host',
    noCache: false,
    resolveBase: (name) => Promise.resolve(imageNamed(name)),
    ...options,
  }
  return outlineOf(dockerfile, await lower(dockerfile, all), all.buildArgs)
}

const lines = (items: Outline['args']): unknown[] =>
  items.map(({ name, value, description, at }) => [at.startLine, name, value, description])

describe('the args of a target', () => {
  it('are those of its stages, and what their FROMs are made of', async () => {
    const text = `ARG inner=x
ARG unused=\${inner}
# end is the end
ARG end="bo\${inner}"

FROM \${end} AS first
# this is about nothing
ARG FOO=1
# BAR is a number
ARG BAR=2
FROM other\${unused} AS second
ARG BAZ
FROM scratch AS third
ARG ABC=a
ARG empty
# target is what is built
FROM third AS target
COPY --from=first / /
FROM second
`
    const { name, description, args } = await outline(text, { target: 'target', buildArgs: { BAR: '9' } })
    expect([name, description]).toEqual(['target', 'is what is built'])
    expect(lines(args)).toEqual([
      [1, 'inner', 'x', ''],
      [4, 'end', 'box', 'is the end'],
      [8, 'FOO', '1', ''],
      [10, 'BAR', '9', 'is a number'],
      [14, 'ABC', 'a', ''],
      [15, 'empty', '', ''],
    ])
  })

  it('are there once, with what they were made of over several definitions', async () => {
    const text = `ARG A=1
ARG B=2
ARG C=3
ARG A=\${A}\${B}
ARG D=\${A}4
ARG A=\${A}5\${D}
FROM scratch
ARG A
ARG E=1
ARG F=\${E}2
ARG E=\${E}3\${F}
`
    expect(lines((await outline(text)).args)).toEqual([
      [2, 'B', '2', ''],
      [5, 'D', '124', ''],
      [6, 'A', '125124', ''],
      [10, 'F', '12', ''],
      [11, 'E', '1312', ''],
    ])
  })
})

it('lists the secrets and sockets that the target asks for', async () => {
  const text = `FROM a AS first
RUN --mount=type=secret,target=/etc/word,required=true --mount=type=ssh true
FROM a AS second
RUN --mount=type=secret,id=unused --mount=type=ssh,id=other true
FROM scratch AS third
ARG N
RUN --mount=type=secret,id=word\${N} true
FROM third AS target
COPY --from=first /f /
RUN --mount=type=ssh,id=third,required true
`
  const { secrets, ssh } = await outline(text, { target: 'target', buildArgs: { N: '7' } })
  const short = (items: Outline['secrets']): unknown[] => items.map((s) => [s.at.startLine, s.name, s.required])
  expect(short(secrets)).toEqual([
    [2, 'word', true],
    [7, 'word7', false],
  ])
  expect(short(ssh)).toEqual([
    [2, 'default', false],
    [10, 'third', true],
  ])
})
