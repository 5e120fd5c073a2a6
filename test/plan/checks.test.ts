/** Each build check, on what breaks it and on what comes close. Rules, lines and messages are docker's. */
import { describe, expect, it } from 'vitest'
import { type RuleName, ruleOf, rules } from '../../src/dockerfile/checks/rules.ts'
import { checked, imageNamed } from './checked.ts'

const finds = async (text: string, expected: readonly string[], options = {}): Promise<void> => {
  expect(await checked(text, options)).toEqual({ found: expected, error: undefined })
}

describe('the example of', () => {
  const options = { ignored: 'tmp\n', buildArgs: {} }
  const whole = (name: RuleName, example: string): string => {
    const head = ruleOf(name).experimental ? '# check=experimental=all\n' : ''
    const isWhole = /^(ARG|FROM)/m.test(example) && example.includes('FROM ')
    return `${head}${isWhole ? '' : 'FROM scratch\n'}${example}\n`
  }

  it.each(Object.keys(rules) as RuleName[])('%s is found, and its remedy is not', async (name) => {
    const { bad, good } = rules[name]
    const ofBad = await checked(whole(name, bad), { ...options, buildArgs: { TAG: '1' } })
    const ofGood = await checked(whole(name, good), options)
    expect(ofBad.found.filter((line) => line.startsWith(`${name}:`))).toHaveLength(1)
    expect(ofGood.found.filter((line) => line.startsWith(`${name}:`))).toEqual([])
  })
})

describe('names and keywords', () => {
  it.each([
    ['FROM scratch AS Upper\n', ["StageNameCasing:1 Stage name 'Upper' should be lowercase"]],
    ['FROM scratch as x\n', ["FromAsCasing:1 'as' and 'FROM' keywords' casing do not match"]],
    ['from scratch AS x\n', ["FromAsCasing:1 'AS' and 'from' keywords' casing do not match"]],
    ['from scratch as x\nfrom scratch as y\n', []],
    [
      'From scratch as x\nFROM scratch AS y\n',
      ["ConsistentInstructionCasing:1 Command 'From' should match the case of the command majority (uppercase)"],
    ],
    [
      'frOM scratch as x\nfrom scratch as y\n',
      ["ConsistentInstructionCasing:1 Command 'frOM' should match the case of the command majority (lowercase)"],
    ],
    [
      'FROM scratch\nenv a=1\nENV b=1\n',
      ["ConsistentInstructionCasing:2 Command 'env' should match the case of the command majority (uppercase)"],
    ],
    [
      'FROM scratch\nenv a=1\nenv b=1\nenv c=1\n',
      ["ConsistentInstructionCasing:1 Command 'FROM' should match the case of the command majority (lowercase)"],
    ],
    [
      'from scratch\nENV a=1\n',
      ["ConsistentInstructionCasing:1 Command 'from' should match the case of the command majority (uppercase)"],
    ],
    ['arg a=scratch\nFROM $a\nENV a=1\n', []],
    ['from scratch\nenv a=1\n', []],
    [
      'FROM scratch AS b\nFROM scratch AS B2\nFROM b AS b\n',
      [
        "StageNameCasing:2 Stage name 'B2' should be lowercase",
        'DuplicateStageName:3 Duplicate stage name "b", stage names should be unique',
      ],
    ],
    [
      'FROM scratch AS scratch\nFROM scratch AS context\n',
      [
        'ReservedStageName:1 Stage name should not use the same name as reserved stage "scratch"',
        'ReservedStageName:2 Stage name should not use the same name as reserved stage "context"',
      ],
    ],
    [
      'FROM scratch\nMAINTAINER me\n',
      ['MaintainerDeprecated:2 Maintainer instruction is deprecated in favor of using label'],
    ],
    ['FROM scratch\nENV a=1 \\\n\n  b=2\nENV c=3 \\\n  d=4\n', ['NoEmptyContinuation:4 Empty continuation line']],
    ['FROM scratch\nENV a=1 \\\n# why\n  b=2\n', []],
  ])('%j', finds)
})

