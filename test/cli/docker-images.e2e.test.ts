/** The examples of docker's manual on images, as a table: command, shape of the output, exit code. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Home, newHome } from '../support/wherry.ts'

let home: Home
/** Ids of what the examples are about; `$NAME` in a command stands for them. */
const ids: Record<string, string> = {}

beforeAll(async () => {
  home = await newHome({ TZ: 'Europe/Berlin' })
  const build = async (name: string, lines: readonly string[], epoch: number): Promise<string> => {
    const dir = join(home.dir, name.replace(/\W/g, '-'))
    await mkdir(dir, { recursive: true })
    await writeFile(join(dir, 'Dockerfile'), ['FROM scratch', 'COPY Dockerfile /', ...lines].join('\n'))
    return await home.ok('build', '-q', '-t', name, '--build-arg', `SOURCE_DATE_EPOCH=${epoch}`, dir)
  }
  ids['IMAGE1'] = await build('image1', ['ENV LC_ALL=C.UTF-8', 'CMD ["/bin/sh"]'], 1_400_000_000)
  ids['IMAGE2'] = await build('image2', ['LABEL com.example.version=1.0'], 1_300_000_000)
  ids['IMAGE3'] = await build('image3', ['LABEL com.example.version=2.0'], 1_200_000_000)
  await build('busybox:glibc', ['ENV A=glibc'], 1_100_000_000)
  for (const tag of ['latest', 'uclibc', 'musl']) await home.ok('tag', 'busybox:glibc', `busybox:${tag}`)
  await build('java:8', ['ENV JAVA=8'], 1_000_000_000)
  ids['DANGLING'] = await build('java:8', ['ENV JAVA=8.1'], 1_000_000_000)
  ids['STEP'] = (await home.ok('history', '-q', 'image1')).split('\n')[1] ?? ''
  await home.ok('tag', 'image1', 'docker:scm')
})
afterAll(() => home.remove())

const row = (repository: string, tag: string): string =>
  `${repository} +${tag} +[0-9a-f]{12} +\\d+ years ago +[\\d.]+k?B\\n`
const heading = 'REPOSITORY +TAG +IMAGE ID +CREATED +SIZE\\n'
const json = (fields: string): string => `(\\{${fields}\\}\\n)+`

/** Exit code, command, standard output as a pattern of the whole. */
type Example = readonly [code: number, command: string, output: string]

