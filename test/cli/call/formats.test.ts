/** The answers of `--check` and `--call` as text and as data. */
import { describe, expect, it } from 'vitest'
import { parseCall } from '../../../src/cli/call/call.ts'
import { checkList, checkText, lintResult } from '../../../src/cli/call/check-formats.ts'
import { outlineJson, outlineText, targetsJson, targetsText } from '../../../src/cli/call/describe.ts'
import { sarif } from '../../../src/cli/call/sarif.ts'
import type { CheckResult } from '../../../src/build/check.ts'
import { WherryError } from '../../../src/core/errors.ts'
import { parseChecked } from '../../../src/dockerfile/checks/parse-checked.ts'
import { type RuleName, ruleUrl, rules } from '../../../src/dockerfile/checks/rules.ts'
import { parseDockerfile } from '../../../src/dockerfile/parse.ts'

const text = 'FROM scratch as a\nENV x=1 \\\n\n  y=2\nMAINTAINER me\n'
const source = { file: 'sub dir/Dockerfile', text }
const { checks } = parseChecked(text, { file: 'Dockerfile', buildArgs: {} })
const found: CheckResult = { text, findings: checks.found() }
const error = new WherryError('dockerfile-syntax', 'unknown instruction: X', {
  at: { file: 'Dockerfile', startLine: 5, endLine: 5 },
})
const page = 'https://docs.docker.com/go/dockerfile/rule/'

describe('what is asked', () => {
  const ask = (call?: string, format?: string, check = false): ReturnType<typeof parseCall> =>
    parseCall({ call, check, format })
  it('is read as buildx reads it', () => {
    expect([ask(), ask('build'), ask('')]).toEqual([undefined, undefined, undefined])
    expect(ask('check')).toEqual({ method: 'check', format: 'text', ignoreStatus: false })
    expect(ask('lint,format=json')).toEqual({ method: 'check', format: 'result', ignoreStatus: false })
    expect(ask('check,ignorestatus=1')).toMatchObject({ ignoreStatus: true })
    expect(ask('outline,format=json')).toMatchObject({ method: 'outline', format: 'result' })
    expect(ask('targets', 'json')).toMatchObject({ method: 'targets', format: 'result' })
    expect(ask(undefined, 'json', true)).toMatchObject({ method: 'check', format: 'json' })
    expect(ask('outline', 'sarif', true)).toMatchObject({ method: 'check', format: 'sarif' })
  })

  it.each([
    ['other'],
    ['check,outline'],
    ['check,format=xml'],
    ['outline,format=sarif'],
    ['check,x=y'],
    ['check,ignorestatus=maybe'],
    ['build', 'json'],
  ])('is refused if it is nothing: %s %s', (call, format?: string) => {
    expect(() => ask(call, format)).toThrow(expect.objectContaining({ code: 'usage' }))
  })
})

describe('findings', () => {
  it('are text as docker prints it', () => {
    const lines = [
      'Check complete, 3 warnings have been found!',
      '',
      `WARNING: FromAsCasing - ${page}from-as-casing/`,
      "'as' and 'FROM' keywords' casing do not match",
      'sub dir/Dockerfile:1',
      '--------------------',
      '   1 | >>> FROM scratch as a',
      '   2 |     ENV x=1 \\',
      '   3 |     ',
      '--------------------',
      '',
      `WARNING: NoEmptyContinuation - ${page}no-empty-continuation/`,
      'Empty continuation line',
      'sub dir/Dockerfile:4',
      '--------------------',
      '   2 |     ENV x=1 \\',
      '   3 |     ',
      '   4 | >>>   y=2',
      '   5 |     MAINTAINER me',
      '   6 |     ',
      '--------------------',
    ]
    expect(checkText(found, source)).toMatch(new RegExp(`^${lines.map(literal).join('\n')}\n\nWARNING: Maintainer`))
  })

  it('that are none are said to be none, unless there is an error', () => {
    expect(checkText({ findings: [] }, source)).toBe('Check complete, no warnings found.\n')
    expect(checkText({ findings: [], error }, source)).toBe('')
    expect(checkText({ findings: found.findings.slice(0, 1) }, source)).toMatch(/^Check complete, 1 warning has been/)
  })

  it('are a list for programs', () => {
    const list = JSON.parse(checkList(found.findings, source)) as object[]
    expect(list[1]).toEqual({
      rule: 'NoEmptyContinuation',
      message: 'Empty continuation line',
      description: rules.NoEmptyContinuation.description,
      url: `${page}no-empty-continuation/`,
      file: 'sub dir/Dockerfile',
      line: 4,
      endLine: 4,
    })
  })

  it('are the result of the frontend', () => {
    const result = JSON.parse(lintResult({ ...found, error }, source)) as Record<string, object[]>
    expect(result['warnings']![0]).toEqual({
      ruleName: 'FromAsCasing',
      description: rules.FromAsCasing.description,
      url: `${page}from-as-casing/`,
      detail: "'as' and 'FROM' keywords' casing do not match",
      location: { ranges: [{ start: { line: 1 }, end: { line: 1 } }] },
    })
    const data = Buffer.from(text).toString('base64')
    expect(result['sources']).toEqual([{ filename: 'sub dir/Dockerfile', data, language: 'Dockerfile' }])
    expect(result['buildError']).toEqual({
      message: 'dockerfile parse error on line 5: unknown instruction: X',
      location: { ranges: [{ start: { line: 5 }, end: { line: 5 } }] },
    })
    expect(JSON.parse(lintResult({ ...found, findings: [] }, source))).toMatchObject({ warnings: [] })
  })
})

