/** Two processes at once on one step over one store. */
import { mkdir, writeFile } from 'node:fs/promises'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newBuilder, noStaticBusybox } from '../support/busybox-image.ts'
import { lacks, noUserNamespace } from '../support/need.ts'
import { finished } from '../support/wherry.ts'

const isMissing = lacks('userns', noUserNamespace()) || lacks('tools', noStaticBusybox())

interface Said {
  readonly type: string
  readonly outcome?: string
  readonly digest?: string
}

test.skipIf(isMissing)('two builds of one step at once both succeed, and leave one record that holds', async () => {
  const builder = await newBuilder()
  const { home } = builder
  try {
    const context = join(home.dir, 'raced')
    await mkdir(context)
    // Each makes other bytes, so that a record of one with the layer of the other would show.
    const lines = ['FROM box', 'RUN cat /proc/sys/kernel/random/uuid > /dice; sleep 1', 'RUN cp /dice /again', '']
    await writeFile(join(context, 'Dockerfile'), lines.join('\n'))
    const args = ['build', '--progress=json', context]
    const events = (text: string): Said[] =>
      text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Said)
    const layers = (text: string): string[] =>
      events(text)
        .filter(({ type }) => type === 'step-finished')
        .map(({ outcome, digest }) => `${outcome} ${digest ?? ''}`)
    const both = await Promise.all([finished(home.start(args)), finished(home.start(args))])
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    const made = both.map(({ stdout }) => layers(stdout).filter((line) => line.startsWith('done sha256:')))
    // They did race: each ran both steps.
    expect(made.map((steps) => steps.length)).toEqual([2, 2])

    const third = await home.ok(...args)
    expect(events(third).some(({ type }) => type === 'step-started')).toBe(false)
    const reused = layers(third).filter((line) => line.startsWith('cached sha256:'))
    const known = made.map((steps) => steps.map((line) => line.replace('done', 'cached')))
    expect(reused).toHaveLength(known[0]!.length)
    for (const [i, layer] of reused.entries()) expect(known.map((steps) => steps[i])).toContain(layer)
    const left = ['tmp', 'leases'].flatMap((name) => readdirSync(join(home.store, name)))
    expect(left).toEqual([])
    const whole = await builder.build(lines.slice(0, -1))
    expect(whole.text('again')).toBe(whole.text('dice'))
  } finally {
    await home.remove()
  }
})
