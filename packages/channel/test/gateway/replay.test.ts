import { KeyhavenError } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import { createMemoryReplayStore, type ReplayEntry, type ReplayStore } from '../../src/gateway/index.ts'
import { encodeRequestId, REQUEST_ID_FIELD } from '../../src/wire/client-header.ts'
import { formatHttpDate } from '../../src/wire/http-date.ts'
import {
  call,
  createKit,
  json,
  makeRequest,
  open,
  post,
  START,
  seal,
  sealedError,
  withField,
} from './gateway-kit.ts'

const SECOND = 1000
const WINDOW = 120 * SECOND
const SKEW = 30 * SECOND
const PROCESS_CLOCKS = 5 * SECOND

describe('at most once', () => {
  test('a captured request is answered REPLAYED, inside the seal, and does not run', async () => {
    const kit = await createKit()
    const { envelope, sealer } = await seal(kit)
    expect((await open(sealer, await post(kit, envelope))).status).toBe(200)
    for (let time = 0; time < 3; time++) {
      const again = await open(sealer, await post(kit, envelope))
      expect([again.status, sealedError(again)]).toEqual([409, 'REPLAYED'])
    }
    expect(kit.seen).toHaveLength(1)
  })

  test('the same request id in another envelope is a replay', async () => {
    const kit = await createKit()
    const request = makeRequest()
    const first = await seal(kit, request)
    const second = await seal(kit, request)
    expect((await open(first.sealer, await post(kit, first.envelope))).status).toBe(200)
    expect(sealedError(await open(second.sealer, await post(kit, second.envelope)))).toBe('REPLAYED')
    expect(kit.seen).toHaveLength(1)
  })

  test('a hundred copies at once run once', async () => {
    const kit = await createKit()
    const { envelope, sealer } = await seal(kit)
    const answers = await Promise.all(Array.from({ length: 100 }, () => post(kit, envelope)))
    const codes = await Promise.all(answers.map(async (answer) => sealedError(await open(sealer, answer))))
    expect(codes.filter((code) => code === undefined)).toHaveLength(1)
    expect(codes.filter((code) => code === 'REPLAYED')).toHaveLength(99)
    expect(kit.seen).toHaveLength(1)
  })

  test('a request without an id is remembered by its encapsulated key', async () => {
    const kit = await createKit()
    const { envelope, sealer } = await seal(kit, makeRequest(withField(REQUEST_ID_FIELD, undefined)))
    expect(sealedError(await open(sealer, await post(kit, envelope)))).toBeUndefined()
    expect(sealedError(await open(sealer, await post(kit, envelope)))).toBe('REPLAYED')
  })

  test('the entry is made before the handler begins', async () => {
    const order: string[] = []
    const replay: ReplayStore = {
      refusesBefore: 0,
      has: () => false,
      async insert(entry) {
        await Promise.resolve()
        order.push(`inserted ${entry.encapsulatedKey.length} ${entry.expiresAt - START}`)
        return true
      },
    }
    const handler = () => {
      order.push('handled')
      return new Response()
    }
    const kit = await createKit({ replay, handler })
    await call(kit)
    expect(order).toEqual([`inserted 32 ${WINDOW + SKEW}`, 'handled'])
  })

  test.each([
    ['throws', () => Promise.reject(new Error('redis is gone'))],
    [
      'throws at once',
      () => {
        throw new Error('redis is gone')
      },
    ],
  ])('a store that %s closes the gateway', async (_name, insert) => {
    const kit = await createKit({ replay: { refusesBefore: 0, has: () => false, insert } })
    const answer = await call(kit)
    expect([answer.status, sealedError(answer)]).toEqual([503, 'STORE_UNAVAILABLE'])
    expect(kit.seen).toHaveLength(0)
  })

  test('a store that answers anything but true closes the gateway', async () => {
    const insert = (() => undefined) as unknown as ReplayStore['insert']
    const kit = await createKit({ replay: { refusesBefore: 0, has: () => false, insert } })
    expect(sealedError(await call(kit))).toBe('REPLAYED')
    expect(kit.seen).toHaveLength(0)
  })

  test('a date that was judged before the store was found to be a new one lets nothing run', async () => {
    let refusesBefore = 0
    const replay: ReplayStore = {
      get refusesBefore() {
        return refusesBefore
      },
      has: () => false,
      async insert() {
        await Promise.resolve()
        refusesBefore = START - SECOND
        return true
      },
    }
    const kit = await createKit({ replay })
    expect(sealedError(await call(kit))).toBe('STORE_UNAVAILABLE')
    expect(kit.seen).toHaveLength(0)
    expect((await call(kit)).status).toBe(200)
  })

  test('a store that takes longer than it remembers lets nothing run', async () => {
    const kit = await createKit({
      replay: {
        refusesBefore: 0,
        has: () => false,
        async insert() {
          await Promise.resolve()
          kit.now += WINDOW + SKEW + 1
          return true
        },
      },
    })
    expect(sealedError(await call(kit))).toBe('STORE_UNAVAILABLE')
    expect(kit.seen).toHaveLength(0)
  })

  test('until its date is too old an envelope stays remembered', async () => {
    const kit = await createKit()
    const { envelope, sealer } = await seal(kit)
    await post(kit, envelope)
    for (let elapsed = 0; elapsed <= WINDOW + SKEW + 5 * SECOND; elapsed += SECOND) {
      kit.now = START + elapsed
      const code = sealedError(await open(sealer, await post(kit, envelope)))
      expect(code).toBe(elapsed <= WINDOW ? 'REPLAYED' : 'CLOCK_SKEW')
    }
    expect(kit.seen).toHaveLength(1)
  })
})