describe('commands', () => {
  const once = (name: string): string =>
    `Multiple ${name} instructions should not be used in the same stage because only the last one will be used`
  const json = (name: string): string =>
    `JSON arguments recommended for ${name} to prevent unintended behavior related to OS signals`
  it.each([
    ['FROM scratch\nCMD run\n', [`JSONArgsRecommended:2 ${json('CMD')}`]],
    ['FROM scratch\nENTRYPOINT run\n', [`JSONArgsRecommended:2 ${json('ENTRYPOINT')}`]],
    ['FROM scratch\nSHELL ["/sh"]\nCMD run\n', []],
    ['FROM scratch AS a\nSHELL ["/sh"]\nFROM a\nENTRYPOINT run\n', []],
    [
      'FROM scratch\nCMD ["a"]\nCMD ["b"]\nCMD ["c"]\n',
      [2, 3].map((n) => `MultipleInstructionsDisallowed:${n} ${once('CMD')}`),
    ],
    [
      'FROM scratch\nENTRYPOINT ["a"]\nHEALTHCHECK CMD ["a"]\nENV a=1\nHEALTHCHECK NONE\nENTRYPOINT ["b"]\n',
      [
        `MultipleInstructionsDisallowed:2 ${once('ENTRYPOINT')}`,
        `MultipleInstructionsDisallowed:3 ${once('HEALTHCHECK')}`,
      ],
    ],
    ['FROM scratch AS a\nCMD ["a"]\nFROM a\nCMD ["b"]\n', []],
  ])('%j', finds)

  it('take a SHELL that the base image sets for the answer', async () => {
    await finds('FROM base\nCMD run\n', [], { base: imageNamed('base', { Shell: ['/bin/sh', '-c'] }) })
  })
})

describe('pairs and secrets', () => {
  const secret = (kind: string, name: string): string =>
    `Do not use ARG or ENV instructions for sensitive data (${kind} "${name}")`
  it.each([
    [
      'FROM scratch\nENV k v\n',
      ['LegacyKeyValueFormat:2 "ENV key=value" should be used instead of legacy "ENV key value" format'],
    ],
    [
      'FROM scratch\nLABEL k v\n',
      ['LegacyKeyValueFormat:2 "LABEL key=value" should be used instead of legacy "LABEL key value" format'],
    ],
    ['FROM scratch\nENV k= l=v\nLABEL k="" l=v\n', []],
    ['FROM scratch\nARG SECRET_WORD\n', [`SecretsUsedInArgOrEnv:2 ${secret('ARG', 'SECRET_WORD')}`]],
    [
      'FROM scratch\nENV Password=a apikey=b sun=c\n',
      ['Password', 'apikey'].map((name) => `SecretsUsedInArgOrEnv:2 ${secret('ENV', name)}`),
    ],
    [
      'FROM scratch\nARG my_super_token=a auth=b\n',
      ['my_super_token', 'auth'].map((name) => `SecretsUsedInArgOrEnv:2 ${secret('ARG', name)}`),
    ],
    ['FROM scratch\nENV GIT_KEY=\n', [`SecretsUsedInArgOrEnv:2 ${secret('ENV', 'GIT_KEY')}`]],
    ['FROM scratch\nENV PUBLIC_KEY=a TOKEN_FILE=b AUTH_VERSION=c monkey=d\nARG public_token\n', []],
    ['ARG PASSWORD\nFROM scratch\n', []],
  ])('%j', finds)
})

describe('variables', () => {
  const unset = (line: number, name: string, near = ''): string =>
    `UndefinedVar:${line} Usage of undefined variable '$${name}'${near && ` (did you mean $${near}?)`}`
  it.each([
    ['FROM scratch\nARG a\nCOPY f$a /\n', []],
    ['FROM scratch AS one\nARG a=f\nFROM one\nCOPY $a /\n', []],
    ['FROM scratch\nRUN echo $nothing\n', []],
    ['FROM scratch\nCOPY $a /\nARG a=1\n', [unset(2, 'a')]],
    ['FROM scratch\nCOPY $a $a\n', [unset(2, 'a')]],
    ['FROM scratch\nARG DIR_ONE=1 DIR_TWO=2\nCOPY $DIR_ON /\n', [unset(3, 'DIR_ON', 'DIR_ONE')]],
    ['FROM scratch\nENV PATH=$PAHT:/bin\n', [unset(2, 'PAHT', 'PATH')]],
    ['FROM scratch\nENV path=$paht:/bin\n', [unset(2, 'paht')]],
    ['FROM scratch\nENV a=${b:-c}\n', [unset(2, 'b')]],
    ['FROM scratch\nARG a=$b c=$a\n', [unset(2, 'b')]],
    ['FROM scratch\nCOPY <<EOF /\n$a\nEOF\nCOPY <<"EOF" /\n$b\nEOF\n', [unset(2, 'a')]],
    ['FROM scratch AS a\nCOPY $x /\nFROM scratch\nUSER $y\n', [unset(2, 'x'), unset(4, 'y')]],
    ['FROM scratch\nEXPOSE 80$nothing\n', []],
    ['FROM scratch\nENV a=$BUILDKIT_SBOM_SCAN_STAGE\n', []],
  ])('%j', finds)

  it('of stages that are not built are no matter of a build', async () => {
    await finds('FROM scratch AS a\nCOPY $x /\nFROM scratch\nUSER $y\n', [unset(4, 'y')], { allStages: false })
  })

  it('may come from the base image', async () => {
    await finds('FROM base\nCOPY $HERE /\n', [], { base: imageNamed('base', { Env: ['HERE=/x'] }) })
  })

  it('may come from a base image that cannot be looked up', async () => {
    const base = imageNamed('base')
    await finds('FROM base AS a\nFROM a\nCOPY $HERE /\n', [], { base, unknownBases: new Set([base]) })
  })
})

