import type { CryptoBackend } from '@keyhaven/crypto'
import { nodeBackend } from '@keyhaven/crypto/node'
import { describe, expect, test } from 'vitest'
import { encodeRequest } from '../../src/wire/binary-http.ts'
import { sealRequest } from '../../src/wire/encapsulation.ts'
import { CHUNKED, clearError, createKit, makeRequest, post, seal, WHOLE } from './gateway-kit.ts'

const HEADER_BYTES = 7
const ENCAPSULATED_BYTES = { x25519: 32, 'p-256': 65, 'x-wing': 1_120 } as const

interface Work {
  decapsulations: number
  opens: number
}

/**
 * Counts what an opening costs. Time would measure the machine; these are what an attacker's clock would
 * tell.
 */
function countingBackend(work: Work): CryptoBackend {
  return {
    ...nodeBackend,
    hpke: {
      ...nodeBackend.hpke,
      async setupRecipient(...input) {
        work.decapsulations++
        const context = await nodeBackend.hpke.setupRecipient(...input)
        return {
          open(ciphertext, aad) {
            work.opens++
            return context.open(ciphertext, aad)
          },
          export: (exporterContext, length) => context.export(exporterContext, length),
        }
      },
    },
  }
}

describe.each(['x25519', 'p-256', 'x-wing'] as const)('OPEN_FAILED costs the same work, %s', (kem) => {
  const encEnd = HEADER_BYTES + ENCAPSULATED_BYTES[kem]

  async function setUp(form: 'whole' | 'chunked') {
    const work = { decapsulations: 0, opens: 0 }
    const kit = await createKit({ kem, backend: countingBackend(work) })
    const make = async (publicKey = kit.recipient.publicKey) => {
      const recipient = { ...kit.recipient, publicKey }
      if (form === 'chunked') return (await seal({ ...kit, recipient })).envelope
      return (await sealRequest(kit.backend, recipient, encodeRequest(makeRequest()))).encapsulated
    }
    const workOf = async (envelope: Uint8Array) => {
      Object.assign(work, { decapsulations: 0, opens: 0 })
      expect(clearError(await post(kit, envelope, form === 'whole' ? WHOLE : CHUNKED))).toBe('OPEN_FAILED')
      return { ...work }
    }
    return { kit, make, workOf }
  }

  test.each(['whole', 'chunked'] as const)('%s: one decapsulation, one AEAD opening', async (form) => {
    const { kit, make, workOf } = await setUp(form)
    const envelope = await make()
    const flipped = (at: number) => {
      const copy = Uint8Array.from(envelope)
      copy[at]! ^= 1
      return copy
    }
    const other = await nodeBackend.kem.generateKeyPair(kem)
    const cases: Record<string, Uint8Array> = {
      'sealed to another key': await make(other.publicKey),
      'first byte of the ciphertext flipped': flipped(encEnd + (form === 'chunked' ? 1 : 0)),
      'a byte inside flipped': flipped(encEnd + 40),
      'last byte of the tag flipped': flipped(envelope.length - 1),
      'one byte more': Uint8Array.of(...envelope, 0),
      'cut by its last byte': envelope.slice(0, -1),
      'cut inside the ciphertext': envelope.slice(0, encEnd + 60),
      'cut inside the encapsulated key': envelope.slice(0, encEnd - 1),
      'cut behind the header': envelope.slice(0, HEADER_BYTES),
      // Another point, or another ML-KEM ciphertext: both decapsulate, to another secret.
      ...(kem === 'p-256' ? {} : { 'encapsulated key flipped': flipped(HEADER_BYTES + 3) }),
    }
    for (const [name, bytes] of Object.entries(cases)) {
      expect({ name, ...(await workOf(bytes)) }).toEqual({ name, decapsulations: 1, opens: 1 })
    }
    expect(kit.seen).toEqual([])
  })

  test('less only where the sender sees why by himself: no header, no chunk, or no valid point', async () => {
    const { make, workOf } = await setUp('chunked')
    const envelope = await make()
    // Lengths are in clear: what cannot hold a tag is no chunk.
    for (const length of [encEnd, encEnd + 1, encEnd + 5]) {
      expect(await workOf(envelope.slice(0, length))).toEqual({ decapsulations: 1, opens: 0 })
    }
    for (const length of [0, 1, HEADER_BYTES - 1]) {
      expect(await workOf(envelope.slice(0, length))).toEqual({ decapsulations: 0, opens: 0 })
    }
    if (kem === 'x-wing') return
    const noPoint = Uint8Array.from(envelope).fill(0, HEADER_BYTES, encEnd)
    expect(await workOf(noPoint)).toEqual({ decapsulations: 1, opens: 0 })
  })
})
