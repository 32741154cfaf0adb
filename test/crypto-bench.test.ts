import { describe, expect, test } from 'vitest'
import { contestantsFor } from '../bench/crypto-contestants.ts'
import { measure } from '../bench/measure.ts'
import { formatTable, measuredRow, targetRow } from '../bench/row.ts'

const PAYLOAD = Uint8Array.from({ length: 300 }, (_, index) => index % 256)

/** What each library wraps its result in. */
function plaintextOf(opened: unknown): Uint8Array {
  if (opened instanceof Uint8Array) return Uint8Array.from(opened)
  if (opened instanceof ArrayBuffer) return new Uint8Array(opened)
  const { plaintext, data } = opened as { plaintext?: Uint8Array; data?: Uint8Array }
  return Uint8Array.from(plaintext ?? data ?? [])
}

describe('the benchmark of seal and open', () => {
  for (const kem of ['x25519', 'x-wing'] as const) {
    test(`${kem}: every contestant opens what it sealed`, async () => {
      for (const contestant of await contestantsFor(kem, PAYLOAD)) {
        await contestant.seal()
        expect(plaintextOf(await contestant.open()), contestant.name).toEqual(PAYLOAD)
      }
    })
  }

  test('takes each contestant’s turn in every round, with as many in flight as asked', async () => {
    let inFlight = 0
    let most = 0
    const times = await measure(
      [
        {
          name: 'waits',
          async run() {
            inFlight++
            most = Math.max(most, inFlight)
            await Promise.resolve()
            inFlight--
          },
        },
        { name: 'returns', run: () => 1 },
      ],
      { inFlight: 4, rounds: 3, sliceMilliseconds: 2 },
    )
    expect(most).toBe(4)
    expect([...times.keys()]).toEqual(['waits', 'returns'])
    for (const value of times.values()) expect(value).toBeGreaterThan(0)
  })

  test('says what was met and what was missed', () => {
    const reference = { name: 'limit', value: 10 }
    const plain = measuredRow('a', 13, 'µs', reference)
    expect(plain).toEqual({
      name: 'a',
      value: 13,
      unit: 'µs',
      reference,
      ratio: 1.3,
      target: null,
      met: null,
    })
    expect(targetRow(plain, 1.3, { atMost: 1.3 })).toMatchObject({ target: '<= 1.3', met: true })
    const missed = targetRow(plain, 4.9, { atLeast: 5 })
    expect(missed).toMatchObject({ target: '>= 5', met: false })
    expect(formatTable([plain, missed]).split('\n').at(-1)).toBe(
      'a     13  µs     4.90  limit  >= 5    MISSED',
    )
  })
})
