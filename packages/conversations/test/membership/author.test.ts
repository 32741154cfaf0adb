import type { DeviceState, DeviceStatus } from '@keyhaven/directory'
import { describe, expect, test } from 'vitest'
import { authorKeyAt, currentAuthorKey } from '../../src/membership/author.ts'
import { AUTHOR_SKEW_SECONDS } from '../../src/membership/limits.ts'
import { codeOf, newHash, newId, START, TestPeople } from './kit.ts'

const SKEW = AUTHOR_SKEW_SECONDS

describe('the key that a device had then', async () => {
  const people = new TestPeople()
  const { recorded } = await people.record('ana', {
    issued: START,
    supersededAt: START + 5_000,
    expires: START + 9_000,
  })
  const at = (time: number, over = {}) =>
    codeOf(() => authorKeyAt([{ ...recorded, ...over }], recorded, time))

  test.each([
    ['before it was recorded', START - SKEW - 1, {}, 'SIGNATURE_INVALID'],
    ['when it was recorded, by a slow clock', START - SKEW, {}, 'none'],
    ['while it was the newest', START + 1, {}, 'none'],
    ['when it was renewed, by a fast clock', START + 5_000 + SKEW, {}, 'none'],
    ['after it was renewed', START + 5_001 + SKEW, {}, 'KEY_EXPIRED'],
    ['after its end', START + 9_001 + SKEW, { supersededAt: undefined }, 'KEY_EXPIRED'],
    ['before its revocation', START + 100, { revokedAt: START + 200 }, 'none'],
    ['after its revocation', START + 201 + SKEW, { revokedAt: START + 200 }, 'SENDER_REVOKED'],
  ])('%s', async (_, time, over, code) => {
    expect(await at(time, over)).toBe(code)
  })

  test('another entry, device or chain is none of its', async () => {
    for (const over of [{ entry: newHash() }, { device: newId() }, { chain: 1 }]) {
      const by = { ...recorded, ...over }
      expect(await codeOf(() => authorKeyAt([recorded], by, START))).toBe('SIGNATURE_INVALID')
    }
    const { device, entry } = recorded
    expect(authorKeyAt([recorded], { device, entry }, START)).toBe(recorded)
  })
})

describe('the key that a device has now', async () => {
  const { by, signer } = await new TestPeople().device('ana')
  const found = (status: DeviceStatus, over: Partial<DeviceState> = {}) => {
    const record = { entry: by.entry, profile: 'x25519', signingKey: signer.jwk }
    const device = { device: by.device, chain: by.chain, status, record, ...over } as unknown as DeviceState
    return { username: 'ana', device }
  }

  test('is the newest of a valid device', () => {
    expect(currentAuthorKey(found('valid'), by)).toEqual({ algorithm: 'EdDSA', jwk: signer.jwk })
  })

  test.each([
    ['revoked', 'DEVICE_REVOKED'],
    ['expired', 'KEY_EXPIRED'],
    ['not-yet-valid', 'KEY_NOT_YET_VALID'],
  ] as const)('is none of one that is %s', async (status, code) => {
    expect(await codeOf(() => currentAuthorKey(found(status), by))).toBe(code)
  })

  test('is none of a stranger, of another user, chain or entry', async () => {
    expect(await codeOf(() => currentAuthorKey(undefined, by))).toBe('SIGNATURE_INVALID')
    const other = { ...by, username: 'ben' }
    expect(await codeOf(() => currentAuthorKey(found('valid'), other))).toBe('SIGNATURE_INVALID')
    expect(await codeOf(() => currentAuthorKey(found('valid', { chain: 1 }), by))).toBe('SIGNATURE_INVALID')
    expect(await codeOf(() => currentAuthorKey(found('valid'), { ...by, entry: newHash() }))).toBe('CONFLICT')
  })
})
