/** docs/checks.md, from the table that the checks read. */
import { type RuleName, ruleOf, ruleUrl, rules } from '../../src/dockerfile/checks/rules.ts'

const introduction = `# Build checks

Made from the table that the checks read; \`npx vitest run -u test/cli/docs.test.ts\` renews it.

Every build makes these checks and tells at its end what they found; \`wherry build --check .\` makes them and does not build.
They are those of \`docker build --check\`, under the same names.

## Asking

| command | answer |
| --- | --- |
| \`wherry build --check .\` | text as docker prints it; exit code 1 if there is a finding |
| \`wherry build --check --format json .\` | a list of objects with rule, message, description, url, file, line and endLine |
| \`wherry build --check --format sarif .\` | SARIF 2.1.0, which code hosts show in pull requests |
| \`wherry build --call check,format=json .\` | the JSON of docker's frontend (\`frontend.lint\`) |
| \`wherry build --call check,ignorestatus=true .\` | as \`--check\`, with exit code 0 for findings |
| \`wherry build --call outline .\` | the args, secrets and ssh sockets that the target takes |
| \`wherry build --call targets .\` | the stages, with what the comments above them say |

All stages are checked, or with \`--target\` what that stage needs. Nothing is run and no layer is fetched; of a base image only
the config is looked up, since it may set variables. Where it cannot be reached, that is told, and what depends on it is not checked.

## Choosing

A line at the top of the Dockerfile chooses for the file; the build arg \`BUILDKIT_DOCKERFILE_CHECK\` stands above it, with the same words:

\`\`\`dockerfile
# check=skip=JSONArgsRecommended,StageNameCasing;error=true
\`\`\`

- \`skip=RULE,RULE\` or \`skip=all\` leaves checks out.
- \`error=true\` makes the build fail if there is a finding, before anything is built.
- \`experimental=RULE,RULE\` or \`experimental=all\` asks for checks that are off by default.

The same line right above an instruction holds for that instruction alone:

\`\`\`dockerfile
# check=skip=SecretsUsedInArgOrEnv
ARG TOKEN_KIND_AUTH=none
\`\`\``

/** The whole document. */
export function checksDocument(): string {
  const names = Object.keys(rules) as RuleName[]
  const rows = names.map((name) => `| [${name}](#${name.toLowerCase()}) | ${ruleOf(name).description} |`)
  const list = ['## Checks', ['| check | finds |', '| --- | --- |', ...rows].join('\n')]
  return `${[introduction, ...list, ...names.map(section)].join('\n\n')}\n`
}

function section(name: RuleName): string {
  const { description, why, bad, good, experimental } = ruleOf(name)
  const url = ruleUrl(name)
  return [
    `### ${name}`,
    `${description}${/[.]$/.test(description) ? '' : '.'}${experimental ? ' Off by default.' : ''}`,
    why,
    `Found:\n\n\`\`\`dockerfile\n${bad}\n\`\`\``,
    `Not found:\n\n\`\`\`dockerfile\n${good}\n\`\`\``,
    ...(url === undefined ? [] : [`More: <${url}>`]),
  ].join('\n\n')
}
