import { describe, expect, test } from 'vitest'
import type { Share } from '../src/api/identity-shares.ts'
import { adviceOn } from '../src/identity/describe-rejection.ts'
import { identityPartsFor } from '../src/identity/identity-access.ts'
import { shareState } from '../src/identity/identity-states.ts'
import { prettyJson, readDocument } from '../src/identity/policy-document.ts'
import { rotationOf } from '../src/identity/rotation.ts'

describe('which parts a session sees', () => {
  const stations = ['registrations', 'stations']
  const partners = ['partners', 'policies', 'shares', 'events']
  test.each([
    ['main', ['admin'], [...stations, ...partners, 'vault']],
    ['main', ['auditor'], [...stations, ...partners, 'vault']],
    ['main', ['registration-officer'], stations],
    ['main', ['partner-manager'], partners],
    ['main', ['key-manager'], ['vault']],
    ['main', ['partner-manager', 'registration-officer'], [...stations, ...partners]],
    ['main', ['identity-service'], []],
    ['main', [], []],
    ['ida', ['admin'], ['authentications', 'vault']],
    ['ida', ['auditor'], ['authentications', 'vault']],
    ['ida', ['key-manager'], ['vault']],
    ['ida', ['partner-manager'], []],
    ['oprf', ['admin'], []],
  ] as const)('%s server, roles %j', (server, roles, parts) => {
    expect(identityPartsFor(server, roles)).toEqual(parts)
  })
})

describe('the state of a share', () => {
  const NOW = Date.parse('2026-03-01T10:00:00Z')
  const share = (over: Partial<Share>): Share => ({
    ...{ id: 'a', policyId: 'p', policyVersion: 1, subscriberId: 's', bytes: 1, state: 'live' },
    ...{ allowed: 2, remaining: 1, createdAt: '', createdBy: '', expiresAt: '2026-03-01T10:00:01Z' },
    ...over,
  })
  test.each([
    ['Live', {}],
    ['Live', { allowed: -1, remaining: -1 }],
    ['Spent', { remaining: 0 }],
    ['Spent', { remaining: 0, state: 'deleted', expiresAt: '2026-03-01T09:00:00Z' }],
    ['Expired', { expiresAt: '2026-03-01T10:00:00Z' }],
    ['Expired', { state: 'deleted', expiresAt: '2026-03-01T09:00:00Z' }],
    ['Ended early', { state: 'ended' }],
  ] as const)('%s: %j', (label, over) => {
    expect(shareState(share(over), NOW).label).toBe(label)
  })
})

test('a policy’s JSON is read, or what is wrong with it is said', () => {
  expect(readDocument('{"a":1}')).toEqual({ document: { a: 1 } })
  for (const [text, fault] of [
    ['  ', 'Choose a file'],
    ['[]', 'is an object'],
    ['null', 'is an object'],
    ['{"a":', 'This is no JSON. '],
  ] as const) {
    expect(readDocument(text)).toEqual({ fault: expect.stringContaining(fault) })
  }
  expect(prettyJson('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}')
})

test('a rotation is whole only when nothing is left', () => {
  const common = { role: 'main', profile: 'mosip', generations: [], openConflicts: 0 } as const
  expect(rotationOf({ ...common, credentials: { done: 999, left: 1 } })).toMatchObject({
    all: 1_000,
    percent: 99,
  })
  expect(rotationOf({ ...common, credentials: { done: 0, left: 0 } })).toMatchObject({ all: 0, percent: 100 })
  const ida = { ...common, role: 'ida', records: 4, recordsOfOldGenerations: 3 } as const
  expect(rotationOf(ida)).toEqual({ done: 1, all: 4, percent: 25 })
})

test.each([
  ['PACKET_INVALID: operator: not a registration officer at that time', 'officers add'],
  ['PACKET_INVALID: signature of the sub-packet id', 'has another key'],
  ['PACKET_INVALID: date: it is ahead of ours', 'clock'],
  ['PACKET_INVALID: files of the container', 'damaged'],
  ['OPEN_FAILED: decryption failed', 'certificate'],
  ['PACKET_INVALID: biometrics: not of the person who has this UIN', 'not of its holder'],
  ['PACKET_INVALID: 2 people could be meant', 'lost number'],
  ['DUPLICATE: 10001', 'registered already'],
  [null, 'damaged'],
])('%s: says what to do', (reason, advice) => {
  expect(adviceOn(reason)).toContain(advice)
})
