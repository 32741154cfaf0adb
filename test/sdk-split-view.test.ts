import type { Me } from '@keyhaven/sdk'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { codeOf } from './kit/code-of.ts'
import { type ForkedServers, type Person, startForkable } from './kit/forked-servers.ts'

let servers: ForkedServers

beforeEach(async () => {
  servers = await startForkable()
})
afterEach(() => servers?.dispose())

const send = async (from: Me, to: Person, text: string) =>
  (await from.messages.encrypt(to.username, text, { newSession: true })).envelope

describe('a log that shows two users two histories', () => {
  test.each([
    ['of the same size', 1, 1],
    ['longer for the sender', 3, 1],
    ['longer for the recipient', 1, 3],
  ])('%s is found when they exchange messages', async (_, onOne, onTwo) => {
    const { main, enroll, resume } = servers
    const anna = await enroll(main, 'anna')
    const ben = await enroll(main, 'ben')
    expect((await ben.messages.decrypt(await send(anna, ben, 'one log'))).text).toBe('one log')
    await servers.stop()
    await servers.copy('data', 'fork')
    const [one, two] = [await servers.start('data'), await servers.start('fork')]
    for (let n = 0; n < onOne; n++) await enroll(one, `only there ${n}`)
    for (let n = 0; n < onTwo; n++) await enroll(two, `only here ${n}`)
    const [annaThere, benHere] = [await resume(anna, one), await resume(ben, two)]
    // Each alone sees a log that only grew.
    await annaThere.directory.lookUp('ben')
    await benHere.directory.lookUp('anna')
    expect((await annaThere.directory.monitor()).hidden).toEqual([])
    expect((await benHere.directory.monitor()).hidden).toEqual([])
    const envelope = await send(annaThere, ben, 'two logs')
    expect(await codeOf(benHere.messages.decrypt(envelope))).toBe('LOG_INCONSISTENT')
    const answer = await send(benHere, anna, 'two logs')
    expect(await codeOf(annaThere.messages.decrypt(answer))).toBe('LOG_INCONSISTENT')
    // It stays so: the message is not read by asking again.
    expect(await codeOf(benHere.messages.decrypt(envelope))).toBe('LOG_INCONSISTENT')
  })
})

describe('a server that was set back to an older copy of all it has', () => {
  test('is noticed by everybody who saw more, also once the log has grown past it again', async () => {
    const { main, enroll, resume } = servers
    const anna = await enroll(main, 'anna')
    const ben = await enroll(main, 'ben')
    await send(anna, ben, 'they know each other')
    await servers.stop()
    await servers.copy('data', 'backup')
    const later = await servers.start('data')
    const annaLater = await resume(anna, later)
    await enroll(later, 'carl')
    await annaLater.renew()
    await annaLater.directory.lookUp('carl')
    const envelope = await send(annaLater, ben, 'from before the loss')
    await servers.stop()
    await servers.remove('data')
    await servers.copy('backup', 'data')
    const restored = await servers.start('data')
    const annaNow = await resume(anna, restored)
    const lost = /^(LOG_INCONSISTENT|DIRECTORY_STALE|UNAUTHENTICATED)$/
    expect(await codeOf(annaNow.directory.lookUp('ben'))).toMatch(lost)
    expect(await codeOf(send(annaNow, ben, 'hello'))).toMatch(lost)
    // Whoever has seen nothing since the copy was made learns of it from a message.
    const benNow = await resume(ben, restored)
    expect(await codeOf(benNow.directory.lookUp('anna'))).toBe('done')
    expect(await codeOf(benNow.messages.decrypt(envelope))).toMatch(/^(LOG_INCONSISTENT|DIRECTORY_STALE)$/)
    // It grows past what was lost, with other entries.
    for (let n = 0; n < 4; n++) await enroll(restored, `dora ${n}`)
    expect(await codeOf(annaNow.directory.lookUp('ben'))).toMatch(lost)
    expect(await codeOf(benNow.messages.decrypt(envelope))).toMatch(/^(LOG_INCONSISTENT|DIRECTORY_STALE)$/)
  })

  test('a contact who only looked up notices by the log alone', async () => {
    const { main, enroll, resume } = servers
    const anna = await enroll(main, 'anna')
    const ben = await enroll(main, 'ben')
    await servers.stop()
    await servers.copy('data', 'backup')
    const later = await servers.start('data')
    await enroll(later, 'carl')
    const benLater = await resume(ben, later)
    await benLater.directory.lookUp('carl')
    await servers.stop()
    await servers.remove('data')
    await servers.copy('backup', 'data')
    const restored = await servers.start('data')
    const benNow = await resume(ben, restored)
    expect(await codeOf(benNow.directory.lookUp('anna'))).toMatch(/^(LOG_INCONSISTENT|DIRECTORY_STALE)$/)
    expect(await codeOf(send(benNow, anna, 'hello'))).toMatch(/^(LOG_INCONSISTENT|DIRECTORY_STALE)$/)
    for (let n = 0; n < 3; n++) await enroll(restored, `dora ${n}`)
    expect(await codeOf(benNow.directory.lookUp('anna'))).toBe('LOG_INCONSISTENT')
    expect(await codeOf(send(benNow, anna, 'hello'))).toBe('LOG_INCONSISTENT')
  })
})