describe('the clock', () => {
  async function dated(date: string | undefined, replay?: ReplayStore, wait = 0) {
    const kit = await createKit(replay && { replay })
    const { envelope, sealer } = await seal(kit, makeRequest(withField('date', date)))
    const answer = await open(sealer, await post(kit, envelope))
    kit.now += wait
    return { kit, answer, again: await open(sealer, await post(kit, envelope)) }
  }

  const shared = (): ReplayStore => {
    const { insert, has } = createMemoryReplayStore(() => START)
    return { refusesBefore: 0, insert, burn: insert, has }
  }

  test.each([0, -1, -119, -120, 1, 29, 30])('a request %i s away is accepted', async (seconds) => {
    const { answer } = await dated(formatHttpDate(START + seconds * SECOND), shared())
    expect(sealedError(answer)).toBeUndefined()
  })

  test.each([-121, -3600, -86_400 * 365])(
    'a request %i s old is refused, with the time since when',
    async (seconds) => {
      const date = START + seconds * SECOND
      const { kit, answer } = await dated(formatHttpDate(date), shared())
      expect([answer.status, sealedError(answer)]).toEqual([400, 'CLOCK_SKEW'])
      expect(json(answer)).toMatchObject({
        type: 'https://iana.org/assignments/http-problem-types#date',
        code: 'CLOCK_SKEW',
        now: START,
        refusedSince: date + WINDOW + PROCESS_CLOCKS,
      })
      expect(kit.seen).toHaveLength(0)
    },
  )

  test('a date in the future is burned: it does not run when it has come', async () => {
    const ahead = 600 * SECOND
    const { kit, answer, again } = await dated(formatHttpDate(START + ahead), shared(), ahead)
    expect(json(answer)).toMatchObject({ code: 'CLOCK_SKEW', now: START, burned: true })
    expect(sealedError(again)).toBe('REPLAYED')
    expect(kit.seen).toHaveLength(0)
  })

  test('a date over a day ahead is refused and not burned', async () => {
    const { kit, answer } = await dated(formatHttpDate(START + 86_401 * SECOND), shared())
    expect(json(answer)).toMatchObject({ code: 'CLOCK_SKEW', burned: false })
    expect(kit.seen).toHaveLength(0)
  })

  test('a store without room for a date in the future is no reason to say that it never runs', async () => {
    const full: ReplayStore = { ...shared(), burn: () => undefined }
    const { kit, answer } = await dated(formatHttpDate(START + 600 * SECOND), full)
    expect(json(answer)).toMatchObject({ code: 'CLOCK_SKEW', burned: false })
    expect(kit.seen).toHaveLength(0)
  })

  test.each([undefined, '', 'yesterday', '2026-11-21T12:00:00Z'])('date %j is refused', async (date) => {
    const { kit, answer } = await dated(date)
    expect(json(answer)).toMatchObject({ code: 'CLOCK_SKEW', now: START, refusedSince: 0 })
    expect(kit.seen).toHaveLength(0)
  })

  test('with a store in memory, what was dated before its start is refused since its start', async () => {
    const replay = createMemoryReplayStore(() => START - 500)
    const { kit, answer } = await dated(formatHttpDate(START - SECOND), replay)
    expect(json(answer)).toMatchObject({ code: 'CLOCK_SKEW', refusedSince: START - 499, retryAfterMs: 0 })
    expect(kit.seen).toHaveLength(0)
  })

  test('in the second of the start even the right date is refused, and it says for how long', async () => {
    const replay = createMemoryReplayStore(() => START + 300)
    const kit = await createKit({ replay })
    kit.now = START + 400
    const answer = await call(kit)
    expect(json(answer)).toMatchObject({ code: 'CLOCK_SKEW', refusedSince: START + 301, retryAfterMs: 600 })
    kit.now = START + SECOND
    expect((await call(kit)).status).toBe(200)
  })

  test('with a store in memory, a date just ahead is held until it has come', async () => {
    const replay = () => createMemoryReplayStore(() => START - 5 * SECOND)
    const near = await dated(formatHttpDate(START + 2 * SECOND), replay())
    expect(near.answer.status).toBe(200)
    expect(near.kit.now).toBe(START + 2 * SECOND)
    const far = await dated(formatHttpDate(START + 3 * SECOND), replay())
    // After a restart this store would have forgotten it.
    expect(json(far.answer)).toMatchObject({ code: 'CLOCK_SKEW', burned: false })
  })

  test('no request that ran before a restart runs after it, whatever its date', async () => {
    for (let seconds = -125; seconds <= 35; seconds++) {
      const kit = await createKit({ replay: createMemoryReplayStore(() => START - 300 * SECOND) })
      const { envelope } = await seal(
        kit,
        makeRequest(withField('date', formatHttpDate(START + seconds * SECOND))),
      )
      await post(kit, envelope)
      if (kit.seen.length === 0) continue
      // Killed and started again in the same millisecond.
      const restarted = kit.now
      const after = await createKit({ replay: createMemoryReplayStore(() => restarted) })
      const twin = { ...after, gateway: (await createKitWithKey(kit, restarted)).gateway }
      for (let wait = 0; wait <= 200; wait += 10) {
        twin.now = restarted + wait * SECOND
        await post(twin, envelope)
      }
      expect(after.seen).toHaveLength(0)
    }
  })
})

