import { describe, expect, test } from 'vitest'
import type { Device } from '../src/api/directory-devices.ts'
import type { ChainEntry } from '../src/api/directory-users.ts'
import { describeDaysLeft, urgencyColour } from '../src/directory/days-left.ts'
import { describeEntry } from '../src/directory/describe-entry.ts'
import { deviceSubject } from '../src/directory/device-subject.ts'
import { segmentToUsername, usernameToSegment } from '../src/directory/directory-path.ts'
import { enrollCode } from '../src/directory/enroll-code.ts'
import { profileLabel } from '../src/directory/profile-label.ts'
import { checkSignUpToken, draftToSignUpToken, EMPTY_SIGN_UP } from '../src/directory/sign-up-token-draft.ts'
import { checkConfirmation } from '../src/parts/confirmation.ts'

const NOW = Date.parse('2026-11-21T12:00:00Z')

describe('a username in an address', () => {
  test('comes back whole, whatever is in it', () => {
    for (const name of [
      'alice',
      'a@b.example',
      'a/b',
      '100%',
      '%2F',
      '~',
      '~2F',
      '..',
      'ünï 雪',
      '?#&',
      '🙂',
    ]) {
      const segment = usernameToSegment(name)
      expect(segment, name).not.toMatch(/[%/?#]/)
      expect(segmentToUsername(segment), name).toBe(name)
    }
  })

  test('a segment that no name gives is none', () => {
    for (const segment of ['~', '~zz', '~ff', '%41']) expect(segmentToUsername(segment)).toBeUndefined()
  })
})

describe('a sign-up token', () => {
  const checked = (part: Partial<typeof EMPTY_SIGN_UP>) =>
    checkSignUpToken({ ...EMPTY_SIGN_UP, ...part }, NOW)

  test('needs a username of a length and of signs that the directory takes', () => {
    expect(checked({ username: '  ' }).username).toContain('Type the name')
    expect(checked({ username: 'x'.repeat(129) }).username).toContain('128')
    expect(checked({ username: 'a\tb' }).username).toContain('tab')
    expect(checked({ username: '..' }).username).toContain('dots')
    expect(checked({ username: '🙂'.repeat(128) })).toEqual({})
  })

  test('is not issued for a time that is over', () => {
    expect(checked({ username: 'a', expires: '2020-01-01T00:00' }).expires).toBeDefined()
    expect(checked({ username: 'a', expires: '2030-01-01T00:00' })).toEqual({})
  })

  test('sends the name as NFC, and only what was chosen', () => {
    expect(draftToSignUpToken({ ...EMPTY_SIGN_UP, username: ' Zoe\u0308 ' })).toEqual({
      username: 'Zo\u00eb',
    })
    expect(draftToSignUpToken({ username: 'a', expires: '2030-01-01T00:00', profile: 'x25519' })).toEqual({
      username: 'a',
      expiresAt: new Date('2030-01-01T00:00').toISOString(),
      profile: 'x25519',
    })
  })

  test('comes with code that enrolls with it', () => {
    const code = enrollCode({
      url: 'https://keys.example.com',
      applicationId: 'bank-app',
      rootThumbprints: ['first', 'spare'],
      log: 'origin+0a+key',
      username: "o'neill",
      token: 'khs_x',
      profile: null,
    })
    expect(code).toMatchInlineSnapshot(`
      "import { connect } from '@keyhaven/sdk'

      const kh = connect({
        url: 'https://keys.example.com',
        applicationId: 'bank-app',
        trust: {
          rootThumbprints: [
            'first',
            'spare',
          ],
          log: 'origin+0a+key',
        },
      })

      // Give it a store, or the device is lost with the process: indexedDbMessageStore() in a browser,
      // sqliteStore() of @keyhaven/sdk/node in Node.
      const me = await kh.enroll({
        username: 'o\\'neill',
        token: 'khs_x',
      })
      "
    `)
  })

  test('for one profile says so in the code', () => {
    const code = enrollCode({
      url: 'https://keys.example.com',
      applicationId: 'bank-app',
      rootThumbprints: [],
      log: '',
      username: 'a',
      token: 'khs_x',
      profile: 'rsa3072',
    })
    expect(code).toContain("token: 'khs_x',\n  profile: 'rsa3072',\n})")
  })
})

describe('days left', () => {
  const after = (hours: number): string => new Date(NOW + hours * 3_600_000).toISOString()
  test('are counted in whole days', () => {
    expect(describeDaysLeft(after(-1), NOW)).toBe('Over')
    expect(describeDaysLeft(after(23), NOW)).toBe('Less than a day')
    expect(describeDaysLeft(after(47), NOW)).toBe('1 day')
    expect(describeDaysLeft(after(48), NOW)).toBe('2 days')
  })

  test('have the colour of their urgency', () => {
    expect([1, 5, 20].map((days) => urgencyColour(after(days * 24), NOW))).toEqual(['red', 'orange', 'blue'])
  })
})

test('a profile that this page does not know is shown as it is named', () => {
  expect(profileLabel('x-wing')).toBe('X-Wing')
  expect(profileLabel('toString')).toBe('toString')
})

describe('what is typed to revoke a device', () => {
  const device = 'Qk3vC0b9mA2fJmXyT1uWnQ'
  test('is its name where that can be typed', () => {
    expect(deviceSubject({ name: ' Alice’s phone', device })).toMatchObject({
      id: 'Alice’s phone',
      what: 'name',
    })
    expect(
      checkConfirmation(
        { id: 'x', reason: 'lost', consent: false },
        deviceSubject({ name: 'Laptop', device }),
      ),
    ).toEqual({ id: 'Type Laptop, the name of this device' })
  })

  test('is its id where it cannot', () => {
    for (const name of ['', '   ', 'a\u202Eb', 'x'.repeat(41)]) {
      expect(deviceSubject({ name, device })).toEqual({ kind: 'device', id: device })
    }
  })
})

describe('an entry of a chain reads as what happened', () => {
  const PHONE = 'phone-id'
  const LAPTOP = 'laptop-id'
  const devices = [
    { device: PHONE, name: 'Phone' },
    { device: LAPTOP, name: '' },
  ] as unknown as readonly Device[]
  const at = (minutes: number): string => new Date(NOW + minutes * 60_000).toISOString()
  const link = (sequence: number, part: Partial<ChainEntry>): ChainEntry => ({
    sequence,
    chain: 0,
    kind: 'device',
    hash: `hash-${sequence}`,
    acceptedAt: at(sequence),
    logIndex: sequence,
    signer: { kind: 'device', device: PHONE },
    device: null,
    reason: null,
    effectiveAt: null,
    objectsTo: null,
    ...part,
  })
  const entries = [
    link(0, { device: PHONE }),
    link(1, { device: LAPTOP }),
    link(2, { kind: 'recovery', effectiveAt: at(2) }),
    link(3, { device: PHONE }),
    link(4, { kind: 'revocation', device: LAPTOP, reason: 'lost?', effectiveAt: at(4 + 1_440) }),
    link(5, { kind: 'objection', signer: { kind: 'device', device: LAPTOP }, objectsTo: 'hash-4' }),
    link(6, { kind: 'revocation', device: PHONE, effectiveAt: at(6) }),
    link(7, { kind: 'revocation', device: LAPTOP, signer: { kind: 'authority' }, reason: 'stolen' }),
    link(8, { kind: 'reset', chain: 1, signer: { kind: 'authority' }, reason: 'both lost' }),
    link(9, { device: PHONE, chain: 1 }),
  ]

  test('each by its kind and its signer', () => {
    const titles = entries.map((entry) => describeEntry(entry, entries, devices).title)
    expect(titles).toEqual([
      '“Phone” enrolled as first device',
      'The device laptop-id added, approved by “Phone”',
      'Recovery key set by “Phone”',
      '“Phone” renewed its keys',
      'The device laptop-id revoked by “Phone”',
      'The device laptop-id objected to the revocation of the device laptop-id',
      '“Phone” revoked by itself',
      'The device laptop-id revoked by the operator',
      'User reset by the operator',
      '“Phone” enrolled as first device',
    ])
  })

  test('with its reason, and whether it can still be objected to', () => {
    expect(describeEntry(entries[4]!, entries, devices).lines).toEqual([
      'Reason: lost?',
      'It takes effect a day later; until then a device of the user can object.',
    ])
    expect(describeEntry(entries[6]!, entries, devices).lines).toEqual([])
    expect(describeEntry(entries[7]!, entries, devices).lines).toEqual(['Reason: stolen'])
  })
})
