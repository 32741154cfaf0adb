import { setTimeout as delay } from 'node:timers/promises'
import { type ConnectOptions, connect, type MailItem, type Me } from '@keyhaven/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createStateFixture, ENGINES, type StateFixture } from './kit/engines.ts'
import { type ServerProcess, startServerProcess } from './kit/server-process.ts'
import { startTcpFront, type TcpFront } from './kit/tcp-front.ts'
import { callAdmin } from './kit/test-server.ts'

const TIMEOUT_MS = 300_000
const POSTGRES = ENGINES[1]!
/** Another process takes a message; this one looks for news every second. */
const ACROSS_SECONDS = 2
const MS_PER_SECOND = 1_000
const SLOWLY = 6
const MORE_EACH_TIME = 5
const KILLS = 3
/** Between two messages, so that their number stays under what one device may send. */
const GAP_MS = 20
const PATIENCE_MS = 60_000

describe('one long stream of mail, two server processes on one PostgreSQL', () => {
  let fixture: StateFixture
  let sending: ServerProcess
  let receiving: ServerProcess
  let front: TcpFront
  let application: string
  let trust: ConnectOptions['trust']
  let anna: Me
  let ben: Me

  beforeAll(async () => {
    fixture = await createStateFixture(POSTGRES)
    sending = await startServerProcess(fixture.env)
    receiving = await startServerProcess(fixture.env)
    front = await startTcpFront(receiving.publicUrl)
    const { id, rootThumbprints } = sending.defaultApplication
    application = id
    trust = { rootThumbprints, log: (await operator('GET', '/log')).body.verifierKey }
    anna = await enroll('anna', sending.publicUrl)
    ben = await enroll('ben', front.url)
  }, TIMEOUT_MS)
  afterAll(async () => {
    await anna?.close()
    await ben?.close()
    await front?.close()
    for (const server of [sending, receiving]) await server?.kill()
    await fixture?.dispose()
  })

  const operator = (method: string, path: string, body?: unknown) =>
    callAdmin(sending.adminUrl, method, `/applications/${application}/directory${path}`, body)

  async function enroll(username: string, url: string): Promise<Me> {
    const { token } = (await operator('POST', '/sign-up-tokens', { username })).body
    return connect({ url, applicationId: application, trust }).enroll({ username, token, profile: 'x25519' })
  }

  /** What ben's app shows, in one subscription that lasts through everything. */
  function subscribe() {
    const ended = new AbortController()
    const items: MailItem[] = []
    const texts: string[] = []
    const failures: unknown[] = []
    const running = (async () => {
      for await (const item of ben.mailbox.subscribe({ signal: ended.signal })) {
        items.push(item)
        await ben.messages.decrypt(item.envelope).then(
          ({ text }) => texts.push(text),
          (error) => failures.push(error),
        )
      }
    })()
    return {
      items,
      texts,
      failures,
      async end() {
        ended.abort()
        await running
      },
    }
  }

  async function send(text: string): Promise<void> {
    await anna.mailbox.send('ben', (await anna.messages.encrypt('ben', text)).envelope)
  }

  /** So many seconds for whoever asks both processes each second: if the machine stalls, they are longer for all. */
  async function across(): Promise<string> {
    for (let second = 0; second < ACROSS_SECONDS; second++) {
      await delay(MS_PER_SECOND)
      await Promise.all([sending, receiving].map(({ publicUrl }) => fetch(`${publicUrl}/readyz`)))
    }
    return 'not yet'
  }

  test('what one process takes arrives from the other; kill -9 loses nothing and shows nothing twice', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const mail = subscribe()
    const shown = (count: number) =>
      expect
        .poll(() => mail.texts.length, { timeout: PATIENCE_MS, interval: 5 })
        .toBeGreaterThanOrEqual(count)
    const sent: string[] = []
    const next = (text: string) => {
      sent.push(text)
      return send(text)
    }
    await next('the stream is open')
    await shown(1)

    for (let n = 0; n < SLOWLY; n++) {
      await next(`slowly ${n}`)
      const arrived = shown(sent.length).then(() => 'arrived')
      expect(await Promise.race([arrived, across()])).toBe('arrived')
    }

    for (let kill = 0; kill < KILLS; kill++) {
      const before = mail.texts.length
      let isOver = false
      const burst = (async () => {
        for (let n = 0; !isOver; n++) {
          await next(`${kill}: in a row ${n}`)
          await delay(GAP_MS)
        }
      })()
      // In the middle of it, while more are on their way.
      await shown(before + 1 + kill * MORE_EACH_TIME)
      const dead = receiving
      const isBackAtOnce = kill % 2 === 0
      // Either the other process is there already, or nobody answers for a while.
      if (isBackAtOnce) front.to(sending.publicUrl)
      await dead.kill()
      await next(`${kill}: while the process is gone`)
      isOver = true
      receiving = await startServerProcess(fixture.env)
      front.to(receiving.publicUrl)
      await burst
      await shown(sent.length)
      // The stream may have gone to the sender's process: the next kill shall hit it again.
      front.cut()
      await next(`${kill}: after the cut`)
      await shown(sent.length)
    }

    await mail.end()
    expect(mail.failures).toEqual([])
    expect(mail.texts.toSorted()).toEqual(sent.toSorted())
    expect(new Set(mail.items.map(({ id }) => id)).size).toBe(mail.items.length)
    const cursors = mail.items.map(({ cursor }) => Number(cursor))
    expect(cursors).toEqual(cursors.toSorted((a, b) => a - b))
    expect(await ben.mailbox.receive()).toEqual([])
  })
})
