import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { backend, toBase64url, toHex } from '../packages/crypto/src/node/index.ts'
import type { KycResponse } from '../packages/identity/src/authentication/auth-messages.ts'
import {
  type BiometricBlock,
  keyName,
  type RelyingParty,
  signDetachedJws,
} from '../packages/identity/src/index.ts'
import { testHolder } from '../packages/identity/test/kit/test-keys.ts'
import { bytesOf, changesOf, OPEN_FAILED, saidBy } from './kit/changed-bytes.ts'
import { ENGINES } from './kit/engines.ts'
import {
  type AuthWorld,
  DOMAIN_URI,
  ENV,
  IDA_URL,
  openAuthWorld,
  PARTNER_ID,
} from './kit/identity-authentication.ts'
import { personOf } from './kit/identity-vault.ts'

// No failure to decrypt can be told from another, by code or by text: requests of profile keyhaven (those of mosip:
// identity-authentication-refusals), biometrics, answers of eKYC. Imports: identity-security-imports; packets:
// packages/identity/test/packet; the key manager: packages/server/test/keymanager.

const UIN = '7193064825'
const _BOB = '4850716392'
const DOB = { dob: String(personOf(UIN).identity.dateOfBirth) }
const PROFILES = ['mosip', 'keyhaven'] as const
const UNDECRYPTABLE = [{ errorCode: 'IDA-MPA-003', errorMessage: 'Unable to decrypt Request' }]

const changedTexts = (text: string) => changesOf(bytesOf(text)).map(toBase64url)

