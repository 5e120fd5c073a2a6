/** Which refs rules take, and what tags come of them. */
import { describe, expect, it } from 'vitest'
import type { Rule } from '../../src/autobuild/contract.ts'
import { byVersion, isTagTemplate, matchRule, refPattern } from '../../src/autobuild/rules.ts'

const ruleOf = (kind: 'branch' | 'tag', text: string, ...imageTags: string[]): Rule => ({
  key: 'k',
  ref: refPattern(kind, text),
  imageTags: imageTags.length === 0 ? ['latest'] : imageTags,
  dockerfile: 'Dockerfile',
  context: '',
  target: undefined,
  buildArgs: [],
  platforms: [],
})
const tagsOf = (rule: Rule, ref: string): string[] | undefined =>
  matchRule(rule, { image: 'r/app' }, ref)?.images.map((image) => image.replace('r/app:', ''))

describe('a rule', () => {
  it.each<[kind: 'branch' | 'tag', pattern: string, ref: string, tags: string[] | undefined]>([
    ['branch', 'main', 'refs/heads/main', ['latest']],
    ['branch', 'main', 'refs/heads/main2', undefined],
    ['branch', 'main', 'refs/heads/x/main', undefined],
    ['branch', 'main', 'refs/tags/main', undefined],
    ['tag', 'main', 'refs/heads/main', undefined],
    ['branch', 'refs/heads/main', 'refs/heads/main', ['latest']],
    ['branch', 'a.c', 'refs/heads/abc', undefined],
    ['branch', 'rel/*', 'refs/heads/rel/1.0', ['latest']],
    ['branch', 'rel/*', 'refs/heads/rel', undefined],
    ['branch', 'v?', 'refs/heads/v1', ['latest']],
    ['branch', 'v?', 'refs/heads/v12', undefined],
    ['tag', '/v\\d+/', 'refs/tags/v12', ['latest']],
    ['tag', '/v\\d+/', 'refs/tags/v12-rc', undefined],
    ['tag', '/a|b/', 'refs/tags/ab', undefined],
    ['branch', '*', 'refs/pull/1/head', undefined],
    ['branch', '*', 'refs/heads/a b', undefined],
    ['branch', '*', 'refs/heads/a/-b', undefined],
    ['branch', '*', `refs/heads/${'a'.repeat(300)}`, undefined],
  ])('%s %s and %s', (kind, pattern, ref, tags) => {
    expect(tagsOf(ruleOf(kind, pattern), ref)).toEqual(tags)
  })

  it.each<[pattern: string, template: string, name: string, tag: string]>([
    ['/v(\\d+)\\.(\\d+).*/', '{\\1}.{\\2}', 'v1.22.3', '1.22'],
    ['/v(\\d+)/', 'release-{1}', 'v7', 'release-7'],
    ['rel/*', 'r-{\\1}', 'rel/9', 'r-9'],
    ['*', '{sourceref}', 'feature/log in', 'feature-log-in'],
    ['*', '{sourceref}', '.hidden', 'hidden'],
    ['*', '{sourceref}', 'x'.repeat(200), 'x'.repeat(128)],
    ['/v(\\d+)(-rc)?/', 'v{1}{2}', 'v1', 'v1'],
  ])('%s as %s makes of %s the tag %s', (pattern, template, name, tag) => {
    const rule = ruleOf('tag', pattern, template)
    expect(tagsOf(rule, `refs/tags/${name}`)).toEqual(name.includes(' ') ? undefined : [tag])
  })

  it('makes several tags, each once, and none of nothing', () => {
    const rule = ruleOf('tag', '/v(\\d*)/', 'latest', 'v{1}', 'v{1}')
    expect(tagsOf(rule, 'refs/tags/v2')).toEqual(['latest', 'v2'])
    expect(tagsOf(ruleOf('tag', '/v(\\d*)/', '{1}'), 'refs/tags/v')).toBeUndefined()
  })

  it.each(['', ' ', 'a b', 'a..b', 'a~1', '-x', 'x/', 'a[b]', '*/*/*/*', '/(/', '/(a+)+/', '/(a*){2,}b/'])(
    'cannot be about "%s"',
    (pattern) => {
      expect(() => refPattern('branch', pattern)).toThrow(/is no|has more|repeats/)
    },
  )
})

it('templates are tags with places in them', () => {
  const texts = ['latest', '{sourceref}', 'v{\\1}', '{1}', '1.2', '-x', '{other}', 'a b', '']
  expect(texts.filter(isTagTemplate)).toEqual(['latest', '{sourceref}', 'v{\\1}', '{1}', '1.2'])
})

it('versions are in the order of their numbers', () => {
  expect(['v10', 'v9', 'v1.10', 'v1.9'].sort(byVersion)).toEqual(['v1.9', 'v1.10', 'v9', 'v10'])
})
