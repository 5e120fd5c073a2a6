import { describe, expect, test } from 'vitest'
import {
  type Credentials,
  changeIds,
  executed,
  isRoot,
  mayChown,
  maySetIds,
  rootCredentials,
} from '../../src/sandbox/credentials.ts'

const web: Credentials = { uids: [33, 33, 33], gids: [33, 33, 33], groups: [44] }
const switching: Credentials = { ...web, uids: [33, 0, 0] }
const uids = (who: Credentials | undefined): unknown => who?.uids

describe('changes of ids', () => {
  test('root takes on any, and with setuid all three', () => {
    expect(uids(changeIds(rootCredentials, 'setuid', [33]))).toEqual([33, 33, 33])
    expect(changeIds(rootCredentials, 'setgid', [44])?.gids).toEqual([44, 44, 44])
    expect(uids(changeIds(rootCredentials, 'setresuid', [1, 2, -1]))).toEqual([1, 2, 0])
  })

  test('the saved id follows as setreuid says', () => {
    expect(uids(changeIds(rootCredentials, 'setreuid', [-1, 33]))).toEqual([0, 33, 33])
    expect(uids(changeIds(rootCredentials, 'setreuid', [-1, 0]))).toEqual([0, 0, 0])
    expect(uids(changeIds(rootCredentials, 'setreuid', [33, -1]))).toEqual([33, 0, 0])
    expect(uids(changeIds(switching, 'setreuid', [0, 33]))).toEqual([0, 33, 33])
  })

  test('others take on what they have, and cannot come back to what they gave up', () => {
    expect(changeIds(web, 'setuid', [0])).toBeUndefined()
    expect(changeIds(web, 'setresuid', [0, -1, -1])).toBeUndefined()
    expect(changeIds(web, 'setreuid', [-1, 0])).toBeUndefined()
    expect(changeIds(web, 'setgid', [44])).toBeUndefined()
    const resting: Credentials = { ...web, uids: [0, 33, 0] }
    expect(uids(changeIds(resting, 'setuid', [0]))).toEqual([0, 0, 0])
    expect(uids(changeIds(resting, 'setresuid', [-1, 0, -1]))).toEqual([0, 0, 0])
    expect(uids(changeIds(web, 'setreuid', [33, -1]))).toEqual([33, 33, 33])
  })

  test('who kept capabilities may change them until it executes something', () => {
    const keeping = changeIds({ ...rootCredentials, keepsCapabilities: true }, 'setresuid', [33, 33, 33])!
    expect(maySetIds(keeping)).toBe(true)
    expect(changeIds(keeping, 'setresgid', [33, 33, 33])?.gids).toEqual([33, 33, 33])
    expect(maySetIds(executed(keeping, {}))).toBe(false)
  })
})

test('executing saves the effective ids, after those of a setuid or setgid file', () => {
  expect(uids(executed({ ...web, uids: [33, 33, 0] }, {}))).toEqual([33, 33, 33])
  const sudo = executed(web, { uid: 0 })
  expect(sudo).toEqual({ uids: [33, 0, 0], gids: [33, 33, 33], groups: [44] })
  expect(uids(changeIds(sudo, 'setuid', [0]))).toEqual([0, 0, 0])
  expect(executed(web, { gid: 42 }).gids).toEqual([33, 42, 42])
})

test('a group alone makes files that are not 0:0', () => {
  expect([isRoot(rootCredentials), isRoot({ ...rootCredentials, gids: [0, 50, 0] }), isRoot(web)]).toEqual([
    true,
    false,
    false,
  ])
})

test('an owner gives a file to its own groups only', () => {
  const own = { uid: 33, gid: 33 }
  const tries = [
    { uid: 0, gid: -1 },
    { uid: -1, gid: 44 },
    { uid: 33, gid: 33 },
    { uid: -1, gid: 45 },
  ]
  expect(tries.map((wanted) => mayChown(web, own, wanted))).toEqual([false, true, true, false])
  expect(tries.map((wanted) => mayChown(web, { uid: 0, gid: 33 }, wanted))).toEqual([false, false, false, false])
  expect(tries.every((wanted) => mayChown(rootCredentials, own, wanted))).toBe(true)
})
