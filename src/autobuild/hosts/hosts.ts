/** The hosts whose webhooks are known. */
import type { HostName } from '../contract.ts'
import { bitbucket } from './bitbucket.ts'
import type { Host } from './delivery.ts'
import { gitea } from './gitea.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'

export const hosts: Readonly<Record<HostName, Host>> = { github, gitlab, gitea, bitbucket }
