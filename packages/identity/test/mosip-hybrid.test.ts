import { backend, KeyhavenError, toBase64url, utf8 } from '@keyhaven/crypto'
import { webBackend } from '@keyhaven/crypto/web'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  type BesideHybrid,
  encryptJwe,
  KEY_SPLITTER,
  openHybrid,
  openJwe,
  openKeyAtRest,
  openWithPin,
  type SessionKeyOpener,
  sealKeyAtRest,
  sealLayoutA,
  sealLayoutB,
  sealLayoutC,
  sealWithPin,
} from '../src/index.ts'
import { type TestHolder, testHolder, testKeyPkcs8 } from './kit/test-keys.ts'

const PLAINTEXT = utf8('a made-up name, 人')
const IV = new Uint8Array(16).fill(3)
const AAD = new Uint8Array(32).fill(5)
const SPLITTER_AT = { A: 288, B: 288, C: 294 } as const

let holder: TestHolder
let other: TestHolder
beforeAll(async () => {
  holder = await testHolder(0)
  other = await testHolder(1)
})

type Layout = 'A' | 'B' | 'C'
const BESIDE: Readonly<Record<Layout, BesideHybrid>> = { A: { iv: IV, aad: AAD }, B: { aad: AAD }, C: {} }
const LAYOUTS: readonly Layout[] = ['A', 'B', 'C']

function seal(layout: Layout, plaintext = PLAINTEXT, to = holder): Promise<Uint8Array<ArrayBuffer>> {
  if (layout === 'A') return sealLayoutA(backend, to.recipient, plaintext, IV, AAD)
  return layout === 'B'
    ? sealLayoutB(backend, to.recipient, plaintext, AAD)
    : sealLayoutC(backend, to.recipient, plaintext)
}

/** What a caller can see of a failure. */
async function failure(opening: Promise<unknown> | (() => Promise<unknown>)): Promise<string> {
  try {
    await (typeof opening === 'function' ? opening() : opening)
    return 'opened'
  } catch (error) {
    if (!(error instanceof KeyhavenError)) return `another error: ${error}`
    return `${error.code} ${error.message} ${error.cause}`
  }
}
const REFUSED = 'OPEN_FAILED the ciphertext could not be opened undefined'