describe('FROM', () => {
  const undeclared = (line: number, name: string, near = ''): string =>
    `UndefinedArgInFrom:${line} FROM argument '${name}' is not declared${near && ` (did you mean ${near}?)`}`
  const redundant = (written: string): string =>
    `RedundantTargetPlatform:1 Setting platform to predefined ${written} in FROM is redundant as this is the default behavior`
  const noDefault = (line: number, name: string): string =>
    `InvalidDefaultArgInFrom:${line} Default value for ARG ${name} results in empty or invalid base image name`
  it.each([
    ['ARG base=scratch\nFROM $base\n', []],
    ['ARG V\nFROM scratch${V}\n', []],
    ['ARG V\nFROM scra${V:-tch}\n', []],
    ['ARG V=""\nFROM scratch${V-@x}\n', []],
    ['FROM --platform=$BUILDPLATFORM scratch\n', []],
    ['ARG BUILDPLATFORM=linux/amd64\nFROM --platform=$BUILDPLATFORM scratch\n', []],
    ['ARG tag=1\nFROM box:${tag}${other} AS b\n', [undeclared(2, 'other')]],
    ['ARG version=1\nFROM box:1${verson}\n', [undeclared(2, 'verson', 'version')]],
    ['FROM --platform=$TARGETPLATFORM scratch\n', [redundant('$TARGETPLATFORM')]],
    ['FROM --platform=${TARGETPLATFORM} scratch\n', [redundant('${TARGETPLATFORM}')]],
    ['FROM --platform=$TARGETOS/$TARGETARCH scratch\n', []],
    [
      'FROM --platform=linux/arm64 scratch\n',
      ['FromPlatformFlagConstDisallowed:1 FROM --platform flag should not use constant value "linux/arm64"'],
    ],
    ['FROM --platform=linux/arm64 scratch AS my_arm64\n', []],
    ['FROM --platform=linux/arm64 scratch AS linux\n', []],
  ])('%j', finds)

  it.each([
    ['ARG V\nFROM box:$V\n', { V: '1' }, [noDefault(2, 'box:$V')]],
    ['ARG I\nFROM $I\n', { I: 'box' }, [noDefault(2, '$I')]],
    ['ARG S="x:"\nFROM bo${S}\n', { S: 'x' }, [noDefault(2, 'bo${S}')]],
    ['ARG V=1\nFROM box:${V}\n', { V: '2' }, []],
    ['ARG V=""\nFROM box:a${V}\n', { V: '-b' }, []],
    ['ARG V\nFROM box:a${V}\n', { V: '-b' }, []],
    ['FROM scratch AS Upper\nFROM Upper\n', {}, ["StageNameCasing:1 Stage name 'Upper' should be lowercase"]],
  ])('%j with %j', (text, buildArgs, expected) => finds(text, expected, { buildArgs }))

  it('fails as in BuildKit, with the name that is nearest', async () => {
    expect(await checked('FROM --platform=$BULIDPLATFORM scratch\n')).toEqual({
      found: [undeclared(1, 'BULIDPLATFORM', 'BUILDPLATFORM')],
      error: 'empty platform value from expression $BULIDPLATFORM (did you mean BUILDPLATFORM?)',
    })
    expect(await checked('ARG MY_ARCH=amd64\nFROM --platform=linux/${MYARCH} box\n')).toEqual({
      found: [undeclared(2, 'MYARCH', 'MY_ARCH')],
      error:
        'failed to parse platform linux/${MYARCH}: "" is an invalid component of "linux/": platform specifier component ' +
        'must match "^[A-Za-z0-9_.-]+$": invalid argument (did you mean MY_ARCH?)',
    })
  })

  it('names images of the platform', async () => {
    const message = (name: string): string =>
      `Base image ${name} was pulled with platform "linux/arm64", expected "linux/amd64" for current build`
    await finds('FROM of-arm64\nCOPY --from=more-arm64 / /\n', [
      `InvalidBaseImagePlatform:1 ${message('of-arm64')}`,
      `InvalidBaseImagePlatform:2 ${message('more-arm64')}`,
    ])
  })
})

