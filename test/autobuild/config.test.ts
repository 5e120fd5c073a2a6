/** The configuration file: what it may say, and how its mistakes are told. */
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/autobuild/config.ts'
import type { AutobuildConfig } from '../../src/autobuild/contract.ts'

const parse = (text: string): AutobuildConfig => parseConfig({ text, file: 'autobuild.yaml', folder: '/etc/wherry' })
const base = `repositories:
  - name: app
    git: https://git.example.com/a/app.git
    image: reg.example.com/a/app
    rules: [{branch: main}]
`

describe('a configuration', () => {
  it('has defaults', () => {
    const config = parse(base)
    expect(config).toMatchObject({ jobs: undefined, pollMs: undefined, keep: 100 })
    const [repository] = config.repositories
    expect(repository).toMatchObject({ name: 'app', hook: undefined, gitToken: undefined, pushToken: undefined })
    expect(repository!.rules[0]).toMatchObject({ imageTags: ['latest'], dockerfile: 'Dockerfile', context: '' })
  })

  it('may say everything', () => {
    const { repositories, ...more } = parse(`jobs: 4
poll: 1m30s
keep: 7
url: https://builds.example.com/
repositories:
  - name: app
    git: git@git.example.com:a/app.git
    image: localhost:5000/a/app
    host: gitlab
    secret-env: HOOK
    git-token-file: token
    push-token-file: /abs/token
    rules:
      - tag: v*
        image-tag: [1.10, '{sourceref}']
        dockerfile: docker/Dockerfile
        context: ./src/
        target: final
        build-args: {A: 1, B: true, C: "x=y"}
        platforms: [linux/amd64, linux/arm64]
`)
    expect(more).toEqual({ jobs: 4, pollMs: 90_000, keep: 7, url: 'https://builds.example.com' })
    expect(repositories[0]).toMatchObject({
      hook: { host: 'gitlab', secret: { variable: 'HOOK' } },
      gitToken: { file: '/etc/wherry/token' },
      pushToken: { file: '/abs/token' },
    })
    expect(repositories[0]!.rules[0]).toMatchObject({
      imageTags: ['1.10', '{sourceref}'],
      dockerfile: 'docker/Dockerfile',
      context: 'src',
      target: 'final',
      buildArgs: ['A=1', 'B=true', 'C=x=y'],
      platforms: ['linux/amd64', 'linux/arm64'],
    })
  })

  it('makes another rule of whatever changes what is built', () => {
    const keyOf = (text: string): string => parse(text).repositories[0]!.rules[0]!.key
    expect(keyOf(base)).toBe(keyOf(`jobs: 3\n${base}`))
    const changed = [
      'a/app.git|b/app.git',
      'a/app\n|b/app\n',
      'main}|next}',
      'main}|main, target: x}',
      'name: app|name: b',
    ]
    const keys = changed.map((change) => keyOf(base.replace(...(change.split('|') as [string, string]))))
    expect(new Set([keyOf(base), ...keys]).size).toBe(changed.length + 1)
  })
})

describe('a mistake is told with its line and key', () => {
  const with_ = (line: string): string => base.replace('    rules:', `    ${line}\n    rules:`)
  const rule = (text: string): string => base.replace('{branch: main}', text)
  it.each<[string, string]>([
    ['repositories: [', 'autobuild.yaml:1: '],
    ['', 'autobuild.yaml:1: the file must be a map'],
    ['jobs: 1', 'autobuild.yaml:1: the file needs repositories'],
    [`${base}job: 1\n`, 'autobuild.yaml:6: job is no key that is known here'],
    [`${base}jobs: many\n`, 'autobuild.yaml:6: jobs must be a whole number from 1 to 64'],
    [`${base}poll: soon\n`, 'autobuild.yaml:6: poll is "soon", which is no duration of at least 1s'],
    [`${base}url: here\n`, 'autobuild.yaml:6: url must be an http'],
    [`${base}${base}`, 'autobuild.yaml:6: '],
    [base.replace('    image: reg.example.com/a/app\n', ''), 'autobuild.yaml:2: repositories[0] needs image'],
    [base.replace('name: app', 'name: a/b'), 'autobuild.yaml:2: repositories[0].name must be'],
    [base.replace('name: app', 'name:'), 'autobuild.yaml:2: repositories[0].name must be a text'],
    [base + base.slice(base.indexOf('  -')), 'autobuild.yaml:6: repositories[1] has the name app of another'],
    [with_('branch: main'), 'autobuild.yaml:5: repositories[0].branch is no key'],
    [with_('host: svn'), 'autobuild.yaml:5: repositories[0].host is "svn", which is none of github'],
    [with_('host: github'), 'autobuild.yaml:5: repositories[0].host needs secret-file'],
    [with_('secret-file: x'), 'autobuild.yaml:2: repositories[0] has a secret and no host'],
    [base.replace('https://', 'https://me:pw@'), 'autobuild.yaml:3: repositories[0].git must have no password'],
    [base.replace('app.git', 'app'), 'autobuild.yaml:3: repositories[0].git must be the URL'],
    [base.replace('app.git', 'app.git#main'), 'autobuild.yaml:3: repositories[0].git must be the URL'],
    [base.replace('https://git.example.com', 'file://'), 'autobuild.yaml:3: repositories[0].git must be the URL'],
    [base.replace('reg.example.com/a/app', 'reg.example.com/a/app:1'), 'autobuild.yaml:4: repositories[0].image must'],
    [base.replace('reg.example.com/a/app', 'reg.example.com/A'), 'autobuild.yaml:4: repositories[0].image is no name'],
    [base.replace('[{branch: main}]', '[]'), 'autobuild.yaml:5: repositories[0].rules must have'],
    [rule('{}'), 'autobuild.yaml:5: repositories[0].rules[0] needs either branch or tag'],
    [rule('{branch: a, tag: b}'), 'autobuild.yaml:5: repositories[0].rules[0] needs either branch or tag'],
    [rule('{branch: main}, {branch: main}'), 'autobuild.yaml:5: repositories[0].rules[1] is the same rule'],
    [rule('{branch: "a b"}'), 'autobuild.yaml:5: repositories[0].rules[0].branch is no name of a branch'],
    [rule('{tag: "/(/"}'), 'autobuild.yaml:5: repositories[0].rules[0].tag is no regular expression'],
    [
      rule('{branch: a, image-tag: [ok, "-"]}'),
      'autobuild.yaml:5: repositories[0].rules[0].image-tag[1] is "-", which',
    ],
    [rule('{branch: a, dockerfile: ../x}'), 'autobuild.yaml:5: repositories[0].rules[0].dockerfile must be a path'],
    [rule('{branch: a, context: "a#b"}'), 'autobuild.yaml:5: repositories[0].rules[0].context must be a path'],
  ])('%j', (text, message) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'config-invalid' }) as Error)
    expect(() => parse(text)).toThrow(message)
  })
})
