/** The build checks by the names that docker gives them, as data: docs/checks.md, reports and the checks themselves read this table. */

/** One check. */
export interface Rule {
  /** What it is about, in docker's words: programs compare them. */
  readonly description: string
  /** Last part of the page about it; undefined if there is none. */
  readonly page?: string
  /** Off unless `# check=experimental=…` asks for it. */
  readonly experimental?: true
  /** Why it matters, for the documentation. */
  readonly why: string
  /** Lines that break it, and lines that do not. */
  readonly bad: string
  readonly good: string
}

/** All checks, in docker's order. */
export const rules = {
  StageNameCasing: {
    description: 'Stage names should be lowercase',
    page: 'stage-name-casing',
    why: 'Stage names are compared in lower case, so a name in another case hides which stages are the same.',
    bad: 'FROM alpine AS BuilderBase',
    good: 'FROM alpine AS builder-base',
  },
  FromAsCasing: {
    description: "The 'as' keyword should match the case of the 'from' keyword",
    page: 'from-as-casing',
    why: 'Keywords in one case make a line easy to read.',
    bad: 'FROM alpine as builder',
    good: 'FROM alpine AS builder',
  },
  NoEmptyContinuation: {
    description: 'Empty continuation lines will become errors in a future release',
    page: 'no-empty-continuation',
    why: 'A blank line inside a continued instruction looks like its end and is not. A comment line may stand there.',
    bad: 'RUN make && \\\n\n    make install',
    good: 'RUN make && \\\n    make install',
  },
  ConsistentInstructionCasing: {
    description: 'All commands within the Dockerfile should use the same casing (either upper or lower)',
    page: 'consistent-instruction-casing',
    why: 'Instructions in one case stand out from their arguments. What most of the file does counts.',
    bad: 'FROM alpine\nrun apk add curl\nCMD ["curl"]',
    good: 'FROM alpine\nRUN apk add curl\nCMD ["curl"]',
  },
  DuplicateStageName: {
    description: 'Stage names should be unique',
    page: 'duplicate-stage-name',
    why: '`--from` and `--target` take the last stage of a name; the others cannot be reached by it.',
    bad: 'FROM alpine AS build\nFROM debian AS build',
    good: 'FROM alpine AS build-alpine\nFROM debian AS build-debian',
  },
  ReservedStageName: {
    description: 'Reserved words should not be used as stage names',
    page: 'reserved-stage-name',
    why: '`scratch` is the empty image and `context` the build context; a stage of that name cannot be told from them.',
    bad: 'FROM alpine AS scratch',
    good: 'FROM alpine AS base',
  },
  JSONArgsRecommended: {
    description: 'JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals',
    page: 'json-args-recommended',
    why: 'Without JSON the command runs below a shell, which keeps signals such as that of `docker stop` to itself. A SHELL instruction says that the shell is wanted.',
    bad: 'ENTRYPOINT my-program start',
    good: 'ENTRYPOINT ["my-program", "start"]',
  },
  MaintainerDeprecated: {
    description: 'The MAINTAINER instruction is deprecated, use a label instead to define an image author',
    page: 'maintainer-deprecated',
    why: 'Tools read the author from the label `org.opencontainers.image.authors`.',
    bad: 'MAINTAINER me@example.org',
    good: 'LABEL org.opencontainers.image.authors="me@example.org"',
  },
  UndefinedArgInFrom: {
    description: 'FROM command must use declared ARGs',
    page: 'undefined-arg-in-from',
    why: 'FROM sees the ARGs before the first FROM and the platform args, nothing else: a name that is neither is empty.',
    bad: 'FROM node:22${VARIANT} AS jsbuilder',
    good: 'ARG VARIANT="-alpine3.20"\nFROM node:22${VARIANT} AS jsbuilder',
  },
  WorkdirRelativePath: {
    description:
      'Relative workdir without an absolute workdir declared within the build can have unexpected results if the base image changes',
    page: 'workdir-relative-path',
    why: 'A relative WORKDIR starts from that of the base image, which may be another one tomorrow.',
    bad: 'FROM nginx\nWORKDIR usr/share/nginx/html',
    good: 'FROM nginx\nWORKDIR /usr/share/nginx/html',
  },
  UndefinedVar: {
    description: 'Variables should be defined before their use',
    page: 'undefined-var',
    why: 'A variable that no ARG, ENV or base image sets is empty, mostly because of a typing error.',
    bad: 'FROM alpine\nCOPY $foo .',
    good: 'FROM alpine\nARG foo\nCOPY $foo .',
  },
  MultipleInstructionsDisallowed: {
    description: 'Multiple instructions of the same type should not be used in the same stage',
    page: 'multiple-instructions-disallowed',
    why: 'Of several CMD, ENTRYPOINT or HEALTHCHECK in a stage only the last one counts.',
    bad: 'CMD ["echo", "one"]\nCMD ["echo", "two"]',
    good: 'CMD ["echo", "two"]',
  },
  LegacyKeyValueFormat: {
    description: 'Legacy key/value format with whitespace separator should not be used',
    page: 'legacy-key-value-format',
    why: 'Without `=` everything behind the name is the value, so there can be one pair only.',
    bad: 'ENV DIR /app',
    good: 'ENV DIR=/app',
  },
  InvalidBaseImagePlatform: {
    description: 'Base image platform does not match expected target platform',
    why: 'Programs of the base image do not run on the platform that the image is built for.',
    bad: '# FROM names an image of linux/arm64, and the build is for linux/amd64\nFROM example.org/only-for-arm64',
    good: '# an image of several platforms, or the one that is wanted\nFROM alpine',
  },
  RedundantTargetPlatform: {
    description: 'Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior',
    page: 'redundant-target-platform',
    why: 'A base image is looked up for the target platform anyway.',
    bad: 'FROM --platform=$TARGETPLATFORM alpine AS build',
    good: 'FROM alpine AS build',
  },
  SecretsUsedInArgOrEnv: {
    description: 'Sensitive data should not be used in the ARG or ENV commands',
    page: 'secrets-used-in-arg-or-env',
    why: 'Values of ARG and ENV are in the image and its history for everybody to read. `RUN --mount=type=secret` leaves no trace.',
    bad: 'ARG AWS_SECRET_ACCESS_KEY',
    good: 'RUN --mount=type=secret,id=AWS_SECRET_ACCESS_KEY ./deploy',
  },
  InvalidDefaultArgInFrom: {
    description: 'Default value for global ARG results in an empty or invalid base image name',
    page: 'invalid-default-arg-in-from',
    why: 'The file does not build without a `--build-arg` that nothing in it asks for.',
    bad: 'ARG TAG\nFROM busybox:${TAG}',
    good: 'ARG TAG=latest\nFROM busybox:${TAG}',
  },
  FromPlatformFlagConstDisallowed: {
    description: 'FROM --platform flag should not use a constant value',
    page: 'from-platform-flag-const-disallowed',
    why: 'A constant makes the image one of that platform, whatever the build asks for. A stage whose name has the platform in it means it.',
    bad: 'FROM --platform=linux/amd64 alpine AS base',
    good: 'FROM --platform=$BUILDPLATFORM alpine AS base',
  },
  CopyIgnoredFile: {
    description: 'Attempting to Copy file that is excluded by .dockerignore',
    page: 'copy-ignored-file',
    why: 'What .dockerignore excludes is not in the context, and the copy fails. Files with `!` lines are not checked.',
    bad: '# .dockerignore has the line: tmp\nCOPY ./tmp/app /app',
    good: '# .dockerignore does not exclude the folder\nCOPY ./build/app /app',
  },
  InvalidDefinitionDescription: {
    description:
      'Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not intended to be a description comment, add an empty line or comment between the instruction and the comment.',
    page: 'invalid-definition-description',
    experimental: true,
    why: 'The comment above an ARG or a stage describes it in `--call outline` and `--call targets`, if it begins with the name. An empty comment line (`#`) between them ends a comment that means something else.',
    bad: '# what this is for\nARG VERSION=1',
    good: '# VERSION is the version that is built\nARG VERSION=1',
  },
  ExposeProtoCasing: {
    description: 'Protocol in EXPOSE instruction should be lowercase',
    page: 'expose-proto-casing',
    why: 'Protocols are written in lower case everywhere else.',
    bad: 'EXPOSE 80/TcP',
    good: 'EXPOSE 80/tcp',
  },
  ExposeInvalidFormat: {
    description:
      'IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future release',
    page: 'expose-invalid-format',
    why: 'An image cannot choose addresses and ports of the host; only the part behind the last colon is used.',
    bad: 'EXPOSE 127.0.0.1:80:80',
    good: 'EXPOSE 80',
  },
} as const satisfies Readonly<Record<string, Rule>>

/** The name of a check. */
export type RuleName = keyof typeof rules

/** A check by its name. */
export function ruleOf(name: RuleName): Rule {
  return rules[name]
}

/** The page about a check; undefined if there is none. */
export function ruleUrl(name: RuleName): string | undefined {
  const { page } = ruleOf(name)
  return page === undefined ? undefined : `https://docs.docker.com/go/dockerfile/rule/${page}/`
}