describe('paths and ports', () => {
  const relative = (line: number, path: string): string =>
    `WorkdirRelativePath:${line} Relative workdir "${path}" can have unexpected results if the base image changes`
  const casing = (word: string): string =>
    `ExposeProtoCasing:2 Defined protocol '${word}' in EXPOSE instruction should be lowercase`
  const mapping = (word: string): string =>
    `ExposeInvalidFormat:2 EXPOSE instruction should not define an IP address or host-port mapping, found '${word}'`
  it.each([
    ['FROM scratch\nWORKDIR app/\n', [relative(2, 'app/')]],
    ['FROM scratch\nWORKDIR a\nWORKDIR b\n', [relative(2, 'a')]],
    ['FROM scratch AS a\nWORKDIR /app\nFROM a\nWORKDIR sub\n', []],
    ['FROM scratch\nEXPOSE 80/TcP 81/UDP 82/udp\n', [casing('80/TcP'), casing('81/UDP')]],
    [
      'FROM scratch\nEXPOSE 127.0.0.1:80:80 [::1]:81:81 82:82 83 :84\n',
      [mapping('127.0.0.1:80:80'), mapping('82:82'), mapping('[::1]:81:81')],
    ],
  ])('%j', finds)
})

describe('ignored files', () => {
  const ignored = (line: number, verb: string, file: string): string =>
    `CopyIgnoredFile:${line} Attempting to ${verb} file "${file}" that is excluded by .dockerignore`
  it.each([
    ['FROM scratch\nCOPY f .\nADD ./f /\n', 'f\n', [ignored(2, 'Copy', 'f'), ignored(3, 'Add', 'f')]],
    ['FROM scratch\nCOPY d/f .\n', 'd\n', [ignored(2, 'Copy', 'd/f')]],
    ['FROM scratch AS a\nCOPY g .\nFROM a\nCOPY --from=a /f f /\n', 'f\n', []],
    ['FROM scratch\nCOPY ./f .\n', '**\n!f\n', []],
    ['FROM scratch\nCOPY . .\n', '.*\n', []],
    ['FROM scratch\nCOPY . .\n', '*\n', [ignored(2, 'Copy', '.')]],
    ['FROM scratch\nADD https://example.org/f /\nCOPY <<f /\nx\nf\n', 'f\nhttps:*\n', []],
    ['FROM scratch\nCOPY f .\n', '', []],
  ])('%j with %j', (text, ignore, expected) => finds(text, expected, { ignored: ignore }))
})

describe('descriptions', () => {
  const wrong = (line: number, kind: string, name: string): string =>
    `InvalidDefinitionDescription:${line} Comment for ${kind} should follow the format: \`# ${name} <description>\``
  const on = '# check=experimental=InvalidDefinitionDescription\n'
  it.each([
    [`${on}# a is this\nARG a=1\n# base is that\nFROM scratch AS base\n#\n# c is\nARG b=1 c=2\n`, []],
    [`${on}# something\n#\nARG a=1\nFROM scratch\n# any\nENV x=1\n`, []],
    [`${on}# b is this\nARG a=1\n# Base is\nFROM scratch AS base\n`, [wrong(3, 'ARG', 'a'), wrong(5, 'FROM', 'base')]],
    [`${on}FROM scratch\n# no\nARG a=1 b=2\n`, [wrong(4, 'ARG', '<arg_key>')]],
    [`${on}# any\nFROM scratch\n`, []],
    ['# b is\nARG a=1\nFROM scratch\n', []],
  ])('%j', finds)
})

