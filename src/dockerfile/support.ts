/** What wherry makes of every instruction and flag of docker/dockerfile:1: the source of the support table and of refusals. */
import type { flagTables } from './flag-tables.ts'
import type { Instruction } from './instructions.ts'

/** `yes`: as BuildKit does it. `part`: with a difference, which the note names. `refused`: an error, for the reason in the note. */
export interface Support {
  readonly state: 'yes' | 'part' | 'refused'
  readonly note: string
}

type Kind = Instruction['kind']
type FlagsOf<K extends Kind> = K extends keyof typeof flagTables ? keyof (typeof flagTables)[K] : never

/** An instruction and its flags. The type asks for an entry for every flag that the parser knows. */
type InstructionSupport<K extends Kind> = Support & { readonly flags: { readonly [F in FlagsOf<K>]: Support } }

const yes = (note: string): Support => ({ state: 'yes', note })

/** By instruction. */
export const instructionSupport: { readonly [K in Kind]: InstructionSupport<K> } = {
  ADD: {
    ...yes('files, archives (gzip, bzip2, xz, zstd, none), URLs, git repositories and heredocs'),
    flags: {
      chown: yes("numbers, or names from the target's passwd and group; an unknown name is an error"),
      chmod: yes('octal, or letters as in `u=rwX,go=rX`'),
      link: yes('a layer of its own, which never needs the files below it'),
      exclude: yes('patterns of .dockerignore, relative to the source'),
      checksum: yes('of URLs and of git commits'),
      'keep-git-dir': yes('of git repositories'),
      unpack: yes('also for URLs'),
    },
  },
  ARG: { ...yes('with all predefined args of BuildKit'), flags: {} },
  CMD: { ...yes(''), flags: {} },
  COPY: {
    ...yes('from the context, named contexts, stages and images; heredocs'),
    flags: {
      chown: yes("numbers, or names from the target's passwd and group; an unknown name is an error"),
      chmod: yes('octal, or letters as in `u=rwX,go=rX`'),
      link: yes('a layer of its own, which never needs the files below it'),
      exclude: yes('patterns of .dockerignore, relative to the source'),
      from: yes('a stage by name or number, an image, or a named context'),
      parents: yes('with `/./` as the pivot'),
    },
  },
  ENTRYPOINT: { ...yes(''), flags: {} },
  ENV: { ...yes(''), flags: {} },
  EXPOSE: { ...yes(''), flags: {} },
  FROM: {
    ...yes('images, stages, named contexts and scratch'),
    flags: { platform: yes('a RUN for another platform needs its emulator in binfmt_misc') },
  },
  HEALTHCHECK: {
    ...yes(''),
    flags: {
      interval: yes(''),
      timeout: yes(''),
      'start-period': yes(''),
      'start-interval': yes(''),
      retries: yes(''),
    },
  },
  LABEL: { ...yes(''), flags: {} },
  MAINTAINER: { ...yes('deprecated by docker: use LABEL org.opencontainers.image.authors'), flags: {} },
  ONBUILD: { ...yes('with any instruction but ONBUILD, FROM and MAINTAINER'), flags: {} },
  RUN: {
    ...yes('shell form, exec form, heredocs and scripts in heredocs'),
    flags: {
      mount: yes('bind, cache, tmpfs, secret and ssh, with their options'),
      network: { state: 'part', note: '`default` and `host` are the network of this machine, `none` is none' },
      security: { state: 'part', note: '`sandbox`; `insecure` would need privileges that wherry never has' },
      device: { state: 'refused', note: 'devices of the machine need privileges that wherry never has' },
    },
  },
  SHELL: { ...yes(''), flags: {} },
  STOPSIGNAL: { ...yes(''), flags: {} },
  USER: { ...yes(''), flags: {} },
  VOLUME: { ...yes('as in BuildKit, later changes are kept; --compat-volumes drops them'), flags: {} },
  WORKDIR: { ...yes(''), flags: {} },
}