const examples: readonly Example[] = [
  // images
  [0, 'images java', `${heading}${row('java', '8')}`],
  [0, 'images java:8', `${heading}${row('java', '8')}`],
  [0, 'images jav', heading],
  [0, 'images java:0', heading],
  [0, 'images --no-trunc java', 'REPOSITORY +TAG +IMAGE ID +CREATED +SIZE\\njava +8 +sha256:[0-9a-f]{64} +.*\\n'],
  [
    0,
    'images --digests java',
    'REPOSITORY +TAG +DIGEST +IMAGE ID +CREATED +SIZE\\njava +8 +<none> +[0-9a-f]{12} .*\\n',
  ],
  [0, 'images --filter dangling=true', `${heading}${row('<none>', '<none>')}`],
  [0, 'images -f dangling=true -q', '[0-9a-f]{12}\\n'],
  [0, 'images --filter label=com.example.version', `${heading}${row('image2', 'latest')}${row('image3', 'latest')}`],
  [0, 'images --filter label=com.example.version=1.0', `${heading}${row('image2', 'latest')}`],
  [0, 'images --filter label=com.example.version=0.1', heading],
  [0, 'images --filter before=image1 image*', `${heading}${row('image2', 'latest')}${row('image3', 'latest')}`],
  [0, 'images --filter since=image3 image*', `${heading}${row('image1', 'latest')}${row('image2', 'latest')}`],
  [0, 'images --filter=reference=busy*:*libc', `${heading}(busybox +(uclibc|glibc) .*\\n){2}`],
  [
    0,
    'images --filter=reference=busy*:uclibc --filter=reference=busy*:glibc',
    `${heading}(busybox +(uclibc|glibc) .*\\n){2}`,
  ],
  [0, 'images --format {{.ID}}:_{{.Repository}} java', '[0-9a-f]{12}: java\\n'],
  [
    0,
    'images --format table_{{.ID}}\\t{{.Repository}}\\t{{.Tag}} java',
    'IMAGE ID +REPOSITORY +TAG\\n[0-9a-f]{12} +java +8\\n',
  ],
  [
    0,
    'images --format table_{{.Repository}}\\t{{.Tag}}\\t{{.ID}}\\t{{.CreatedAt}}\\t{{.Size}} image1',
    'REPOSITORY +TAG +IMAGE ID +CREATED AT +SIZE\\nimage1 +latest +[0-9a-f]{12} +2014-05-13 18:53:20 \\+0200 CEST +.*B\\n',
  ],
  [0, 'images --format json java', json('"Containers":"N/A","CreatedAt":".*CEST","CreatedSince":.*"Tag":"8".*')],
  [1, 'images --filter before=nothing', ''],
  [2, 'images --filter size=1', ''],
  [2, 'images a b', ''],
  [2, 'images --format {{.Nothing}}', ''],
  [0, 'image ls -a', `${heading}(.*\\n)*<none> +<none> +[0-9a-f]{12} .*\\n(.*\\n)*`],
  [0, 'image list -q java', '[0-9a-f]{12}\\n'],
  // history
  [
    0,
    'history image1',
    'IMAGE +CREATED +CREATED BY +SIZE +COMMENT\\n' +
      '[0-9a-f]{12} +\\d+ years ago +CMD .* 0B +.*\\n[0-9a-f]{12} .*ENV LC_ALL=C.UTF-8 +0B .*\\n[0-9a-f]{12} .*COPY .*B .*\\n',
  ],
  [0, 'history docker:scm', 'IMAGE(.*\\n){4}'],
  [0, 'history --format {{.ID}}:_{{.CreatedSince}} java:8', '([0-9a-f]{12}: \\d+ years ago\\n){2}'],
  [
    0,
    'history -H=false image1',
    'IMAGE +CREATED AT +CREATED BY +SIZE +COMMENT\\n(.* 2014-05-13T18:53:20\\+02:00 .*\\n){3}',
  ],
  [0, 'image history -q --no-trunc image1', '(sha256:[0-9a-f]{64}\\n){3}'],
  [1, 'history --platform=linux/s390x image1', ''],
  [1, 'history nothing', ''],
  [2, 'history', ''],
  // inspect
  [0, 'inspect image1', '\\[\\n    \\{\\n        "Id": "sha256:(.*\\n)+\\]\\n'],
  [0, 'image inspect --format={{json_.Config.Env}} image1', '\\["PATH=.*","LC_ALL=C.UTF-8"\\]\\n'],
  [0, 'inspect -f {{.Comment}}|{{.Os}}/{{.Architecture}} image1', 'buildkit.dockerfile.v0\\|linux/\\w+\\n'],
  [0, 'inspect -f {{range_.Config.Env}}{{println_.}}{{end}} image1', 'PATH=.*\\nLC_ALL=C.UTF-8\\n\\n'],
  [0, 'inspect --type=image -f {{.Id}} $IMAGE1', '$IMAGE1\\n'],
  [0, 'inspect -f {{join_.RepoTags_","}} image1', 'image1:latest,docker:scm\\n'],
  [0, 'inspect -f {{.Id}}|{{len_.RootFS.Layers}} $STEP', 'sha256:[0-9a-f]{64}\\|1\\n'],
  [1, 'inspect nothing', '\\[\\]\\n'],
  [1, 'inspect -f {{.Os}} nothing image1', 'linux\\n'],
  [2, 'inspect --type=network image1', ''],
  [2, 'inspect --type=image -f {{json image1', ''],
  // tag
  [0, 'tag $IMAGE1 fedora/httpd:version1.0', ''],
  [0, 'tag image1 fedora/httpd:version1.0', ''],
  [0, 'image tag image1:latest fedora/httpd:version1.0.test', ''],
  [0, 'tag $IMAGE1 myregistryhost:5000/fedora/httpd:version1.0', ''],
  [0, 'tag $STEP me/step', ''],
  [1, 'tag nothing fedora/httpd', ''],
  [1, 'tag image1 Not/Valid', ''],
  [2, 'tag image1', ''],
  [0, 'untag fedora/httpd:version1.0 fedora/httpd:version1.0.test', '(Untagged: fedora/httpd:version1.0.*\\n){2}'],
  // rmi
  [1, 'rmi $IMAGE1', ''],
  [0, 'rmi docker:scm', 'Untagged: docker:scm\\n'],
  [0, 'rmi myregistryhost:5000/fedora/httpd:version1.0', 'Untagged: myregistryhost:5000/fedora/httpd:version1.0\\n'],
  [1, 'rmi nothing me/step', 'Untagged: me/step:latest\\nDeleted: sha256:[0-9a-f]{64}\\n'],
  [0, 'image rm --no-prune image1:latest', 'Untagged: image1:latest\\nDeleted: $IMAGE1\\n'],
  [0, 'image remove -f $BUSYBOX', '(Untagged: busybox:\\w+\\n){4}(Deleted: sha256:[0-9a-f]{64}\\n){2}'],
  [2, 'rmi', ''],
  // prune
  [
    0,
    'image prune -f --filter until=2017-01-04T00:00:00',
    'Deleted Images:\\n(deleted: sha256:[0-9a-f]{64}\\n)+\\n(.*\\n)*Total reclaimed space: .*B\\n',
  ],
  [0, 'image prune -a -f --filter label=deprecated', '\\d+ blobs, .*\\nTotal reclaimed space: .*B\\n'],
  [
    0,
    'image prune -a -f --filter label=com.example.version=1.0',
    'Deleted Images:\\nuntagged: image2:latest\\n(deleted: .*\\n)+\\n.*\\nTotal reclaimed space: .*B\\n',
  ],
  [0, 'image prune -af --filter label!=com.example.version', 'Deleted Images:\\nuntagged: java:8\\n(.*\\n)+'],
  [0, 'images', `${heading}${row('image3', 'latest')}`],
  [2, 'prune --filter dangling=true', ''],
  // system
  [0, 'system df', 'TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE\\nImages +1 +0 +\\S+ +\\S+ \\(100%\\)\\n(.*\\n)+'],
  [
    0,
    'system df -v',
    'Images space usage:\\n\\nREPOSITORY +TAG +IMAGE ID +CREATED +SIZE +SHARED SIZE +UNIQUE SIZE +CONTAINERS\\n(.*\\n)+',
  ],
  [0, 'system df --format {{.Type}}:_{{.TotalCount}}', 'Images: 1\\n(\\w+ ?\\w*: \\d+\\n)+'],
  [
    0,
    'system df --format table_{{.Type}}\\t{{.Size}}\\t{{.Reclaimable}}',
    'TYPE +SIZE +RECLAIMABLE\\nImages .*\\n(.*\\n)+',
  ],
  [
    0,
    'system df --format json',
    json('"Active":"\\d+","Reclaimable":".*","Size":".*","TotalCount":"\\d+","Type":".*"'),
  ],
  [0, 'system prune -a -f', 'Deleted Images:\\nuntagged: image3:latest\\n(.*\\n)+Total reclaimed space: .*B\\n'],
  [0, 'info --format {{json_.}}', '\\{"Containers":0,.*"Images":0.*\\}\\n'],
  [0, 'system info -f {{.OSType}}', 'linux\\n'],
  [0, 'version --format {{.Server.Version}}', '\\d+\\.\\d+\\.\\d+\\n'],
  [0, 'version --format {{json_.}}', '\\{"Client":\\{"Version":".*\\}\\n'],
]

