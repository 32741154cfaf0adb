import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toBase64url } from '../packages/crypto/src/node/index.ts'
import { certificateToPem, type RelyingParty, signDetachedJws } from '../packages/identity/src/index.ts'
import { type TestHolder, testHolder } from '../packages/identity/test/kit/test-keys.ts'
import { ENGINES } from './kit/engines.ts'
import { DOB, UIN } from './kit/hand-made-auth-requests.ts'
import {
  type AuthWorld,
  EVERYTHING,
  IDA_URL,
  LICENCE_KEY,
  openAuthWorld,
  POLICY_ID,
  pemOfKey,
  sha256Hex,
} from './kit/identity-authentication.ts'

// A MISP sees what its partners send, may hold it back, and may be a partner besides.

const ACCOMPLICE = '5283940617'
const SHOP_ID = 'shop-1'
const SHOP_KEY = 'api-key-of-the-shop'
const WRONG = { dob: '1900/01/01' }

describe.each(['mosip', 'keyhaven'] as const)('a dishonest MISP, %s', (profile) => {
  let world: AuthWorld
  let shop: TestHolder
  let ofShop: RelyingParty
  beforeAll(async () => {
    world = await openAuthWorld(ENGINES[0]!, profile)
    await world.vault.enrol(UIN)
    await world.vault.enrol(ACCOMPLICE)
    shop = await testHolder(7, {
      issuedBy: world.authority,
      subject: { commonName: SHOP_ID, organisation: 'Invented Shop' },
    })
    const expiresAt = world.vault.now() + 86_400_000
    await world.store.savePartner({
      sequence: 1,
      partner: { id: SHOP_ID, type: 'Auth_Partner', organisation: 'Invented Shop', profile, active: true },
      certificate: { der: toBase64url(shop.certificate.der), chain: [] },
      encryptionKey: null,
      policies: [{ id: POLICY_ID, version: 1, validUntil: null, type: 'Auth', body: EVERYTHING }],
      apiKeys: [{ hash: sha256Hex(SHOP_KEY), policyId: POLICY_ID, active: true, expiresAt }],
      licences: [],
    })
    ofShop = await world.relyingParty({
      ...{ partnerId: SHOP_ID, apiKey: SHOP_KEY, certificate: certificateToPem(shop.certificate) },
      privateKey: await pemOfKey(shop),
    })
  })
  afterAll(() => world.dispose())

  const through = (carry: (request: Request) => Promise<Response>) =>
    world.relyingParty({
      fetch: async (input, init) => {
        const request = new Request(input, init)
        return request.method === 'GET' ? world.fetch(request) : carry(request)
      },
    })

  test('cannot hand on the answer to a request of its own that has the same transaction', async () => {
    const bank = await through(async (request) => {
      const { transactionID } = (await request.json()) as { transactionID: string }
      let answer: Response | undefined
      const own = await world.relyingParty({
        ...{ partnerId: SHOP_ID, apiKey: SHOP_KEY, certificate: certificateToPem(shop.certificate) },
        privateKey: await pemOfKey(shop),
        fetch: async (input, init) => {
          const answered = await world.fetch(new Request(input, init))
          if (init?.method === 'POST') answer = answered.clone()
          return answered
        },
      })
      const mine = await own.authenticate({
        ...{ id: ACCOMPLICE, demographics: await dobOf(ACCOMPLICE), transactionId: transactionID },
      })
      expect(mine).toMatchObject({ authenticated: true })
      return answer!
    })
    await expect(bank.authenticate({ id: UIN, demographics: WRONG })).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
    })
  })

  test('cannot fill the memory of a partner by an answer without end', async () => {
    let given = 0
    const bank = await through(async () => {
      const piece = new Uint8Array(65_536).fill(0x20)
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          given += piece.length
          controller.enqueue(piece)
        },
      })
      return new Response(body)
    })
    await expect(bank.authenticate({ id: UIN, demographics: DOB })).rejects.toMatchObject({
      code: 'WIRE_TOO_LARGE',
    })
    expect(given).toBeLessThan(9 * 1_024 * 1_024)
  })

  test('cannot ask in its own name with what a person gave to a partner', async () => {
    let copied: Record<string, unknown> | undefined
    const bank = await through(async (request) => {
      copied = (await request.clone().json()) as Record<string, unknown>
      return world.fetch(request)
    })
    expect(await bank.authenticate({ id: UIN, demographics: DOB })).toMatchObject({ authenticated: true })
    const text = JSON.stringify({ ...copied, transactionID: 'ofTheShop1' })
    const answer = await world.fetch(
      new Request(`${IDA_URL}/idauthentication/v1/auth/${LICENCE_KEY}/${SHOP_ID}/${SHOP_KEY}`, {
        method: 'POST',
        headers: { signature: await signDetachedJws(shop.signer, text) },
        body: text,
      }),
    )
    const { response, errors } = await answer.json()
    expect(response?.authStatus ?? false).toBe(false)
    const code = profile === 'mosip' ? 'IDA-MLC-009' : 'IDA-MPA-003'
    expect(errors).toMatchObject([{ errorCode: code }])
    // With a request of its own it may.
    expect(await ofShop.authenticate({ id: UIN, demographics: DOB })).toMatchObject({ authenticated: true })
  })

  async function dobOf(id: string): Promise<{ dob: string }> {
    const { personOf } = await import('./kit/identity-vault.ts')
    return { dob: String(personOf(id).identity.dateOfBirth) }
  }
})
