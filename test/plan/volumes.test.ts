import { describe, expect, it } from 'vitest'
import { baseImage, config, history, kinds, plan, runs } from './planned.ts'

describe('VOLUME', () => {
  it('makes nothing and keeps what RUNs change', async () => {
    const p = await plan('FROM scratch\nVOLUME /v\nRUN x\n')
    expect(kinds(p)).toEqual(['run'])
    expect(runs(p)[0]!.mounts).toEqual([])
  })

  it('makes its folder and lies over RUNs with --compat-volumes, for volumes of the base too', async () => {
    const bases = { b: baseImage('b', { Volumes: { '/base': {} } }) }
    const p = await plan('FROM b\nVOLUME v /v/w\nRUN x\nRUN y\n', { compatVolumes: true }, bases)
    expect(kinds(p)).toEqual(['workdir', 'workdir', 'workdir', 'run', 'run'])
    expect(runs(p)[1]!.mounts).toMatchObject(
      ['/base', '/v', '/v/w'].map((path) => ({ type: 'bind', source: path, target: path, readOnly: false })),
    )
    expect(history(p).slice(0, 3)).toEqual(['VOLUME [v]', 'VOLUME [/v/w]', 'VOLUME [/base]'])
    expect(config(p).volumes).toEqual(['/base', 'v', '/v/w'])
  })
})
