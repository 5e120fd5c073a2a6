/** Images for Windows: paths and defaults; nothing can be run in them. */
import { describe, expect, it } from 'vitest'
import { slashPath } from '../../src/plan/windows.ts'
import { config, plan } from './planned.ts'

const targetPlatform = { os: 'windows', architecture: 'amd64', osVersion: '10.0.17763' }
const forWindows = (text: string) => plan(text, { targetPlatform })

describe('an image for Windows', () => {
  it('has no PATH of Unix, and its root in its own words', async () => {
    const made = await forWindows('FROM scratch\nARG TARGETOSVERSION\nARG TARGETPLATFORM\nLABEL p=$TARGETPLATFORM\n')
    expect(config(made)).toMatchObject({ env: [], workingDir: '\\', labels: { p: 'windows(10.0.17763)/amd64' } })
    expect(made.target.config.raw).toMatchObject({ os: 'windows', 'os.version': '10.0.17763' })
  })

  it('has the shell of Windows where no SHELL is set', async () => {
    const made = await forWindows('FROM scratch\nENTRYPOINT foo bar\nSHELL ["pwsh"]\nCMD a b\n')
    expect(config(made)).toMatchObject({ entrypoint: ['cmd', '/S', '/C', 'foo bar'], cmd: ['pwsh', 'a b'] })
  })

  it('has WORKDIR and COPY with drives and backslashes', async () => {
    const made = await forWindows(
      '# escape=`\nFROM scratch\nWORKDIR C:\\app\nWORKDIR sub\nCOPY f c:\\x\\y\\\nCOPY g .\n',
    )
    expect(config(made).workingDir).toBe('\\app\\sub')
    const places = [...made.steps.values()].map((s) =>
      s.kind === 'copy' ? s.destination : s.kind === 'workdir' && s.path,
    )
    expect(places).toEqual(['/app', '/app/sub', '/x/y/', '/app/sub/'])
  })

  it('cannot run anything here', async () => {
    await expect(forWindows('FROM scratch\nRUN dir\n')).rejects.toThrow('needs a machine with Windows')
  })

  it.each(['D:\\x', 'C:', '\\\\server\\share'])('has nothing at %s', (path) => {
    expect(() => slashPath(path)).toThrow(path)
  })
})