/** The same key, in a process that starts at `restarted`. */
async function createKitWithKey(kit: Awaited<ReturnType<typeof createKit>>, restarted: number) {
  const { staticGatewayKeys } = await import('../../src/gateway/index.ts')
  const keys = staticGatewayKeys([{ keyId: kit.recipient.keyId, privateKey: kit.pair.privateKey }], 'default')
  return createKit({ keys, replay: createMemoryReplayStore(() => restarted) })
}

describe('the store in memory', () => {
  function entry(seed: number, change: Partial<ReplayEntry> = {}): ReplayEntry {
    const encapsulatedKey = new Uint8Array(32)
    new DataView(encapsulatedKey.buffer).setUint32(0, Math.imul(seed, 0x9e3779b1))
    new DataView(encapsulatedKey.buffer).setUint32(4, seed)
    const requestId = encodeRequestId(encapsulatedKey.slice(0, 16))
    return { applicationId: 'a', encapsulatedKey, requestId, expiresAt: START + WINDOW, ...change }
  }

  test('both or neither: a known id leaves the new key free', () => {
    const store = createMemoryReplayStore(() => START)
    expect(store.insert(entry(1))).toBe(true)
    expect(store.insert(entry(2, { requestId: entry(1).requestId! }))).toBe(false)
    expect(store.has(entry(2))).toBe(false)
    expect(store.insert(entry(2))).toBe(true)
  })

  test('applications do not see each other', () => {
    const store = createMemoryReplayStore(() => START)
    expect(store.insert(entry(1))).toBe(true)
    expect(store.insert(entry(1, { applicationId: 'b' }))).toBe(true)
    expect(store.has(entry(1, { applicationId: 'c' }))).toBe(false)
  })

  test('holds a hundred thousand, and looks without marking', () => {
    const store = createMemoryReplayStore(() => START)
    for (let seed = 0; seed < 100_000; seed++) expect(store.insert(entry(seed))).toBe(true)
    for (let seed = 0; seed < 100_000; seed += 7) expect(store.insert(entry(seed))).toBe(false)
    expect(store.has(entry(100_001))).toBe(false)
    expect(store.insert(entry(100_001))).toBe(true)
  })

  test('an entry is kept to its last second and forgotten after it', () => {
    let now = START
    const store = createMemoryReplayStore(() => now)
    store.insert(entry(1))
    now = START + WINDOW
    expect(store.has(entry(1))).toBe(true)
    now = START + WINDOW + 2 * SECOND
    expect(store.has(entry(1))).toBe(false)
    expect(store.insert(entry(1, { expiresAt: now + WINDOW }))).toBe(true)
    expect(store.has(entry(1))).toBe(true)
  })

  test('full of what has not expired it refuses; what expires makes room', () => {
    let now = START
    const store = createMemoryReplayStore(() => now, { maxEntries: 25_600 })
    let inserted = 0
    const fill = (from: number) => {
      for (let seed = from; seed < from + 100_000; seed++) {
        store.insert(entry(seed, { expiresAt: now + WINDOW }))
        inserted++
      }
    }
    expect(() => fill(0)).toThrow(KeyhavenError)
    expect(inserted).toBeGreaterThan(5_000)
    expect(inserted).toBeLessThanOrEqual(12_800)
    now += WINDOW + 2 * SECOND
    inserted = 0
    expect(() => fill(1_000_000)).toThrow('full')
    expect(inserted).toBeGreaterThan(5_000)
  })
})
