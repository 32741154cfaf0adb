import { backend, utf8 } from '@keyhaven/crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  openHybrid,
  sealLayoutA,
  sealLayoutB,
  sealLayoutC,
  signDetachedJws,
  verifyChain,
  verifyDetachedJws,
} from '../src/index.ts'
import { type TestHolder, testHolder } from './kit/test-keys.ts'

let root: TestHolder
let holder: TestHolder

beforeAll(async () => {
  root = await testHolder(0, { ca: true })
  holder = await testHolder(1, { issuedBy: root })
})

const PLAINTEXT = utf8('twelve invented words')

describe('hybrid layouts', () => {
  test('open what they sealed', async () => {
    const iv = backend.randomBytes(16)
    const aad = backend.randomBytes(32)
    const a = await sealLayoutA(backend, holder.recipient, PLAINTEXT, iv, aad)
    expect(await openHybrid(backend, holder.opener, a, { iv, aad })).toEqual(PLAINTEXT)
    const b = await sealLayoutB(backend, holder.recipient, PLAINTEXT, aad)
    expect(await openHybrid(backend, holder.opener, b, { aad })).toEqual(PLAINTEXT)
    const c = await sealLayoutC(backend, holder.recipient, PLAINTEXT)
    expect(await openHybrid(backend, holder.opener, c)).toEqual(PLAINTEXT)
    expect(c.length).toBe(PLAINTEXT.length + 356)
  })
  test('sign', async () => {
    const jws = await signDetachedJws(holder.signer, PLAINTEXT)
    await verifyDetachedJws(backend, jws, PLAINTEXT, {
      trust: async ([leaf]) => {
        const chain = await verifyChain(leaf, {
          intermediates: [],
          anchors: [root.certificate],
          at: Date.now(),
          revoked: () => false,
          usage: 'sign',
        })
        expect(chain.length).toBe(2)
      },
    })
  })
})
