import { describe, expect, test } from 'vitest'
import { mergeScopes, parseChallenges, pickChallenge } from '../../src/registry/challenge.ts'

describe('challenges', () => {
  test('are read with quoted and bare parameters', () => {
    const header = 'Bearer realm="https://auth.example.com/token",service=reg,scope="repository:a/b:pull,push"'
    expect(parseChallenges(header)).toEqual([
      {
        scheme: 'bearer',
        parameters: { realm: 'https://auth.example.com/token', service: 'reg', scope: 'repository:a/b:pull,push' },
      },
    ])
  })

  test('come several to a header', () => {
    const header = 'Negotiate, Basic realm="a, b=c \\"d\\"", BEARER Realm = "https://x/"'
    expect(parseChallenges(header)).toEqual([
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'basic', parameters: { realm: 'a, b=c "d"' } },
      { scheme: 'bearer', parameters: { realm: 'https://x/' } },
    ])
  })

  test('that are nonsense are none', () => {
    expect(parseChallenges(undefined)).toEqual([])
    expect(parseChallenges('=,=;"')).toEqual([])
  })

  test('bearer is answered before basic, a bearer without realm not at all', () => {
    const pick = (header: string): string | undefined => pickChallenge(parseChallenges(header))?.scheme
    expect(pick('Basic realm="x", Bearer realm="https://x/"')).toBe('bearer')
    expect(pick('Bearer, Basic')).toBe('basic')
    expect(pick('Negotiate')).toBeUndefined()
  })
})

test('scopes of one resource are united, the first stays first', () => {
  const merged = mergeScopes(['repository:b:pull', 'repository:a:pull,push', 'repository:b:push,pull'])
  expect(merged).toEqual(['repository:b:pull,push', 'repository:a:pull,push'])
  expect(mergeScopes(['repository:h:5000/x:pull repository:y:pull', ''])).toEqual([
    'repository:h:5000/x:pull',
    'repository:y:pull',
  ])
})
