/** What the checks found as SARIF 2.1.0, the format in which code hosts take the findings of tools. */
import type { CheckResult } from '../../build/check.ts'
import { type SourceRange, type WherryError, WherryErrors } from '../../core/errors.ts'
import { type Rule, type RuleName, ruleUrl, rules } from '../../dockerfile/checks/rules.ts'
import { version } from '../version.ts'
import type { Source } from './source.ts'

const ruleNames = Object.keys(rules) as RuleName[]

/** The log of one run. https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html */
export function sarif({ findings, error }: Pick<CheckResult, 'findings' | 'error'>, source: Source): string {
  const errors = error === undefined ? [] : error instanceof WherryErrors ? error.errors : [error]
  const codes = [...new Set(errors.map(({ code }) => code))]
  const results = findings.map(({ rule, message, at }) => ({
    ruleId: rule,
    ruleIndex: ruleNames.indexOf(rule),
    level: 'warning',
    message: { text: message },
    locations: [location(source, at)],
  }))
  const failures = errors.map((one) => ({
    ruleId: one.code,
    ruleIndex: ruleNames.length + codes.indexOf(one.code),
    level: 'error',
    message: { text: one.message },
    locations: [location(source, one.at)],
  }))
  const driver = {
    name: 'wherry',
    version,
    rules: [...ruleNames.map((name) => descriptor(name, rules[name])), ...codes.map(errorDescriptor)],
  }
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver }, columnKind: 'unicodeCodePoints', results: [...results, ...failures] }],
  }
  return `${JSON.stringify(log, undefined, 2)}\n`
}

function descriptor(name: RuleName, { description, why }: Rule): object {
  return {
    id: name,
    name,
    shortDescription: { text: description },
    fullDescription: { text: why },
    help: { text: why },
    helpUri: ruleUrl(name),
    defaultConfiguration: { level: 'warning' },
  }
}

function errorDescriptor(code: WherryError['code']): object {
  return {
    id: code,
    shortDescription: { text: 'The Dockerfile cannot be built' },
    defaultConfiguration: { level: 'error' },
  }
}

function location({ file }: Source, at: SourceRange | undefined): object {
  const { startLine = 1, endLine = 1 } = at ?? {}
  const uri = file.split('/').map(encodeURIComponent).join('/')
  return { physicalLocation: { artifactLocation: { uri }, region: { startLine, endLine } } }
}
