import type { Me } from '@keyhaven/sdk'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createCliFolder } from './cli/cli-folder.ts'
import { startWitness } from './cli/started-witness.ts'
import { codeOf } from './kit/code-of.ts'
import { type ForkedServers, type Person, startForkable } from './kit/forked-servers.ts'

const TIMEOUT_MS = 240_000
const COSIGNED_MS = 60_000
/** How often each side of the log grows, and is looked at. */
const ROUNDS = 3

let servers: ForkedServers

beforeEach(async () => {
  servers = await startForkable()
})
afterEach(() => servers?.dispose())

/** Anna and ben, of one log so far, which then goes on as two. */
async function people(): Promise<{ anna: Person; ben: Person }> {
  const [anna, ben] = [await servers.enroll(servers.main, 'anna'), await servers.enroll(servers.main, 'ben')]
  await servers.stop()
  await servers.copy('data', 'fork')
  return { anna, ben }
}

/** Sends one message to carl, as whoever reads it there. */
async function tell(from: Me, carl: Me, text: string): Promise<string> {
  const { envelope } = await from.messages.encrypt('carl', text, { newSession: true })
  return (await carl.messages.decrypt(envelope)).text
}

describe('a log with two sides', () => {
  test(
    'that never meet, and no witness demanded: goes unseen, though one side has another carl',
    async () => {
      const { anna, ben } = await people()
      const [one, two] = [await servers.start('data'), await servers.start('fork')]
      const [annaThere, benHere] = [await servers.resume(anna, one), await servers.resume(ben, two)]
      const carl = await servers.enroll(one, 'carl')
      // The authority enters keys of its own under carl's name, where only ben looks.
      const mallory = await servers.enroll(two, 'carl')
      expect(await tell(annaThere, carl, 'for carl')).toBe('for carl')
      // This is what docs/threat-model.md says under "What it can do": the wrong one reads it, and nobody
      // knows.
      expect(await tell(benHere, mallory, 'for carl')).toBe('for carl')
      for (let round = 0; round < ROUNDS; round++) {
        await servers.enroll(one, `there ${round}`)
        await servers.enroll(two, `here ${round}`)
        for (const me of [annaThere, benHere, carl, mallory]) {
          expect(await codeOf(me.directory.lookUp('carl'))).toBe('done')
          expect(await me.directory.monitor()).toMatchObject({ hidden: [], withheld: [] })
        }
      }
      // One comparison is enough to end it.
      const seen = await benHere.verification.qr('anna')
      expect(await codeOf(annaThere.verification.markVerified('ben', seen))).toBe('LOG_INCONSISTENT')
    },
    TIMEOUT_MS,
  )

  test(
    'cannot have both of them cosigned: whoever demands a witness is not shown the second',
    async () => {
      const { anna, ben } = await people()
      await using folder = await createCliFolder()
      await using witness = await startWitness(folder, [servers.trust.log], '--name', 'witness.example/w1')
      const trust = { ...servers.trust, witnesses: { keys: [witness.verifierKey], threshold: 1 } }
      const env = { KEYHAVEN_WITNESSES: witness.setting.replace(/^KEYHAVEN_WITNESSES=/, '') }
      const one = await servers.start('data', env)
      const annaThere = await servers.resume(anna, one, trust)
      const carl = await servers.enroll(one, 'carl', trust)
      expect(await tell(annaThere, carl, 'for carl')).toBe('for carl')

      // The other side asks the same witness, and is refused; its own devices need not demand one.
      const asking = await servers.start('fork', env)
      const refusedAt = witness.events.length
      await servers.enroll(asking, 'carl')
      await servers.enroll(asking, 'here')
      const refusals = () => witness.events.slice(refusedAt).map(({ event }) => event)
      await expect.poll(refusals, { timeout: COSIGNED_MS }).toContain('refused')
      expect(refusals()).not.toContain('cosigned')
      const benAsking = await servers.resume(ben, asking, trust)
      expect(await codeOf(benAsking.directory.lookUp('carl'))).toBe('PROOF_INVALID')
      expect(await codeOf(benAsking.messages.encrypt('carl', 'for carl'))).toBe('PROOF_INVALID')
      expect(await codeOf(benAsking.verification.safetyNumber('carl'))).toBe('PROOF_INVALID')
      expect(await codeOf(servers.enroll(asking, 'dora', trust))).toBe('PROOF_INVALID')

      // A server that leaves the witness out altogether does no better.
      await servers.stop()
      const silent = await servers.start('fork')
      const benSilent = await servers.resume(ben, silent, trust)
      expect(await codeOf(benSilent.directory.lookUp('carl'))).toBe('PROOF_INVALID')
      // Nothing but the witness keeps him from it.
      const careless = await servers.resume(ben, silent)
      expect(await codeOf(careless.directory.lookUp('carl'))).toBe('done')
    },
    TIMEOUT_MS,
  )
})
