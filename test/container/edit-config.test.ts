import { describe, expect, it } from 'vitest'
import { type ConfigEdits, editConfig } from '../../src/container/edit-config.ts'
import type { ContainerRecord } from '../../src/store/contract.ts'

const none: ConfigEdits = { env: [], label: [], port: [], volume: [], onbuild: [], annotation: [] }
const digest = `sha256:${'0'.repeat(64)}` as const
const record = (config: ContainerRecord['config']): ContainerRecord => ({
  ...{
    id: '0',
    name: 'c',
    place: 'p',
    image: digest,
    manifest: digest,
    imageName: 'i',
    layers: [],
    config: { config },
  },
  ...{ hostname: 'h', mounts: [], network: 'host', createdAt: '', autoRemove: false },
})
const edited = (config: ContainerRecord['config'], edits: Partial<ConfigEdits>): unknown =>
  editConfig(record(config), { ...none, ...edits }).config['config']

describe('config edits', () => {
  it('set, replace and remove variables and labels', () => {
    const before = { Env: ['A=1', 'B=2'], Labels: { k: 'v' } }
    expect(edited(before, { env: ['A=3', 'B-', 'C=d=e'], label: ['l=w', 'k-'] })).toEqual({
      Env: ['A=3', 'C=d=e'],
      Labels: { l: 'w' },
    })
    expect(edited(before, { env: ['-'] })).toEqual({ Labels: { k: 'v' } })
    expect(() => edited(before, { env: ['X'] })).toThrow(expect.objectContaining({ code: 'usage' }))
  })

  it('split CMD into words and give ENTRYPOINT to a shell, unless they are JSON', () => {
    expect(edited({}, { cmd: `sh -c 'echo "a b"' "c d"` })).toEqual({ Cmd: ['sh', '-c', 'echo "a b"', 'c d'] })
    expect(edited({}, { cmd: '["x", "y z"]', entrypoint: 'run me' })).toEqual({
      Cmd: ['x', 'y z'],
      Entrypoint: ['/bin/sh', '-c', 'run me'],
    })
    expect(edited({ Cmd: ['x'], Entrypoint: ['y'] }, { cmd: '', entrypoint: '' })).toEqual({})
  })

  it('change ports, volumes and texts', () => {
    const before = { ExposedPorts: { '80/tcp': {} }, Volumes: { '/v': {} }, User: 'u' }
    expect(edited(before, { port: ['80-', '53/udp'], volume: ['/w'], user: '', workingdir: '/x' })).toEqual({
      ExposedPorts: { '53/udp': {} },
      Volumes: { '/v': {}, '/w': {} },
      WorkingDir: '/x',
    })
  })
})
