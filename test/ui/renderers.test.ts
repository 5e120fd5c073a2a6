/** The renderers on recorded event streams, against golden texts. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { pickRenderer } from '../../src/ui/pick.ts'
import { ttyRenderer } from '../../src/ui/tty.ts'
import { cachedBuild, failing, play, twoStages } from './streams.ts'
import { recordingSurface } from './surface.ts'

const streams = { 'two-stages': twoStages, failing, cached: cachedBuild }

describe.each(['plain', 'json', 'classic', 'quiet'] as const)('the %s renderer', (mode) => {
  it.each(Object.entries(streams))('renders %s', async (name, stream) => {
    const surface = recordingSurface()
    const renderer = await pickRenderer(mode, surface)
    play(stream, renderer.event, surface)
    renderer.close()
    await expect(surface.text()).toMatchFileSnapshot(`golden/${name}.${mode}.txt`)
  })
})

describe('the renderer that is picked', () => {
  it('is the plain one for tty off a terminal', async () => {
    const [plain, fallen] = [recordingSurface(), recordingSurface()]
    play(twoStages, (await pickRenderer('plain', plain)).event, plain)
    play(twoStages, (await pickRenderer('tty', fallen)).event, fallen)
    expect(fallen.text()).toBe(plain.text())
  })
})

describe('the terminal renderer', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  it('leaves the finished steps and the result on the screen', async () => {
    const surface = recordingSurface({ terminal: true })
    const renderer = ttyRenderer(surface)
    play(twoStages, renderer.event, surface)
    renderer.close()
    await expect(surface.screen()).toMatchFileSnapshot('golden/two-stages.tty.txt')
  })

  it('shows running steps with their last lines, cut to the width', async () => {
    const surface = recordingSurface({ terminal: true, columns: 28 })
    const renderer = ttyRenderer(surface)
    play(twoStages.slice(0, 16), renderer.event, surface)
    vi.advanceTimersByTime(100)
    await expect(surface.screen()).toMatchFileSnapshot('golden/running.tty.txt')
    renderer.close()
  })

  it('shows the output of a failed step', async () => {
    const surface = recordingSurface({ terminal: true })
    const renderer = ttyRenderer(surface)
    play(failing, renderer.event, surface)
    renderer.close()
    await expect(surface.screen()).toMatchFileSnapshot('golden/failing.tty.txt')
  })

  it('hides the cursor and gives it back once, however often it is closed', () => {
    const surface = recordingSurface({ terminal: true })
    const renderer = ttyRenderer(surface)
    renderer.close()
    renderer.close()
    expect(surface.text().split('\u001b[?25l')).toHaveLength(2)
    expect(surface.text().split('\u001b[?25h')).toHaveLength(2)
    expect(surface.text().endsWith('\u001b[?25h')).toBe(true)
  })

  it('does not write a frame that would look the same', () => {
    const surface = recordingSurface({ terminal: true })
    const renderer = ttyRenderer(surface)
    const before = surface.text()
    vi.advanceTimersByTime(1000)
    expect(surface.text()).toBe(before)
    renderer.close()
  })

  it('keeps control characters of a step from the terminal', () => {
    const surface = recordingSurface({ terminal: true })
    const renderer = ttyRenderer(surface)
    renderer.event({ type: 'message', text: 'a\u001b]0;title\u0007b\u001b[2Jc' })
    renderer.close()
    expect(surface.text()).not.toContain('\u001b[2J')
    expect(surface.text()).not.toContain('\u0007')
  })
})