describe.each(LAYOUTS)('layout %s', (layout) => {
  const open = (bytes: Uint8Array, beside = BESIDE[layout]) =>
    openHybrid(backend, holder.opener, bytes, beside)

  test('opens what was sealed, of any length and content', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 2_000 }), async (bytes) => {
        const plaintext = Uint8Array.from(bytes)
        expect(await open(await seal(layout, plaintext))).toEqual(plaintext)
      }),
      { numRuns: 30 },
    )
  })

  test('has the published overhead and the splitter in its place', async () => {
    const bytes = await seal(layout)
    expect(bytes.length - PLAINTEXT.length).toBe({ A: 318, B: 334, C: 356 }[layout])
    const at = SPLITTER_AT[layout]
    expect(bytes.subarray(at, at + KEY_SPLITTER.length)).toEqual(KEY_SPLITTER)
    expect(bytes.subarray(at - 288, at - 256)).toEqual(holder.certificate.thumbprint)
  })

  test('each cut, each extra byte and each flipped bit fails alike', async () => {
    const bytes = await seal(layout)
    const answers = new Set<string>()
    for (let length = 0; length < bytes.length; length += length > 280 && length < 330 ? 1 : 7) {
      answers.add(await failure(open(bytes.subarray(0, length))))
    }
    for (let at = 0; at < bytes.length; at++) {
      // Unwrapping costs a millisecond: of the wrapped key's bytes only some.
      if (at > 40 && at < 280 && at % 16 !== 0) continue
      const flipped = Uint8Array.from(bytes)
      flipped[at]! ^= 1 << (at % 8)
      answers.add(await failure(open(flipped)))
    }
    answers.add(await failure(open(Uint8Array.of(...bytes, 0))))
    answers.add(await failure(open(Uint8Array.of(0, ...bytes))))
    answers.add(await failure(open(Uint8Array.of(...utf8('VER_R2'), ...bytes))))
    expect([...answers]).toEqual([REFUSED])
  })

  test('another key, another IV, other associated data and another layout fail alike', async () => {
    const bytes = await seal(layout)
    const answers = new Set<string>([
      await failure(openHybrid(backend, other.opener, bytes, BESIDE[layout])),
      await failure(open(bytes, { iv: new Uint8Array(16), aad: AAD })),
      await failure(open(bytes, { iv: IV, aad: IV })),
      await failure(open(bytes, { aad: IV })),
    ])
    for (const wrong of LAYOUTS.filter((each) => each !== layout)) {
      answers.add(await failure(open(bytes, BESIDE[wrong])))
    }
    // A valid wrapped key of the same length, of something else than a session key.
    const wrapped = await backend.rsa.encryptOaep(holder.recipient.publicKey, new Uint8Array(16))
    const replaced = Uint8Array.from(bytes)
    replaced.set(wrapped, SPLITTER_AT[layout] - 256)
    answers.add(await failure(open(replaced)))
    expect([...answers]).toEqual([REFUSED])
  })

  test('a failure to unwrap still opens the data with some key before it answers', async () => {
    const bytes = await seal(layout)
    let opened = 0
    const counting = {
      ...backend,
      aes256Gcm: (key: Uint8Array) => {
        opened++
        return backend.aes256Gcm(key)
      },
    }
    const broken: SessionKeyOpener = {
      open: async () => {
        throw new KeyhavenError('OPEN_FAILED', 'a wrapped key with a text of its own')
      },
    }
    expect(await failure(openHybrid(counting, broken, bytes, BESIDE[layout]))).toBe(REFUSED)
    expect(opened).toBe(1)
    const down: SessionKeyOpener = {
      open: async () => {
        throw new KeyhavenError('STORE_UNAVAILABLE', 'the database cannot be reached')
      },
    }
    expect(await failure(openHybrid(counting, down, bytes, BESIDE[layout]))).toMatch('STORE_UNAVAILABLE')
  })

  test('a splitter by chance in the wrapped key, or put into the plaintext, splits nothing', async () => {
    const plaintext = Uint8Array.of(...KEY_SPLITTER, ...new Uint8Array(300), ...KEY_SPLITTER)
    const bytes = await seal(layout, plaintext)
    expect(await open(bytes)).toEqual(plaintext)
    // As if RSA had given these bytes: whoever searches from the start would cut the key there.
    const at = SPLITTER_AT[layout]
    const sessionKey = backend.randomBytes(32)
    const forged = Uint8Array.from(bytes)
    forged.set(KEY_SPLITTER, at - 200)
    const seen: Uint8Array[] = []
    const opener: SessionKeyOpener = {
      open: async (_thumbprint, wrapped) => {
        seen.push(wrapped)
        return sessionKey
      },
    }
    expect(await failure(openHybrid(backend, opener, forged, BESIDE[layout]))).toBe(REFUSED)
    expect(seen.map(({ length }) => length)).toEqual([256])
  })

  test('an empty plaintext is refused', async () => {
    await expect(seal(layout, new Uint8Array(0))).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  })
})

test('WebCrypto seals what node opens, and opens what it seals', async () => {
  const key = await webBackend.rsa.importPrivateKey(testKeyPkcs8(0))
  const opener: SessionKeyOpener = {
    open: async (_thumbprint, wrapped) => webBackend.rsa.decryptOaep(key, wrapped),
  }
  for (const layout of LAYOUTS) {
    expect(await openHybrid(webBackend, opener, await seal(layout), BESIDE[layout])).toEqual(PLAINTEXT)
  }
  const sealed = await sealLayoutC(webBackend, holder.recipient, PLAINTEXT)
  expect(await openHybrid(backend, holder.opener, sealed)).toEqual(PLAINTEXT)
  const cut = openHybrid(webBackend, opener, sealed.subarray(0, -1))
  expect(await failure(cut)).toBe(REFUSED)
})

