/** A report to try the forms on: an image of four layers with waste and hostile names, and the build that made it. */
import type { BuildRecord } from '../../src/core/build-record.ts'
import { digestOf } from '../../src/core/digest.ts'
import type { StepLine } from '../../src/core/events.ts'
import { buildReport } from '../../src/report/build.ts'
import type { Report } from '../../src/report/contract.ts'
import { imageReport } from '../../src/report/image.ts'
import type { ContentsList, Entry, EntryType } from '../../src/oci/contents.ts'

/** An entry of a contents list. */
export function entry(type: EntryType, path: string, more: Partial<Entry> = {}): Entry {
  const mode = type === 'dir' ? 0o755 : 0o644
  return { path, type, mode, uid: 0, gid: 0, size: 0, mtime: 0n, ...more }
}

/** A regular file whose content is known by its name. */
export function file(path: string, size: number, content = path): Entry {
  return entry('file', path, { size, sha256: digestOf(content).slice(7) })
}

/** Names that are markup, script, control sequences, no UTF-8, and text that runs backwards. */
export const hostileNames: readonly string[] = [
  '</script><script>alert(1)</script>',
  '<img src=x onerror=alert(2)>',
  '"\' onmouseover="alert(3)',
  '<!--',
  ']]>',
  '\u001b[31mred\u001b[0m',
  'line\nbreak',
  'bytes-\xff\xfe',
  // U+202E in UTF-8, as a byte path.
  'gpj.\xe2\x80\xaeexe',
  // U+2028.
  'sep\xe2\x80\xa8arator',
  '__proto__',
  '${alert(4)}',
  'h\xc3\xa9llo w\xc3\xb6rld',
]

/** Lowest first. */
export const sampleLayers: readonly ContentsList[] = [
  [
    entry('dir', 'bin'),
    file('bin/sh', 1_200_000),
    entry('symlink', 'bin/ash', { link: 'sh', mode: 0o777 }),
    entry('dir', 'etc'),
    file('etc/passwd', 900),
    entry('dir', 'var/cache'),
    file('var/cache/lists', 40_000_000),
  ],
  [entry('dir', 'srv'), ...hostileNames.map((name) => file(`srv/${name}`, 10)), file('srv/app', 5_000_000)],
  [
    entry('dir', 'srv'),
    { ...file('srv/app', 5_000_000), mode: 0o4755, uid: 33 },
    file('etc/passwd', 950, 'another'),
    entry('whiteout', 'var/cache/lists'),
  ],
  [entry('dir', 'srv', { mode: 0o700 }), entry('opaque', 'etc'), file('etc/motd', 20)],
]

const line = (id: string, stage: string, text: string, needs?: readonly string[]): StepLine => ({
  id,
  ordinal: Number(id.slice(1)),
  total: 8,
  stage,
  text,
  makesLayer: !/^(FROM|ENV)/.test(text),
  ...(needs && { needs }),
})

/** Two stages at once, one cached step, one that waited. */
export const sampleRecord: BuildRecord = {
  startedAt: '2026-01-31T12:00:00.000Z',
  events: [
    [0, { type: 'build-started', version: 1, dockerfile: 'Dockerfile', context: '/home/ada/app' }],
    [
      100,
      {
        type: 'plan',
        steps: [
          line('s1', 'deps', 'FROM debian AS deps'),
          line('s2', 'deps', 'RUN apt-get install -y gcc'),
          line('s3', 'build', 'FROM deps AS build'),
          line('s4', 'build', 'RUN make </script><b>', ['s2']),
          line('s5', '2', 'FROM debian'),
          line('s6', '2', 'COPY etc /etc'),
          line('s7', '2', 'COPY --from=build /app /app', ['s6', 's4']),
          line('s8', '2', 'ENV A=b'),
        ],
        stages: [
          { name: 'deps', base: 'debian', uses: [], images: [], isTarget: false },
          { name: 'build', base: 'deps', uses: ['deps'], images: ['busybox'], isTarget: false },
          { name: '2', base: 'debian', uses: ['build'], images: [], isTarget: true },
        ],
      },
    ],
    [120, { type: 'step-finished', id: 's6', outcome: 'cached', durationMs: 0, digest: digestOf('six') }],
    [150, { type: 'transfer-started', id: 't1', kind: 'pull', subject: 'debian', total: 28_000_000 }],
    [900, { type: 'transfer-finished', id: 't1', outcome: 'done', bytes: 28_000_000, durationMs: 750 }],
    [1000, { type: 'step-started', id: 's2' }],
    [5000, { type: 'step-finished', id: 's2', outcome: 'done', durationMs: 4000, digest: digestOf('two') }],
    [5500, { type: 'step-started', id: 's4' }],
    [9500, { type: 'step-finished', id: 's4', outcome: 'done', durationMs: 4000, digest: digestOf('four') }],
    [9510, { type: 'step-started', id: 's7' }],
    [9600, { type: 'step-finished', id: 's7', outcome: 'done', durationMs: 90, digest: digestOf('seven') }],
    [9700, { type: 'image', id: digestOf('image'), manifest: digestOf('manifest'), tags: ['me/app:latest'] }],
    [9800, { type: 'build-finished', outcome: 'done', durationMs: 9800 }],
  ],
}

const history = [
  '/bin/sh -c #(nop) ADD file:1234 in / ',
  'COPY . /srv # buildkit',
  'ENV A=b',
  'RUN |1 V=1 /bin/sh -c chown www-data /srv/app &&     rm /var/cache/lists # buildkit',
  'RUN /bin/sh -c </script><script>alert(5)</script>',
]

/** The report of it all. */
export function sampleReport(): Report {
  const diffIds = sampleLayers.map((_, i) => digestOf(`layer ${i}`))
  const image = imageReport({
    names: ['me/app:latest'],
    id: digestOf('image'),
    config: {
      raw: {
        architecture: 'amd64',
        os: 'linux',
        created: '2026-01-31T12:00:09Z',
        rootfs: { type: 'layers', diff_ids: diffIds },
        history: history.map((text) => ({ created_by: text, ...(text.startsWith('ENV') && { empty_layer: true }) })),
      },
    },
    layers: sampleLayers.map((contents) => ({
      size: contents.reduce((sum, { size }) => sum + size + 512, 1024),
      contents,
    })),
  })
  return { title: 'me/app:latest', image, build: buildReport(sampleRecord, '20260131-120000-1f0c9a') }
}
