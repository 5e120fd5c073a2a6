/** What the checks found, as text, as a list, and as the result of docker's frontend. */
import type { CheckResult } from '../../build/check.ts'
import { type WherryError, WherryErrors } from '../../core/errors.ts'
import type { Finding } from '../../dockerfile/checks/checks.ts'
import { ruleOf, ruleUrl } from '../../dockerfile/checks/rules.ts'
import { type Source, excerpt, locationJson } from './source.ts'

/** As `docker build --check` prints it, without the error. */
export function checkText({ findings, error }: Pick<CheckResult, 'findings' | 'error'>, source: Source): string {
  if (findings.length === 0) return error === undefined ? 'Check complete, no warnings found.\n' : ''
  const many = findings.length === 1 ? '1 warning has' : `${findings.length} warnings have`
  const parts = findings.flatMap((finding) => [...findingHead(finding), ...excerpt(source, finding.at)])
  return [`Check complete, ${many} been found!`, ...parts].map((line) => `${line}\n`).join('')
}

function findingHead({ rule, message }: Finding): string[] {
  const url = ruleUrl(rule)
  return ['', `WARNING: ${rule}${url === undefined ? '' : ` - ${url}`}`, message]
}

/** A list of findings, one object each, for programs. */
export function checkList(findings: readonly Finding[], { file }: Source): string {
  const list = findings.map(({ rule, message, at }) => ({
    rule,
    message,
    description: ruleOf(rule).description,
    url: ruleUrl(rule),
    file,
    line: at.startLine,
    endLine: at.endLine,
  }))
  return `${JSON.stringify(list, undefined, 2)}\n`
}

/** The result of the subrequest `frontend.lint`: https://github.com/moby/buildkit/blob/master/frontend/subrequests/lint/lint.go */
export function lintResult({ findings, error, text }: CheckResult, { file }: Source): string {
  const result = {
    warnings: findings.map(({ rule, message, at }) => ({
      ruleName: rule,
      description: ruleOf(rule).description,
      url: ruleUrl(rule),
      detail: message,
      location: locationJson(at),
    })),
    sources: [{ filename: file, data: Buffer.from(text).toString('base64'), language: 'Dockerfile' }],
    ...(error && { buildError: buildError(error) }),
  }
  return `${JSON.stringify(result, undefined, 2)}\n`
}

/** The first of several, in the words of docker's frontend. */
function buildError(error: WherryError): object {
  const first = error instanceof WherryErrors ? error.errors[0]! : error
  const { code, message, at } = first
  const where =
    code === 'dockerfile-syntax' && at !== undefined ? `dockerfile parse error on line ${at.startLine}: ` : ''
  return { message: `${where}${message}`, location: at === undefined ? {} : locationJson(at) }
}
