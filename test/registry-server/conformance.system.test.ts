/** The embedded registry in the four workflows of the OCI distribution-spec. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Step, workflows } from '../support/distribution-workflows.ts'
import { type TestRegistry, startEmbeddedRegistry } from '../support/registries.ts'

let registry: TestRegistry
/** Where the last upload goes on. */
let location = ''
beforeAll(async () => {
  registry = await startEmbeddedRegistry()
})
afterAll(() => registry.stop())

async function take({
  ask: [method, path],
  body,
  headers,
  status,
  answers = {},
  code,
  bytes,
  json,
}: Step): Promise<void> {
  const response = await fetch(new URL(path.replace('<location>', location), `http://${registry.address}`), {
    method,
    headers: headers ?? {},
    ...(body && { body: new Uint8Array(body) }),
  })
  const answer = Buffer.from(await response.arrayBuffer())
  expect(response.status, answer.toString()).toBe(status)
  if (status === 202) location = response.headers.get('location') ?? location
  for (const [header, value] of Object.entries(answers)) {
    if (value === true) expect(response.headers.get(header)).toBeTruthy()
    else expect(response.headers.get(header)).toBe(value)
  }
  if (code !== undefined) {
    expect(JSON.parse(answer.toString())).toMatchObject({ errors: [{ code, message: expect.any(String) as string }] })
  }
  if (bytes) expect(answer.equals(bytes)).toBe(true)
  if (json) expect(json[0](JSON.parse(answer.toString()) as never)).toEqual(json[1])
}

describe.each(workflows)('%s', (_workflow, steps) => {
  test.each(steps.map((step, i) => ({ ...step, line: `${i + 1} ${step.title}: ${step.ask[0]}` })))('$line', take)
})

test('nothing of the above was an internal error', () => {
  expect(registry.failures).toEqual([])
})
