/** The images of the steps of a build, and the form in which they are kept. */
import { expect, it } from 'vitest'
import { digestOf } from '../../src/core/digest.ts'
import { appendHistory, diffIdsOf, emptyConfig, historyOf, runtimeOf, withRuntime } from '../../src/oci/config.ts'
import { configDocument } from '../../src/oci/image.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { type StepTrail, historyKeys, stepImages } from '../../src/oci/steps.ts'
import { formatTrail, parseTrail } from '../../src/store/trail-format.ts'

const layer = (name: string) => ({
  diffId: digestOf(name),
  blob: { mediaType: mediaTypes.ociLayer, digest: digestOf(name), size: 1 },
})
const layers = [layer('base'), layer('copied')]
const at = (second: number) => `2026-01-01T00:00:0${second}Z`
const base = appendHistory(
  emptyConfig({ os: 'linux', architecture: 'amd64' }),
  { created: at(0), created_by: 'base' },
  layers[0]!.diffId,
)
const copied = appendHistory(base, { created: at(1), created_by: 'COPY' }, layers[1]!.diffId)
const env = appendHistory(copied, { created: at(2), created_by: 'ENV A=b' })
const last = appendHistory(env, { created: at(3), created_by: 'CMD' })
const config = withRuntime(withRuntime(last, 'Env', ['A=b']), 'Cmd', ['x'])
const trail: StepTrail = {
  id: configDocument({ config, layers, annotations: {} }).descriptor.digest,
  config,
  layers,
  from: 1,
  runtimes: [{}, { Env: ['A=b'] }, { Env: ['A=b'], Cmd: ['x'] }],
}

it('have the history, the layers and the config of their time', () => {
  const steps = stepImages(trail)
  expect(steps.map(({ image }) => [historyOf(image).length, diffIdsOf(image).length])).toEqual([
    [2, 2],
    [3, 2],
  ])
  expect(steps.map(({ image }) => runtimeOf(image).env)).toEqual([[], ['A=b']])
  expect(steps.map(({ image }) => image.raw['created'])).toEqual([at(1), at(2)])
  expect(steps.every(({ id, config: { bytes } }) => digestOf(bytes) === id)).toBe(true)
})

it('are known by their histories in every image that is built on them', () => {
  const keys = historyKeys(config)
  expect(stepImages(trail).map(({ image }) => historyKeys(image).at(-1))).toEqual(keys.slice(1, 3))
  expect(historyKeys(appendHistory(config, { created_by: 'more' })).slice(0, 4)).toEqual(keys)
  const otherLayer = appendHistory(base, { created_by: 'COPY' }, digestOf('other'))
  expect(historyKeys(otherLayer)[1]).not.toBe(keys[1])
})

it('come back from the store as they were', () => {
  expect(parseTrail(formatTrail(trail))).toEqual(trail)
  const same = { ...trail, runtimes: [{ User: 'a' }, { User: 'a' }, { User: 'a' }] }
  expect(formatTrail(same).match(/"User"/g)).toHaveLength(1)
  expect(parseTrail(formatTrail(same))).toEqual(same)
})

it.each(['', '{}', '[1]', formatTrail(trail).slice(0, -9), formatTrail(trail).replace('"version":1', '"version":9')])(
  'are none if the record is %.20s',
  (text) => {
    expect(parseTrail(text)).toBeUndefined()
  },
)
