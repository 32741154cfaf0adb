import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { ENGINES } from './kit/engines.ts'
import { createPeople, textOf } from './kit/sdk-people.ts'
import { type SdkServer, startSdkServer } from './kit/sdk-server.ts'

const MARKER = 'MARKER-of-a-message-between-two-people'

describe.each(ENGINES)('messages and mail with the SDK and a server on $name', (engine) => {
  let server: SdkServer
  const people = createPeople(() => server)
  const { person, secondDevice } = people

  beforeAll(async () => {
    server = await startSdkServer(engine)
  })

  afterAll(async () => {
    await people.close()
    await server?.dispose()
  })

  test('two people, three devices, one of them offline', async () => {
    const anna = await person('anna')
    const ben = await person('ben')
    const phone = await secondDevice(anna)
    const { envelope, recipients, leftOut } = await ben.messages.encrypt(anna.username, MARKER)
    expect(leftOut).toEqual([])
    expect(recipients.map(({ device }) => device).sort()).toEqual([anna.device, phone.device].sort())
    await ben.mailbox.send(anna.username, envelope)
    const received = await anna.messages.decrypt(envelope)
    expect(received).toMatchObject({
      text: MARKER,
      from: ben.username,
      device: ben.device,
      verified: false,
    })
    await expect(anna.messages.decrypt(envelope)).rejects.toMatchObject({ code: 'DUPLICATE' })
    // The phone was off meanwhile: the mailbox has it.
    const [mail, ...more] = await phone.mailbox.receive()
    expect(more).toEqual([])
    expect(await textOf(phone, mail!.envelope)).toBe(MARKER)
    expect(await phone.mailbox.receive()).toEqual([])
    // What one device sends, the person's other one can read, too.
    const answer = await anna.messages.encrypt(ben.username, 'an answer')
    expect(await textOf(phone, answer.envelope)).toBe('an answer')
    expect(await textOf(ben, answer.envelope)).toBe('an answer')
  })

  test('mail comes as it is sent, and after the server was gone', async () => {
    const anna = await person('anna')
    const ben = await person('ben')
    const send = async (text: string) =>
      anna.mailbox.send(ben.username, (await anna.messages.encrypt(ben.username, text)).envelope)
    await send('before')
    const ended = new AbortController()
    onTestFinished(() => ended.abort())
    const mail = ben.mailbox.subscribe({ signal: ended.signal })
    const next = async () => textOf(ben, (await mail.next()).value!.envelope)
    expect(await next()).toBe('before')
    const live = next()
    await send('live')
    expect(await live).toBe('live')
    const later = next()
    await server.restart()
    await send('after')
    expect(await later).toBe('after')
    ended.abort()
    expect((await mail.next()).done).toBe(true)
  })

  test('a message whose session was lost is repaired over the mailbox', async () => {
    const anna = await person('anna')
    const ben = await person('ben')
    const { envelope, session } = await anna.messages.encrypt(ben.username, 'first')
    await ben.messages.decrypt(envelope)
    const answer = await ben.messages.encrypt(anna.username, 'I have it')
    await anna.messages.decrypt(answer.envelope)
    // From here on the negotiation is not repeated.
    await ben.messages.endSession(session)
    const lost = await anna.messages.encrypt(ben.username, 'after the loss')
    const error = await ben.messages.decrypt(lost.envelope).then(
      () => undefined,
      (reason) => reason,
    )
    expect(error).toMatchObject({ code: 'SESSION_UNKNOWN', advice: expect.stringMatching(/./) })
    expect(await ben.mailbox.repair(error)).toBe('sent')
    expect(await anna.mailbox.receive()).toEqual([])
    const [mail] = await ben.mailbox.receive()
    const { repaired } = await ben.messages.decrypt(mail!.envelope)
    expect(repaired).toEqual([{ session: lost.session, n: lost.n }])
    expect(await textOf(ben, lost.envelope)).toBe('after the loss')
  })

  test('a revoked device is refused at once, and so is what it sends', async () => {
    const anna = await person('anna')
    const ben = await person('ben')
    const phone = await secondDevice(anna)
    await phone.messages.encrypt(ben.username, 'while it was ours')
    const stolen = await phone.messages.encrypt(ben.username, 'from the thief')
    const pending = await anna.devices.revoke(phone.device, { reason: 'left in a bus' })
    expect(pending.getTime() - Date.now()).toBeGreaterThan(23 * 3_600_000)
    const [, listed] = await anna.devices.list()
    expect(listed).toMatchObject({ status: 'valid', revocation: { reason: 'left in a bus', by: 'device' } })
    await phone.devices.object(listed!.revocation!.entry)
    expect((await anna.devices.list())[1]!.revocation).toBeUndefined()
    const user = encodeURIComponent(anna.username)
    const revoked = await server.operator('POST', `/users/${user}/devices/${phone.device}/revoke`, {
      reason: 'stolen',
    })
    expect(revoked.status).toBe(200)
    await expect(phone.mailbox.receive()).rejects.toMatchObject({ code: 'DEVICE_REVOKED' })
    await expect(phone.directory.lookUp(ben.username)).rejects.toMatchObject({ code: 'DEVICE_REVOKED' })
    await expect(ben.messages.decrypt(stolen.envelope)).rejects.toMatchObject({ code: 'SENDER_REVOKED' })
    const { leftOut, envelope } = await ben.messages.encrypt(anna.username, 'only to you')
    expect(leftOut).toEqual([
      { username: anna.username, device: phone.device, code: 'DEVICE_REVOKED', advice: expect.any(String) },
    ])
    expect(await textOf(anna, envelope)).toBe('only to you')
    await expect(phone.messages.decrypt(envelope)).rejects.toThrow()
  })

  test('no plaintext of a message is in the database or in the log', async () => {
    const texts = engine.dialect === 'sqlite' ? await filesIn(server) : await rowsIn(server)
    expect(texts.length).toBeGreaterThan(0)
    for (const form of ['utf8', 'hex', 'base64'] as const) {
      const marker = Buffer.from(form === 'base64' ? MARKER.slice(0, 36) : MARKER).toString(form)
      for (const text of texts) expect(text.includes(marker)).toBe(false)
      expect(server.log()).not.toContain(marker)
    }
    // The search would find it.
    expect(texts.some((text) => text.includes('keyhaven-message'))).toBe(true)
  })
})

async function filesIn({ fixture }: SdkServer): Promise<Buffer[]> {
  const folder = join(fixture.folder, 'data')
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return Promise.all(
    entries.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name))),
  )
}

async function rowsIn({ fixture }: SdkServer): Promise<string[]> {
  const client = new pg.Client({ connectionString: fixture.env.KEYHAVEN_DATABASE_URL })
  await client.connect()
  try {
    const tables = await client.query<{ name: string }>(
      "select table_name as name from information_schema.tables where table_schema = 'public'",
    )
    const rows: string[] = []
    for (const { name } of tables.rows) {
      const found = await client.query<{ text: string }>(`select t::text as text from "${name}" t`)
      rows.push(...found.rows.map(({ text }) => text))
    }
    return rows
  } finally {
    await client.end()
  }
}
