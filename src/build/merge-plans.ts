/** Plans for several platforms as one, so that a step that they share is done once. */
import { formatPlatform, type Platform } from '../oci/platform.ts'
import type { Plan, PlannedLine } from '../plan/contract.ts'

/** A plan and what it is for. */
export interface PlatformPlan {
  readonly plan: Plan
  readonly platform: Platform
}

/** Steps and display lines of all plans; a step is known by what it does, so equal ones are one. Lines say their platform. */
export function mergePlans(plans: readonly PlatformPlan[]): Pick<Plan, 'steps' | 'lines'> {
  const [only] = plans
  if (plans.length === 1) return only!.plan
  const lines = plans.flatMap(({ plan, platform }) => plan.lines.map((line) => placed(line, formatPlatform(platform))))
  return {
    steps: new Map(plans.flatMap(({ plan }) => [...plan.steps])),
    lines: lines.map((line, i) => ({ ...line, ordinal: i + 1, total: lines.length })),
  }
}

function placed(line: PlannedLine, platform: string): PlannedLine {
  return { ...line, id: `${platform} ${line.id}`, stage: `${platform} ${line.stage}` }
}