describe.each(PROFILES)('ID authentication, profile %s', (profile) => {
  let world: AuthWorld
  let bank: RelyingParty
  beforeAll(async () => {
    world = await openAuthWorld(ENGINES[0]!, profile)
    await world.vault.enrol(UIN)
    bank = await world.relyingParty()
  })
  afterAll(() => world.dispose())

  /** The body that a relying party sends, caught. */
  const bodyOf = async (ask: (bank: RelyingParty) => Promise<unknown>, partnerId = PARTNER_ID) => {
    let caught: Record<string, string> | undefined
    const party = await world.relyingParty({
      partnerId,
      fetch: async (input, init) => {
        if (init?.method !== 'POST') return world.fetch(new Request(input, init))
        caught = JSON.parse(String(init.body))
        throw new TypeError('caught')
      },
    })
    await ask(party).catch(() => undefined)
    return caught!
  }
  const post = async (body: object, kind = 'auth') => {
    const text = JSON.stringify(body)
    const signature = await signDetachedJws(world.partner.signer, text)
    const path = `${IDA_URL}/idauthentication/v1/${kind}/licence-key-of-the-tests/${PARTNER_ID}/api-key-of-the-tests`
    const headers = { 'content-type': 'application/json', signature }
    return (await world.fetch(new Request(path, { method: 'POST', headers, body: text }))).json()
  }
  const ask = (party: RelyingParty) => party.authenticate({ id: UIN, demographics: DOB })

  if (profile === 'keyhaven') {
    test('requests: changed, of another partner, kind, transaction or time, or to another key', async () => {
      const right = await bodyOf(ask)
      expect(await post(right)).toMatchObject({ errors: null })
      const other = await bodyOf(ask)
      const [request, theirs] = [bytesOf(right.request!), bytesOf(other.request!)]
      const k20 = await world.vault.keys.ida.recipient(keyName('IDA', 'PARTNER'))
      const wrong = [
        ...changedTexts(right.request!).map((text) => ({ request: text })),
        // The encapsulated key of one, the ciphertext of the other.
        { request: toBase64url(Uint8Array.of(...request.slice(0, 1_120), ...theirs.slice(1_120))) },
        { request: other.request },
        { request: '%%' },
        { request: null },
        { keyId: toBase64url(new Uint8Array(32)) },
        { keyId: toHex(k20.thumbprint) },
        { keyId: null },
        {
          requestTime: other.requestTime === right.requestTime ? new Date().toISOString() : other.requestTime,
        },
      ].map((change) => ({ ...other, ...right, ...change }))
      const moved = await bodyOf(ask, 'bank-2')
      const kyc = await bodyOf((party) => party.kyc({ id: UIN, demographics: DOB, consent: true }))
      const answers = new Set<string>()
      for (const body of [...wrong, moved, { ...kyc, id: right.id }]) {
        const transactionID = bank.newTransactionId()
        for (const one of [body, { ...body, transactionID }]) {
          const { response, errors } = await post(one)
          answers.add(JSON.stringify({ response, errors }))
        }
      }
      expect([...answers]).toEqual([JSON.stringify({ response: null, errors: UNDECRYPTABLE })])
    })
  }

  test('requests of the other profile are read by nobody', async () => {
    const other = profile === 'mosip' ? 'keyhaven' : 'mosip'
    const body = await bodyOf(ask)
    const foreign =
      other === 'keyhaven'
        ? { ...body, id: 'keyhaven.identity.auth', version: '1', keyId: 'AA' }
        : { ...body, id: 'mosip.identity.auth', individualId: UIN, individualIdType: 'UIN' }
    expect(await post(foreign)).toMatchObject({
      response: null,
      errors: [{ errorCode: 'IDA-MLC-009', errorMessage: 'Invalid Input Parameter - id' }],
    })
  })

  test('biometrics: whatever is wrong with key, thumbprint or ciphertext', async () => {
    const device = await world.device('Face')
    const capture = async (transactionId: string): Promise<BiometricBlock> => {
      const recipient = await world.vault.keys.ida.recipient(keyName('IDA', 'FIR'))
      const { biometrics } = await device.capture({
        request: {
          ...{ purpose: 'Auth', transactionId, env: ENV, domainUri: DOMAIN_URI },
          requestedAt: world.vault.now(),
        },
        ...{ person: UIN, parts: [{ type: 'Face', subtype: '' }], recipient },
      })
      return biometrics[0]!
    }
    const errorsOf = async (change: (block: BiometricBlock) => Partial<BiometricBlock>) => {
      const transactionId = bank.newTransactionId()
      const block = await capture(transactionId)
      const biometrics = [{ ...block, ...change(block) }]
      const { errors, authenticated } = await bank.authenticate({ id: UIN, transactionId, biometrics })
      return authenticated ? 'yes' : JSON.stringify(errors)
    }
    const k20 = await world.vault.keys.ida.recipient(keyName('IDA', 'PARTNER'))
    const k21 = await world.vault.keys.ida.recipient(keyName('IDA', 'FIR'))
    const other = await capture(bank.newTransactionId())
    const wrap = async (length: number, to = k21) =>
      toBase64url(await backend.rsa.encryptOaep(to.publicKey, backend.randomBytes(length)))
    const [short, foreign, random] = [await wrap(16), await wrap(32, k20), await wrap(32)]
    expect(await errorsOf(() => ({}))).toBe('yes')
    const said = new Set<string>()
    for (const change of [
      { sessionKey: short },
      { sessionKey: foreign },
      { sessionKey: random },
      { sessionKey: other.sessionKey! },
      { sessionKey: 'AA' },
      { sessionKey: '%%' },
      { thumbprint: '00'.repeat(32) },
      { thumbprint: toHex(k20.thumbprint) },
      { thumbprint: 'AA' },
      { thumbprint: '' },
    ]) {
      said.add(await errorsOf(() => change))
    }
    for (let place = 0; place < 16; place++) {
      said.add(await errorsOf(({ sessionKey }) => ({ sessionKey: changedTexts(sessionKey!)[place]! })))
    }
    expect([...said]).toEqual([JSON.stringify(UNDECRYPTABLE)])
  })

  test('answers of eKYC, at the relying party', async () => {
    const said = new Set<string>()
    const openWith = async (change: (response: KycResponse) => Partial<KycResponse>) => {
      const party = await world.relyingParty({
        fetch: async (input, init) => {
          const request = new Request(input, init)
          const answer = await world.fetch(request)
          if (request.method === 'GET') return answer
          const body = (await answer.json()) as { response: KycResponse }
          const text = JSON.stringify({ ...body, response: { ...body.response, ...change(body.response) } })
          // As an IDA would sign that wants to learn by the partner's refusals.
          const [leaf, ...chain] = await world.vault.keys.ida.chain(keyName('IDA', 'SIGN'))
          const signer = {
            ...{ certificate: leaf!, chain },
            sign: async (data: Uint8Array) =>
              (await world.vault.keys.ida.sign(keyName('IDA', 'SIGN'), data)).signature,
          }
          const kept = answer.headers.get('response-signature')!.split('.')[0]!
          const { typ, req } = JSON.parse(Buffer.from(kept, 'base64url').toString()) as Record<string, string>
          const signature = await signDetachedJws(signer, text, {
            ...(typ !== undefined && { typ }),
            ...(req !== undefined && { req }),
          })
          return new Response(text, { headers: { 'response-signature': signature } })
        },
      })
      return saidBy(party.kyc({ id: UIN, demographics: DOB, consent: true }))
    }
    expect(await openWith(() => ({}))).toBe('opened')
    let identities = 0
    await openWith(({ identity }) => {
      identities = changedTexts(identity!).length
      return {}
    })
    for (let at = 0; at < identities; at++) {
      said.add(await openWith(({ identity }) => ({ identity: changedTexts(identity!)[at]! })))
      if (profile === 'mosip') {
        said.add(await openWith(({ sessionKey }) => ({ sessionKey: changedTexts(sessionKey!)[at % 16]! })))
      }
    }
    said.add(await openWith(() => ({ identity: null })))
    if (profile === 'mosip') {
      said.add(await openWith(() => ({ thumbprint: '00'.repeat(32) })))
      const { recipient } = await testHolder(9)
      const foreign = toBase64url(await backend.rsa.encryptOaep(recipient.publicKey, backend.randomBytes(32)))
      said.add(await openWith(() => ({ sessionKey: foreign })))
    }
    expect([...said]).toEqual([OPEN_FAILED])
  })
})