/** Examples that change nothing are tried several at a time, the others alone and in the order of the table. */
function groupsOf(all: readonly Example[]): Example[][] {
  const reads = /^(images|history|inspect|info|version|image (ls|list|history|inspect)|system (df|info))( |$)/
  const groups: Example[][] = []
  for (const example of all) {
    const last = groups.at(-1)
    const fits = last !== undefined && last.length < 4 && [...last, example].every(([, command]) => reads.test(command))
    if (fits) last.push(example)
    else groups.push([example])
  }
  return groups
}

/** Says what is wrong with what an example does. */
async function complaints([code, command, output]: Example): Promise<string[]> {
  if (command.includes('$BUSYBOX')) ids['BUSYBOX'] = await home.ok('images', '-q', 'busybox:glibc')
  const put = (text: string): string => text.replace(/\$([A-Z]\w+)/g, (_all, name: string) => ids[name] ?? '')
  const ran = await home.run(command.split(' ').map((word) => put(word).replaceAll('_', ' ')))
  const fits = new RegExp(`^(?:${put(output)})$`).test(ran.stdout)
  if (ran.code === code && fits && (code === 0) === (ran.stderr === '')) return []
  return [`wherry ${command}\nended with ${ran.code}, not ${code}\n${ran.stdout}${ran.stderr}expected ${output}`]
}

// One test: later commands work on what earlier ones have left.
it("docker's examples do what they do there", { timeout: 120_000 }, async () => {
  const wrong: string[] = []
  for (const group of groupsOf(examples)) wrong.push(...(await Promise.all(group.map(complaints))).flat())
  expect(wrong.join('\n\n')).toBe('')
})
