/** The suite that every snapshotter passes. */
import { applyCases } from './apply-cases.ts'
import type { Case } from './bench.ts'
import { changeCases } from './change-cases.ts'
import { lifeCases } from './life-cases.ts'
import { randomCases } from './random-cases.ts'

/** All cases, in order. */
export const snapshotterCases: readonly Case[] = [...lifeCases, ...applyCases, ...changeCases, ...randomCases]
