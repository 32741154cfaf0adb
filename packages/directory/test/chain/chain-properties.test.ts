import { backend } from '@keyhaven/crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeUserState, emptyState, encodeUserState, extendChain, stateAt } from '../../src/index.ts'
import { codeOf } from '../kit/code-of.ts'
import { APPLICATION, HOUR, TestChain } from '../kit/test-chain.ts'

type Step = { readonly kind: string; readonly one: number; readonly other: number; readonly hours: number }

const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom('first', 'approve', 'renew', 'revoke', 'object', 'recovery', 'reset'),
    one: fc.nat(5),
    other: fc.nat(5),
    hours: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30 })),
  }),
  { minLength: 4, maxLength: 14 },
)

/** Does what the rules allow; a step that they refuse leaves the chain as it was. */
async function run(chain: TestChain, { kind, one, other, hours }: Step): Promise<void> {
  chain.now += hours * HOUR
  const ids = chain.state.devices.map(({ device }) => device)
  // So that there is somebody to revoke and to object.
  if (ids.length === 0) return void (await chain.approve(await chain.first()))
  const [by, target] = [ids[one % ids.length]!, ids[(one + other) % ids.length]!]
  const pending = chain.state.devices.find(({ revocation }) => revocation)?.revocation?.entry
  const step = {
    first: () => chain.approve(by, 'x-wing'),
    approve: () => chain.approve(by),
    renew: () => chain.renew(by),
    revoke: () => chain.revoke(by, target),
    object: () => chain.object(by, pending ?? chain.state.recoveryKeys.next?.entry ?? chain.state.head!),
    recovery: () => chain.setRecovery(by),
    reset: () => (one === 0 ? chain.reset() : chain.renew(by)),
  }[kind]!
  const sequence = chain.state.sequence
  const code = await codeOf(step())
  if (code !== 'accepted') expect(chain.state.sequence).toBe(sequence)
}

test('random steps of several devices fold to the same state at once and in increments', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 4 }), fc.nat(60), async (story, size, later) => {
      const chain = await TestChain.open()
      for (const step of story) await run(chain, step)
      const now = chain.now + later * HOUR
      const { expected } = chain
      const whole = stateAt(await chain.fold(), now)
      let parts = emptyState(expected)
      for (let at = 0; at < chain.entries.length; at += size) {
        // Whoever reads with a clock far ahead, stores, and reads on, comes to the same.
        const seen = { ...expected, now: now + (at % 3) * 100 * HOUR }
        parts = await extendChain(backend, parts, chain.entries.slice(at, at + size), seen)
        parts = decodeUserState(encodeUserState(parts), { application: APPLICATION, username: 'alice' })
      }
      expect(stateAt(parts, now)).toEqual(whole)
    }),
    { numRuns: 40 },
  )
})

test('an entry with any byte changed, cut or added is refused', async () => {
  const chain = await TestChain.open()
  const phone = await chain.first()
  const laptop = await chain.approve(phone)
  const revocation = await chain.revoke(phone, laptop)
  await chain.object(laptop, revocation)
  await chain.setRecovery(phone)
  await chain.renew(phone, 'x-wing')
  await chain.reset()
  const last = chain.entries.length - 1
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: last }),
      fc.nat(),
      fc.integer({ min: 32, max: 126 }),
      async (at, where, code) => {
        const entry = chain.entries[at]!
        const position = where % entry.length
        const character = String.fromCharCode(code)
        fc.pre(entry[position] !== character)
        const forms = [
          entry.slice(0, position) + character + entry.slice(position + 1),
          entry.slice(0, position) + entry.slice(position + 1),
          entry.slice(0, position) + character + entry.slice(position),
        ]
        for (const form of forms) {
          // Two equal neighbours: taking either out, or one more beside them, is the same text.
          if (form === entry) continue
          const changed = chain.entries.slice(0, at + 1).with(at, form)
          expect(await codeOf(chain.fold(changed))).not.toBe('accepted')
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('every byte of an entry counts, also in its signature and its last character', async () => {
  const chain = await TestChain.open()
  await chain.first()
  const entry = chain.entries[0]!
  for (let at = entry.length - 90; at < entry.length; at++) {
    for (const character of 'Aa0_-BQgw') {
      if (entry[at] === character) continue
      const form = entry.slice(0, at) + character + entry.slice(at + 1)
      expect(await codeOf(chain.fold([form]))).toBe('RECORD_INVALID')
    }
  }
})

test('a stored state of another user, version or form is refused', async () => {
  const chain = await TestChain.open()
  await chain.first()
  const text = encodeUserState(chain.state)
  const alice = { application: APPLICATION, username: 'alice' }
  expect(decodeUserState(text, alice)).toEqual(chain.state)
  expect(() => decodeUserState(text, { ...alice, username: 'bob' })).toThrow('stored state')
  expect(() => decodeUserState(text, { ...alice, application: 'other' })).toThrow('stored state')
  for (const damaged of ['', 'null', '{}', text.slice(0, -1), text.replace('"v":1', '"v":2')])
    expect(() => decodeUserState(damaged, alice)).toThrow('stored state')
})