describe('comments and options', () => {
  it.each([
    ['# check=skip=all\nFROM scratch as a\ncmd x\n', []],
    [
      '#check=skip=ConsistentInstructionCasing, FromAsCasing\nFROM scratch as a\n',
      ["FromAsCasing:2 'as' and 'FROM' keywords' casing do not match"],
    ],
    ['#check=skip=FromAsCasing;error=true\nFROM scratch as a\n', []],
    ['FROM scratch\n# check=skip=JSONArgsRecommended\nCMD x\n', []],
    ['FROM scratch\n# check=skip=JSONArgsRecommended // on purpose\nENTRYPOINT x\n', []],
    ['FROM scratch\n# check=skip=all\nMAINTAINER me\n', []],
    ['FROM scratch\n# check=skip=WorkdirRelativePath\nWORKDIR a\n', []],
    ['FROM scratch\n# check=skip=LegacyKeyValueFormat\nENV a b\n', []],
    ['\n# check=skip=RedundantTargetPlatform\nFROM --platform=$TARGETPLATFORM scratch\n', []],
    [
      '# check=skip=all;experimental=InvalidDefinitionDescription\n# x is\nARG a\nFROM scratch\n',
      ['InvalidDefinitionDescription:3 Comment for ARG should follow the format: `# a <description>`'],
    ],
    [
      'FROM scratch\n# check=skip=Other\nWORKDIR a\n',
      ['WorkdirRelativePath:3 Relative workdir "a" can have unexpected results if the base image changes'],
    ],
    [
      'FROM scratch\n# check=nonsense\nWORKDIR a\n',
      ['WorkdirRelativePath:3 Relative workdir "a" can have unexpected results if the base image changes'],
    ],
  ])('%j', finds)

  it('may make errors of findings', async () => {
    const text = '# check=error=true\nFROM scratch as a\nWORKDIR x\n'
    const { found, error } = await checked(text)
    expect(found).toHaveLength(2)
    expect(error).toBe('lint violation found for rules: FromAsCasing, WorkdirRelativePath')
  })

  it('come from the build arg, if there is one', async () => {
    const text = '# check=skip=all\nFROM scratch as a\n'
    const given = (options: string): object => ({ buildArgs: { BUILDKIT_DOCKERFILE_CHECK: options } })
    expect((await checked(text, given('error=true'))).error).toBe('lint violation found for rules: FromAsCasing')
    expect((await checked(text, given(''))).found).toHaveLength(1)
    expect(await checked('# check=error=true\nFROM scratch as a\n', given('skip=all'))).toEqual({
      found: [],
      error: undefined,
    })
  })

  it('that cannot be read are errors', async () => {
    expect((await checked('# check=nonsense\nFROM scratch\n')).error).toBe(
      'failed to parse check options: invalid check option "nonsense"',
    )
    expect(
      (await checked('FROM scratch\n', { buildArgs: { BUILDKIT_DOCKERFILE_CHECK: 'error=maybe' } })).error,
    ).toContain('failed to parse build-arg:BUILDKIT_DOCKERFILE_CHECK: failed to parse check option "error=maybe"')
  })
})

it('tells what stands before a syntax error', async () => {
  expect(await checked('FROM scratch AS Bad\nMAINTAINER me\nBADCMD\nMAINTAINER you\n')).toEqual({
    found: [
      "StageNameCasing:1 Stage name 'Bad' should be lowercase",
      'MaintainerDeprecated:2 Maintainer instruction is deprecated in favor of using label',
    ],
    error: 'unknown instruction: BADCMD',
  })
})

describe('the checks take their time in proportion to the text', () => {
  const many = (n: number, line: (i: number) => string): string => Array.from({ length: n }, (_, i) => line(i)).join('')
  it.each([
    ['near names', `FROM scratch\n${many(4000, (i) => `ENV aa${i}=1\n`)}${many(4000, (i) => `USER $ab${i}\n`)}`],
    ['comments', `FROM scratch\n${many(9000, (i) => `# c${i}\n`)}ENV ${many(5000, (i) => `a${i}=$b${i} `)}\n`],
    ['long names', `FROM scratch\nENV ${'a'.repeat(30_000)}=1\nUSER $${'a'.repeat(29_999)}b\n`],
    ['stages', many(2500, (i) => `FROM scratch as A${i}\n`)],
  ])('with many %s', async (_, text) => {
    const started = performance.now()
    const { found, error } = await checked(text)
    expect([found.length > 0, error]).toEqual([true, undefined])
    expect(performance.now() - started).toBeLessThan(4000)
  })
})
