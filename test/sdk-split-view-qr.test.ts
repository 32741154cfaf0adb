import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { codeOf } from './kit/code-of.ts'
import { type ForkedServers, startForkable } from './kit/forked-servers.ts'

let servers: ForkedServers

beforeEach(async () => {
  servers = await startForkable()
})
afterEach(() => servers?.dispose())

describe('the QR codes of two people', () => {
  test('of one log say so, whoever has seen more of it', async () => {
    const { main, enroll } = servers
    const anna = await enroll(main, 'anna')
    const ben = await enroll(main, 'ben')
    const early = await anna.verification.qr('ben')
    await enroll(main, 'carl')
    const late = await ben.verification.qr('anna')
    expect(late).not.toBe(early)
    await anna.verification.markVerified('ben', late)
    await ben.verification.markVerified('anna', early)
    expect(await anna.verification.isVerified('ben')).toBe(true)
    expect(await ben.verification.isVerified('anna')).toBe(true)
  })

  test.each([
    ['of the same size', 1, 1],
    ['one longer', 3, 1],
    ['the other longer', 1, 3],
  ])(
    'of two logs that exclude each other, %s, are LOG_INCONSISTENT, though the digits are equal',
    async (_, onOne, onTwo) => {
      const anna = await servers.enroll(servers.main, 'anna')
      const ben = await servers.enroll(servers.main, 'ben')
      await servers.stop()
      await servers.copy('data', 'fork')
      const [one, two] = [await servers.start('data'), await servers.start('fork')]
      for (let n = 0; n < onOne; n++) await servers.enroll(one, `only there ${n}`)
      for (let n = 0; n < onTwo; n++) await servers.enroll(two, `only here ${n}`)
      const annaThere = (await servers.resume(anna, one)).verification
      const benHere = (await servers.resume(ben, two)).verification
      const hers = await annaThere.safetyNumber('ben')
      const his = await benHere.safetyNumber('anna')
      // Neither chain has changed, and both logs have one name: what is read aloud says nothing of the fork.
      expect(hers.digits).toBe(his.digits)
      expect(await annaThere.matches('ben', his.digits)).toBe(true)
      expect(hers.qr).not.toBe(his.qr)
      for (const [mine, other, scanned] of [
        [annaThere, 'ben', his.qr],
        [benHere, 'anna', hers.qr],
      ] as const) {
        expect(await codeOf(mine.matches(other, scanned))).toBe('LOG_INCONSISTENT')
        expect(await codeOf(mine.markVerified(other, scanned))).toBe('LOG_INCONSISTENT')
        expect(await mine.isVerified(other)).toBe(false)
      }
      // Neither side goes back behind it: more entries do not make the two one log.
      await servers.enroll(one, 'later there')
      await servers.enroll(two, 'later here')
      expect(await codeOf(annaThere.markVerified('ben', await benHere.qr('anna')))).toBe('LOG_INCONSISTENT')
    },
  )
})
