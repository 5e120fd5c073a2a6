/** `wherry report`: what an image is made of and how it was built, as text, a page, a picture or JSON. */
import { WherryError } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { hostPlatform, parsePlatform } from '../../oci/platform.ts'
import type { Report } from '../../report/contract.ts'
import { humanDuration, humanSince } from '../../ui/human.ts'
import { formatTable } from '../../ui/table.ts'
import { type OptionTable, type OptionValues, defineCommand } from '../command.ts'
import { type Io } from '../io.ts'
import { registryOptions } from '../registry-options.ts'
import { reportForm, writeReport } from '../report-form.ts'
import { buildIdPattern, recordedBuilds, reportOfBuild, reportOfImage } from '../report-source.ts'
import { openStoreFor } from '../store.ts'
import { beginWait } from '../waiting.ts'
import { scopeOf, transferDepsFor } from '../wiring.ts'

const reportOptions = {
  output: {
    kind: 'string',
    short: 'o',
    value: 'FILE',
    help: 'Write a page, or what the name ends with: .html, .svg, .json, .txt; "-" is standard output',
  },
  html: { kind: 'boolean', help: 'As one HTML page that loads nothing' },
  svg: { kind: 'boolean', help: 'As a picture' },
  json: { kind: 'boolean', help: 'As JSON, with all files' },
  last: { kind: 'boolean', help: 'Report the last build, also one that failed' },
  builds: { kind: 'boolean', help: 'List the builds that can be reported' },
  platform: { kind: 'string', value: 'OS/ARCH', help: 'Which image of an index (default that for this machine)' },
  ...registryOptions,
} as const satisfies OptionTable

type Options = OptionValues<typeof reportOptions>

export const command = defineCommand({
  usage: '[OPTIONS] [IMAGE|BUILD]',
  arguments: [0, 1],
  options: reportOptions,
  examples: [
    ['wherry report me/app', 'Layers, wasted space and the build in the terminal'],
    ['wherry report me/app -o report.html', 'A page with all files of all layers'],
    ['wherry report --last --svg -o build.svg', 'A picture of the last build'],
  ],
  run: async ({ options, args }, io) => {
    if (options.builds) return listBuilds(options, io)
    const form = reportForm(options, options.output)
    const [subject] = args
    if ((subject === undefined) !== options.last) throw unclear(options)
    const platform = options.platform === undefined ? undefined : parsePlatform(options.platform, hostPlatform())
    const deps = await transferDepsFor(options, io)
    const make = (scope: Scope): Promise<Report> =>
      subject === undefined || buildIdPattern.test(subject)
        ? reportOfBuild(subject, { deps, scope, platform })
        : reportOfImage(subject, { deps, scope, platform })
    const wait = await beginWait({ text: 'reading layers' }, io)
    const report = await make(scopeOf(io, wait.event)).finally(() => wait.close())
    await writeReport(report, { form, output: options.output }, io)
    return 0
  },
})

function unclear({ last }: Options): WherryError {
  const what = last ? '--last names a build, and so does the argument' : 'what shall be reported?'
  return new WherryError('usage', what, {
    hint: 'Name an image or a build (`wherry report --builds` lists them), or write --last for the last build.',
  })
}

async function listBuilds({ json, root }: Options & { readonly root: string | undefined }, io: Io): Promise<number> {
  const builds = await recordedBuilds(await openStoreFor({ root }, io))
  if (json) {
    const rows = builds.map(({ id, startedAt, dockerfile, context, outcome, duration, images }) =>
      JSON.stringify({ id, startedAt, dockerfile, context, outcome, duration, images }),
    )
    io.stdout.write(rows.map((row) => `${row}\n`).join(''))
    return 0
  }
  const cells = builds.map(({ id = '', startedAt, outcome, duration, images, dockerfile }) => [
    id,
    humanSince(startedAt, Date.now()),
    outcome,
    humanDuration(duration),
    images.at(-1)?.slice(7, 19) ?? '',
    dockerfile,
  ])
  io.stdout.write(formatTable([['BUILD', 'STARTED', 'OUTCOME', 'TOOK', 'IMAGE ID', 'DOCKERFILE'], ...cells]))
  return 0
}
