import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { KeyState, ManagedE2eKey } from '../src/index.ts'
import {
  activate,
  dueTransitions,
  KEY_ID_COUNT,
  MAX_LIVE_KEYS,
  NEXT_STATES,
  nextKeyId,
  step,
} from '../src/index.ts'
import { checkRevocation } from '../src/revocation.ts'
import { activationTime, checkEnd } from '../src/schedule.ts'

const STATES: readonly KeyState[] = ['pending', 'active', 'retiring', 'revoked']

function key(change: Partial<ManagedE2eKey> = {}): ManagedE2eKey {
  const state = change.state ?? 'active'
  return {
    id: `id-${change.keyId ?? 1}-${state}-${change.createdAt ?? 0}`,
    applicationId: 'demo',
    purpose: 'e2e',
    keyId: 1,
    suite: { kem: 'x-wing', aead: 'aes-256-gcm' },
    state,
    publicKey: new Uint8Array(32),
    wrappedPrivateKey: state === 'revoked' ? undefined : new Uint8Array(60),
    createdAt: 0,
    activateAt: 0,
    activatedAt: null,
    retiringAt: null,
    endAt: null,
    revokedAt: state === 'revoked' ? 1 : null,
    history: [],
    ...change,
  }
}

describe('the states of a key', () => {
  test.each(STATES.flatMap((from) => STATES.map((to) => [from, to] as const)))('%s → %s', (from, to) => {
    const act = () => step(key({ state: from }), to, 5, 'cli:local', 'because')
    if (!NEXT_STATES[from].includes(to)) {
      expect(act).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
      return
    }
    const after = act()
    expect(after.state).toBe(to)
    expect(after.history).toEqual([{ state: to, at: 5, actor: 'cli:local', reason: 'because' }])
    expect(after.wrappedPrivateKey === undefined).toBe(to === 'revoked')
  })

  test('nothing follows revoked', () => {
    expect(NEXT_STATES.revoked).toEqual([])
  })

  test('when a key becomes active, older active ones of the purpose become retiring', () => {
    const [old, young] = [key({ keyId: 1 }), key({ keyId: 2, state: 'pending' })]
    const steps = activate([young, old, key({ keyId: 3, state: 'retiring' })], young, 9, 'system', null)
    expect(steps.map(({ key: { keyId, state } }) => [keyId, state])).toEqual([
      [2, 'active'],
      [1, 'retiring'],
    ])
  })

  test('what is due: planned ends, then activations in their order', () => {
    const keys = [
      key({ keyId: 4, state: 'pending', activateAt: 20, createdAt: 4 }),
      key({ keyId: 3, state: 'pending', activateAt: 8, createdAt: 3 }),
      key({ keyId: 2, state: 'pending', activateAt: 5, createdAt: 2 }),
      key({ keyId: 1, endAt: 7, createdAt: 1 }),
    ]
    expect(dueTransitions(keys, 4)).toEqual([])
    expect(dueTransitions(keys, 10).map(({ key: { keyId, state } }) => [keyId, state])).toEqual([
      [1, 'revoked'],
      [2, 'active'],
      [3, 'active'],
      [2, 'retiring'],
    ])
  })

  test('after any due steps at most one key of a purpose is active', () => {
    const keys = fc.array(
      fc.record({
        state: fc.constantFrom(...STATES),
        activateAt: fc.option(fc.integer({ min: 0, max: 20 })),
        endAt: fc.option(fc.integer({ min: 0, max: 20 })),
      }),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(keys, fc.integer({ min: 0, max: 25 }), (changes, now) => {
        const list = changes.map((change, index) => key({ ...change, keyId: index, id: `id-${index}` }))
        const before = list.filter(({ state }) => state === 'active').length
        const after = new Map(list.map((item) => [item.id, item]))
        for (const { key: changed } of dueTransitions(list, now))
          after.set(changed.id, changed as ManagedE2eKey)
        const active = [...after.values()].filter(({ state }) => state === 'active')
        expect(active.length).toBeLessThanOrEqual(Math.max(1, before))
        for (const item of after.values()) {
          if (item.endAt !== null && item.endAt <= now) expect(item.state).toBe('revoked')
        }
      }),
    )
  })
})

describe('key ids', () => {
  test('the first is 1, then one after the other, 0 last', () => {
    const keys: ManagedE2eKey[] = []
    const given: number[] = []
    for (let n = 0; n < KEY_ID_COUNT; n++) {
      const keyId = nextKeyId(keys)
      given.push(keyId)
      keys.unshift(key({ keyId, state: 'revoked', createdAt: n, revokedAt: 1_000 + n }))
    }
    expect(given[0]).toBe(1)
    expect(given.at(-1)).toBe(0)
    expect(new Set(given).size).toBe(KEY_ID_COUNT)
  })

  test('not reused while another is free; then the one revoked longest ago, never a live one', () => {
    const keys = Array.from({ length: KEY_ID_COUNT }, (_, keyId) =>
      key({
        keyId,
        id: `k${keyId}`,
        state: keyId === 7 ? 'retiring' : 'revoked',
        revokedAt: 500 + ((keyId * 37) % 256),
      }),
    ).reverse()
    const withoutOne = keys.filter(({ keyId }) => keyId !== 93)
    expect(nextKeyId(withoutOne)).toBe(93)
    const reused = nextKeyId(keys)
    expect(reused).not.toBe(7)
    expect(reused).toBe(0)
  })

  test('no more live keys than a manifest can hold', () => {
    const keys = Array.from({ length: MAX_LIVE_KEYS }, (_, keyId) => key({ keyId }))
    expect(() => nextKeyId(keys)).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
  })
})

describe('times', () => {
  test('a key is never active before every process can have it', () => {
    expect(activationTime(1_000, undefined)).toBe(3_000)
    expect(activationTime(1_000, 0)).toBe(3_000)
    expect(activationTime(1_000, 9_000)).toBe(9_000)
  })

  test.each([[-1], [1.5], [Number.NaN], [Number.POSITIVE_INFINITY], [253_402_300_800_000]])(
    '%s is no time',
    (at) => {
      expect(() => activationTime(0, at)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }))
    },
  )

  test('an end lies in the future and behind the activation', () => {
    expect(checkEnd(20, 10, 15)).toBe(20)
    expect(() => checkEnd(10, 10, null)).toThrow(/revoke it/)
    expect(() => checkEnd(15, 10, 15)).toThrow(/later than activateAt/)
  })
})

describe('the last key', () => {
  const active = key({ keyId: 1 })

  test('is not revoked by accident', () => {
    expect(() => checkRevocation(active, [active])).toThrow(/add a key first/)
    expect(() => checkRevocation(active, [active, key({ keyId: 2, state: 'revoked' })])).toThrow(
      /last active/,
    )
    expect(() => checkRevocation(active, [active, key({ keyId: 2, state: 'retiring' })])).toThrow(
      /last active/,
    )
  })

  test('names the pending key that clients would have to wait for', () => {
    const pending = key({ keyId: 2, state: 'pending', activateAt: 86_400_000 })
    expect(() => checkRevocation(active, [pending, active])).toThrow(/key 2 becomes active at 1970-01-02/)
  })

  test('others may go while one is active', () => {
    const retiring = key({ keyId: 2, state: 'retiring' })
    expect(() => checkRevocation(retiring, [active, retiring])).not.toThrow()
    expect(() => checkRevocation(active, [active, key({ keyId: 3 })])).not.toThrow()
  })
})