test('two sealings of one plaintext have nothing in common but the thumbprint', async () => {
  const [one, two] = [await seal('C'), await seal('C')]
  expect(one.subarray(38, 294)).not.toEqual(two.subarray(38, 294))
  expect(one.subarray(308, 340)).not.toEqual(two.subarray(308, 340))
})

describe('JWE', () => {
  test('each changed part fails alike', async () => {
    const jwe = await encryptJwe(backend, holder.recipient, PLAINTEXT)
    expect(await openJwe(backend, holder.opener, jwe)).toEqual(PLAINTEXT)
    const parts = jwe.split('.')
    const answers = new Set<string>()
    for (const [at, part] of parts.entries()) {
      for (const changed of [
        `${part}AA`,
        part.slice(4),
        `${part.startsWith('A') ? 'B' : 'A'}${part.slice(1)}`,
        '',
      ]) {
        answers.add(await failure(openJwe(backend, holder.opener, parts.with(at, changed).join('.'))))
      }
    }
    answers.add(await failure(openJwe(backend, holder.opener, `${jwe}.`)))
    answers.add(await failure(openJwe(backend, holder.opener, parts.slice(1).join('.'))))
    answers.add(await failure(openJwe(backend, other.opener, jwe)))
    expect([...answers]).toEqual([REFUSED])
  })

  test('a compressed content that inflates without end is refused', async () => {
    const bomb = await encryptJwe(backend, holder.recipient, new Uint8Array(17 * 1_024 * 1_024))
    expect(bomb.length).toBeLessThan(100_000)
    await expect(openJwe(backend, holder.opener, bomb)).rejects.toMatchObject({ code: 'WIRE_TOO_LARGE' })
  })
})

test('a key at rest opens only under its module key, whole, with its associated data', async () => {
  const secret = new Uint8Array(1_200).fill(8)
  const unwrapBy = (by: TestHolder) => async (wrapped: Uint8Array) => backend.rsa.decryptOaep(by.key, wrapped)
  const sealed = await sealKeyAtRest(backend, holder.recipient.publicKey, secret, AAD)
  expect(await openKeyAtRest(backend, unwrapBy(holder), sealed, AAD)).toEqual(secret)
  for (const opening of [
    () => openKeyAtRest(backend, unwrapBy(other), sealed, AAD),
    () => openKeyAtRest(backend, unwrapBy(holder), sealed),
    () => openKeyAtRest(backend, unwrapBy(holder), sealed, IV),
    () => openKeyAtRest(backend, unwrapBy(holder), sealed.slice(0, -4), AAD),
    () => openKeyAtRest(backend, unwrapBy(holder), sealed.slice(4), AAD),
    () => openKeyAtRest(backend, unwrapBy(holder), '', AAD),
  ]) {
    expect(await failure(opening)).toBe(REFUSED)
  }
})

test('a PIN’s ciphertext opens with its PIN and iterations, whole', async () => {
  const sealed = await sealWithPin(backend, '2468', PLAINTEXT, 50)
  expect(await openWithPin(backend, '2468', sealed, 50)).toEqual(PLAINTEXT)
  const changed = (at: number) => sealed.map((byte, index) => (index === at ? byte ^ 1 : byte))
  for (const opening of [
    () => openWithPin(backend, '2469', sealed, 50),
    () => openWithPin(backend, '2468', sealed, 51),
    () => openWithPin(backend, '2468', sealed.subarray(0, -1), 50),
    () => openWithPin(backend, '2468', sealed.subarray(0, 60), 50),
    ...[0, 32, 44, sealed.length - 1].map((at) => () => openWithPin(backend, '2468', changed(at), 50)),
  ]) {
    expect(await failure(opening)).toBe(REFUSED)
  }
  await expect(sealWithPin(backend, '', PLAINTEXT, 50)).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  expect(toBase64url(sealed)).not.toContain(toBase64url(PLAINTEXT))
})
