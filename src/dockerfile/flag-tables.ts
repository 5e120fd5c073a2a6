/** The flags of every instruction that takes any: what the parser reads, and what the support table lists. */

const copied = { chown: 'string', chmod: 'string', link: 'boolean', exclude: 'list' } as const

/** By instruction, the flags of docker/dockerfile:1 with what each takes. */
export const flagTables = {
  ADD: { ...copied, checksum: 'string', 'keep-git-dir': 'boolean', unpack: 'boolean' },
  COPY: { ...copied, from: 'string', parents: 'boolean' },
  FROM: { platform: 'string' },
  HEALTHCHECK: {
    interval: 'string',
    timeout: 'string',
    'start-period': 'string',
    'start-interval': 'string',
    retries: 'string',
  },
  RUN: { mount: 'list', network: 'string', security: 'string', device: 'list' },
} as const