interface SarifResult {
  ruleId: string
  ruleIndex: number
  level: string
  message: { text: string }
  locations: {
    physicalLocation: { artifactLocation: { uri: string }; region: { startLine: number; endLine: number } }
  }[]
}

describe('SARIF', () => {
  const log = JSON.parse(sarif({ ...found, error }, source)) as {
    version: string
    runs: { tool: { driver: { name: string; rules: Record<string, unknown>[] } }; results: SarifResult[] }[]
  }
  const [run] = log.runs
  const { driver } = run!.tool

  it('has each rule once, with its page', () => {
    expect(log.version).toBe('2.1.0')
    expect(driver.name).toBe('wherry')
    const ids = driver.rules.map((rule) => rule['id'])
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toEqual([...Object.keys(rules), 'dockerfile-syntax'])
    for (const rule of driver.rules.slice(0, -1)) {
      expect(rule['helpUri']).toBe(ruleUrl(rule['id'] as RuleName))
      expect(rule['shortDescription']).toEqual({ text: expect.stringMatching(/./) as string })
    }
  })

  it('has results that point to their rules and to relative places', () => {
    expect(run!.results.map((r) => [r.level, r.ruleId])).toEqual([
      ['warning', 'FromAsCasing'],
      ['warning', 'NoEmptyContinuation'],
      ['warning', 'MaintainerDeprecated'],
      ['error', 'dockerfile-syntax'],
    ])
    for (const { ruleId, ruleIndex, message, locations } of run!.results) {
      expect(driver.rules[ruleIndex]!['id']).toBe(ruleId)
      expect(message.text).not.toBe('')
      const { artifactLocation, region } = locations[0]!.physicalLocation
      expect(artifactLocation.uri).toBe('sub%20dir/Dockerfile')
      expect(region.startLine).toBeGreaterThan(0)
      expect(region.endLine).toBeGreaterThanOrEqual(region.startLine)
    }
  })
})

describe('stages and parameters', () => {
  const stages = '# build makes it\nFROM a AS build\nFROM b\n# last is the result\nFROM --platform=x build AS last\n'
  const parsed = parseDockerfile(stages, { file: 'Dockerfile' }).stages
  const at = { file: 'Dockerfile', startLine: 2, endLine: 2 }
  const outline = {
    name: 'last',
    description: 'is the result',
    args: [{ name: 'V', value: '1', description: 'is a number', at }],
    secrets: [{ name: 'word', required: true, at }],
    ssh: [{ name: 'default', required: false, at }],
  }
  const location = { ranges: [{ start: { line: 2 }, end: { line: 2 } }] }

  it('are text as buildx prints it', () => {
    expect(targetsText(parsed)).toBe(
      'TARGET         DESCRIPTION\nbuild          makes it\n               \nlast (default) is the result\n',
    )
    expect(outlineText(outline)).toBe(
      'TARGET:      last\nDESCRIPTION: is the result\n\n' +
        'BUILD ARG   VALUE   DESCRIPTION\nV           1       is a number\n\n' +
        'SECRET   REQUIRED\nword     true\n\nSSH       REQUIRED\ndefault   \n\n',
    )
    expect(outlineText({ name: '', description: '', args: [], secrets: [], ssh: [] })).toBe('')
  })

  it('are the results of the frontend', () => {
    const data = Buffer.from(stages).toString('base64')
    expect(JSON.parse(targetsJson(parsed, stages))).toEqual({
      targets: [
        { name: 'build', description: 'makes it', base: 'a', location },
        { base: 'b', location: { ranges: [{ start: { line: 3 }, end: { line: 3 } }] } },
        {
          name: 'last',
          default: true,
          description: 'is the result',
          base: 'build',
          platform: 'x',
          location: { ranges: [{ start: { line: 5 }, end: { line: 5 } }] },
        },
      ],
      sources: [data],
    })
    expect(JSON.parse(outlineJson(outline, stages))).toEqual({
      name: 'last',
      description: 'is the result',
      args: [{ name: 'V', description: 'is a number', value: '1', location }],
      secrets: [{ name: 'word', required: true, location }],
      ssh: [{ name: 'default', location }],
      sources: [data],
    })
  })
})

function literal(line: string): string {
  return line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
