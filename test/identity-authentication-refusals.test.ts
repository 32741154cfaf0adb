import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { backend, toBase64url, toHex, utf8 } from '../packages/crypto/src/node/index.ts'
import {
  certificateToPem,
  keyName,
  type PartnerUpdate,
  sealAuthClaims,
  signDetachedJws,
} from '../packages/identity/src/index.ts'
import { testHolder } from '../packages/identity/test/kit/test-keys.ts'
import { ENGINES } from './kit/engines.ts'
import {
  API_KEY,
  type AuthWorld,
  DOMAIN_URI,
  ENV,
  EVERYTHING,
  IDA_URL,
  LICENCE_KEY,
  openAuthWorld,
  PARTNER_ID,
  POLICY_ID,
  pemOfKey,
  sha256Hex,
} from './kit/identity-authentication.ts'
import { personOf } from './kit/identity-vault.ts'

const UIN = '7193064825'
const NOBODY = '9182736450'
const MINUTE_MS = 60_000
const DOB = { dob: String(personOf(UIN).identity.dateOfBirth) }
const WRONG = { dob: '1900/01/01' }

let world: AuthWorld
beforeAll(async () => {
  world = await openAuthWorld(ENGINES[0]!, 'mosip')
  await world.vault.enrol(UIN)
})
afterAll(() => world.dispose())
beforeEach(async () => {
  await world.tell()
})

type Body = Record<string, unknown>

/** A request as the client library makes it, to be changed before it is signed, or after. */
async function requestBody(over: Body = {}, claims: Body = {}): Promise<Body> {
  const now = new Date(world.vault.now()).toISOString()
  const k20 = await world.vault.keys.ida.recipient(keyName('IDA', 'PARTNER'))
  return {
    ...{ id: 'mosip.identity.auth', version: '1.0', transactionID: nextTransaction(), requestTime: now },
    ...{ individualId: UIN, individualIdType: 'UIN', consentObtained: true, env: ENV, domainUri: DOMAIN_URI },
    requestedAuth: { otp: false, demo: true, bio: false },
    ...(await sealAuthClaims(k20, { timestamp: now, demographics: DOB, ...claims } as never)),
    ...over,
  }
}

let transactions = 0
function nextTransaction(): string {
  return `TXN${String(transactions++).padStart(7, '0')}`
}

interface Sent {
  readonly text?: (text: string) => string
  readonly keys?: Partial<Record<'licence' | 'partner' | 'apiKey', string>>
  readonly signature?: string | null
  readonly kind?: string
}

async function send(body: Body, how: Sent = {}): Promise<{ codes: string[]; answer: Body; text: string }> {
  const text = JSON.stringify(body)
  const signature =
    how.signature === undefined ? await signDetachedJws(world.partner.signer, text) : how.signature
  const { licence = LICENCE_KEY, partner = PARTNER_ID, apiKey = API_KEY } = how.keys ?? {}
  const response = await world.fetch(
    new Request(`${IDA_URL}/idauthentication/v1/${how.kind ?? 'auth'}/${licence}/${partner}/${apiKey}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(signature === null ? {} : { signature }) },
      body: how.text?.(text) ?? text,
    }),
  )
  expect(response.headers.get('response-signature')).toMatch(/^[\w-]+\.\.[\w-]+$/)
  const answer = (await response.json()) as Body
  const errors = (answer.errors ?? []) as { errorCode: string }[]
  return { codes: errors.map(({ errorCode }) => errorCode), answer, text: JSON.stringify(answer.errors) }
}

/** A MISP that may delegate eKYC, too. */
const FULL_MISP = {
  policies: [
    {
      ...{ id: 'p', version: 1, validUntil: null, type: 'MISP' as const },
      body: { allowAuthRequestDelegation: true, allowKycRequestDelegation: true },
    },
  ],
}
const misp = (over: Partial<PartnerUpdate> = {}): PartnerUpdate => ({
  sequence: Date.now() + transactions++,
  partner: { id: 'misp-1', type: 'MISP_Partner', organisation: 'N', profile: 'mosip', active: true },
  ...{ certificate: null, encryptionKey: null, apiKeys: [] },
  policies: [
    {
      ...{ id: 'p', version: 1, validUntil: null, type: 'MISP' as const },
      body: { allowAuthRequestDelegation: true, allowKycRequestDelegation: false },
    },
  ],
  licences: [{ hash: sha256Hex(LICENCE_KEY), active: true, expiresAt: world.vault.now() + 60 * MINUTE_MS }],
  ...over,
})

describe('who calls', () => {
  test('a right request is answered', async () => {
    expect((await send(await requestBody())).answer.response).toMatchObject({ authStatus: true })
  })

  test.each([
    ['another licence key', { licence: 'x' }, 'IDA-MPA-007'],
    ['another partner', { partner: 'bank-2' }, 'IDA-MPA-009'],
    ['a partner that is no relying party', { partner: 'misp-1' }, 'IDA-MPA-009'],
    ['another API key', { apiKey: 'x' }, 'IDA-MPA-014'],
    ['the licence key for the API key', { apiKey: LICENCE_KEY }, 'IDA-MPA-014'],
  ])('%s is refused', async (_what, keys, code) => {
    expect((await send(await requestBody(), { keys })).codes).toEqual([code])
  })

  test.each<[string, () => Partial<PartnerUpdate>, string]>([
    [
      'an inactive partner',
      () => ({
        partner: {
          ...{ id: PARTNER_ID, type: 'Auth_Partner', organisation: 'Invented Bank', profile: 'mosip' },
          active: false,
        },
      }),
      'IDA-MPA-012',
    ],
    [
      'a partner of the other profile',
      () => ({
        partner: {
          ...{ id: PARTNER_ID, type: 'Auth_Partner', organisation: 'Invented Bank', profile: 'keyhaven' },
          active: true,
        },
      }),
      'IDA-MPA-009',
    ],
    [
      'a certificate of another organisation',
      () => ({
        partner: {
          ...{ id: PARTNER_ID, type: 'Auth_Partner', organisation: 'Other Bank', profile: 'mosip' },
          active: true,
        },
      }),
      'IDA-MPA-002',
    ],
    [
      'a revoked API key',
      () => ({
        apiKeys: [
          {
            hash: sha256Hex(API_KEY),
            policyId: POLICY_ID,
            active: false,
            expiresAt: world.vault.now() + 1_000,
          },
        ],
      }),
      'IDA-MPA-019',
    ],
    [
      'an expired API key',
      () => ({
        apiKeys: [
          { hash: sha256Hex(API_KEY), policyId: POLICY_ID, active: true, expiresAt: world.vault.now() },
        ],
      }),
      'IDA-MPA-019',
    ],
    ['no policy any more', () => ({ policies: [] }), 'IDA-MPA-019'],
    [
      'a policy that has ended',
      () => ({
        policies: [
          { id: POLICY_ID, version: 1, validUntil: world.vault.now(), type: 'Auth', body: EVERYTHING },
        ],
      }),
      'IDA-MPA-019',
    ],
    ['no certificate', () => ({ certificate: null }), 'IDA-MPA-020'],
  ])('%s is refused', async (_what, change, code) => {
    await world.tell(change())
    expect((await send(await requestBody())).codes).toEqual([code])
  })

  test('a certificate that was revoked, has expired, is for encryption only or of a stranger is refused', async () => {
    const subject = { commonName: PARTNER_ID, organisation: 'Invented Bank' }
    const now = world.vault.now()
    const made = {
      expired: await testHolder(4, { issuedBy: world.authority, subject, notAfter: now - 1_000 }),
      early: await testHolder(4, { issuedBy: world.authority, subject, notBefore: now + MINUTE_MS }),
      encryption: await testHolder(4, { issuedBy: world.authority, subject, keyUsage: ['keyEncipherment'] }),
      stranger: await testHolder(4, { issuedBy: await testHolder(6, { ca: true }), subject }),
    }
    for (const { certificate, signer } of Object.values(made)) {
      await world.tell({ certificate: { der: toBase64url(certificate.der), chain: [] } })
      const body = await requestBody()
      const signature = await signDetachedJws(signer, JSON.stringify(body))
      expect((await send(body, { signature })).codes).toEqual(['IDA-MPA-002'])
    }
    await world.tell()
    await world.tellOfAuthorities({ revoked: [toHex(world.partner.certificate.thumbprint)] })
    expect((await send(await requestBody())).codes).toEqual(['IDA-MPA-002'])
    await world.tellOfAuthorities()
    expect((await send(await requestBody())).codes).toEqual([])
  })

  test('a licence that was revoked, has ended or does not cover eKYC is refused', async () => {
    const codesWith = async (update: PartnerUpdate, kind = 'auth') => {
      await world.store.savePartner(update)
      return (await send(await requestBody(), { kind })).codes
    }
    const [licence] = misp().licences
    expect(await codesWith(misp({ licences: [{ ...licence!, active: false }] }))).toEqual(['IDA-MPA-017'])
    const ended = { ...licence!, expiresAt: world.vault.now() }
    expect(await codesWith(misp({ licences: [ended] }))).toEqual(['IDA-MPA-008'])
    expect(await codesWith(misp({ policies: [] }))).toEqual(['IDA-MPA-017'])
    expect(await codesWith(misp(), 'kyc')).toEqual(['IDA-MPA-017'])
    expect(await codesWith(misp())).toEqual([])
  })
})

describe('the signature', () => {
  test.each<[string, (body: Body) => Promise<Sent>, string]>([
    ['none', async () => ({ signature: null }), 'IDA-MPA-001'],
    [
      'of another text',
      async (body) => ({ text: (text) => text.replace(String(body.transactionID), 'TXN') }),
      'IDA-MPA-001',
    ],
    ['with a space more in the text', async () => ({ text: (text) => `${text} ` }), 'IDA-MPA-001'],
    [
      'without a certificate',
      async (body) => ({
        signature: await signDetachedJws(world.partner.signer, JSON.stringify(body), { x5c: false }),
      }),
      'IDA-MPA-022',
    ],
    [
      'by another certificate of the same authority',
      async (body) => {
        const { signer } = await testHolder(5, { issuedBy: world.authority })
        return { signature: await signDetachedJws(signer, JSON.stringify(body)) }
      },
      'IDA-MPA-021',
    ],
  ])('%s is refused', async (_what, how, code) => {
    const body = await requestBody()
    expect((await send(body, await how(body))).codes).toEqual([code])
  })
})

describe('the policy', () => {
  const only = (types: readonly string[], mandatory: readonly string[] = []): Partial<PartnerUpdate> => ({
    policies: [
      {
        ...{ id: POLICY_ID, version: 2, validUntil: null, type: 'Auth' },
        body: {
          ...EVERYTHING,
          allowedAuthTypes: types.map((authType) => ({
            ...{ authType, authSubType: '', mandatory: mandatory.includes(authType) },
          })),
        },
      },
    ],
  })

  test.each<[string, Partial<PartnerUpdate>, string, string]>([
    ['demographics', only(['otp', 'bio']), 'auth', 'IDA-MPA-006'],
    ['eKYC', only(['demo']), 'kyc', 'IDA-MPA-013'],
    ['one-time passwords', only(['demo']), 'otp', 'IDA-MPA-005'],
    ['demographics without the OTP that is mandatory', only(['demo', 'otp'], ['otp']), 'auth', 'IDA-MPA-015'],
  ])('%s that it does not allow are refused', async (_what, change, kind, code) => {
    await world.tell(change)
    await world.store.savePartner(misp(FULL_MISP))
    const body = await requestBody({ id: `mosip.identity.${kind}`, otpChannel: ['EMAIL'] })
    expect((await send(body, { kind })).codes).toEqual([code])
  })
})

describe('time and replay', () => {
  test.each([
    ['four minutes old', -4 * MINUTE_MS],
    ['a minute ahead', MINUTE_MS],
  ])('a request that is %s is refused, also by its claims alone', async (_what, shift) => {
    const at = new Date(world.vault.now() + shift).toISOString()
    expect((await send(await requestBody({ requestTime: at }))).codes).toEqual(['IDA-MLC-001'])
    expect((await send(await requestBody({}, { timestamp: at }))).codes).toEqual(['IDA-MLC-001'])
  })

  test('the same request again, or another one in its transaction, is refused', async () => {
    const body = await requestBody()
    expect((await send(body)).codes).toEqual([])
    expect((await send(body)).codes).toEqual(['IDA-MLC-009'])
    const { transactionID } = body
    expect((await send(await requestBody({ transactionID }))).codes).toEqual(['IDA-MLC-009'])
  })

  test('of fifty copies at once one is answered', async () => {
    const body = await requestBody()
    const text = JSON.stringify(body)
    const signature = await signDetachedJws(world.partner.signer, text)
    const answers = await Promise.all(Array.from({ length: 50 }, () => send(body, { signature })))
    expect(answers.filter(({ codes }) => codes.length === 0)).toHaveLength(1)
  })
})

describe('no failure to decrypt can be told from another', () => {
  const flip = (text: unknown, at = 5): string => {
    const bytes = Buffer.from(String(text), 'base64url')
    bytes[at] = bytes[at]! ^ 1
    return bytes.toString('base64url')
  }

  test('one code and one text, whatever is wrong', async () => {
    const right = await requestBody()
    const other = await requestBody()
    const k21 = await world.vault.keys.ida.recipient(keyName('IDA', 'FIR'))
    const toOther = await sealAuthClaims(k21, { timestamp: String(right.requestTime) })
    const short = await backend.rsa.encryptOaep(
      (await world.vault.keys.ida.recipient(keyName('IDA', 'PARTNER'))).publicKey,
      utf8('a key that is too short'),
    )
    const broken: Body[] = [
      { requestSessionKey: flip(right.requestSessionKey) },
      { requestSessionKey: toBase64url(short) },
      { requestSessionKey: 'AA' },
      { requestSessionKey: other.requestSessionKey },
      { request: flip(right.request) },
      { request: flip(right.request, Buffer.from(String(right.request), 'base64url').length - 1) },
      { request: other.request },
      { request: 'AA' },
      { request: '%%' },
      { request: null },
      { requestHMAC: flip(right.requestHMAC) },
      { requestHMAC: other.requestHMAC },
      { requestHMAC: right.request },
      { thumbprint: '00'.repeat(32) },
      { thumbprint: 'not a thumbprint' },
      { thumbprint: toHex(k21.thumbprint) },
      { ...toOther },
    ]
    const texts = new Set<string>()
    for (const change of broken) {
      const { text, answer } = await send({ ...right, transactionID: nextTransaction(), ...change })
      expect(answer.response).toBeNull()
      texts.add(text)
    }
    expect([...texts]).toEqual([
      JSON.stringify([{ errorCode: 'IDA-MPA-003', errorMessage: 'Unable to decrypt Request' }]),
    ])
  })
})

describe('failures are limited', () => {
  test('of a person, whether there is one or not, and an operator can unlock it', async () => {
    for (const id of [UIN, NOBODY]) {
      const codes: string[][] = []
      for (let count = 0; count < 12; count++) {
        codes.push((await send(await requestBody({ individualId: id }, { demographics: WRONG }))).codes)
      }
      expect(codes.filter(([code]) => code === 'IDA-DEA-001')).toHaveLength(10)
      expect(codes.slice(10)).toEqual([['IDA-MLC-019'], ['IDA-MLC-019']])
    }
    expect((await send(await requestBody())).codes).toEqual(['IDA-MLC-019'])
    const [person] = await world.store.limited(10)
    expect(person!.subject).not.toContain(UIN)
    for (const { subject } of await world.store.limited(10)) await world.store.unlock(subject, 'test')
    expect((await send(await requestBody())).codes).toEqual([])
  })

  test('of a hundred guesses at once no more than ten are tried', async () => {
    const bodies = await Promise.all(
      Array.from({ length: 60 }, () => requestBody({ individualId: '5555555555' }, { demographics: WRONG })),
    )
    const answers = await Promise.all(bodies.map((body) => send(body)))
    const tried = answers.filter(({ codes }) => codes[0] === 'IDA-DEA-001')
    expect(tried.length).toBeLessThanOrEqual(10)
  })

  test('a one-time password can be guessed at three times, and asked for five times', async () => {
    const bank = await world.relyingParty()
    const { transactionId } = await bank.requestOtp({ id: UIN, channels: ['EMAIL'] })
    const { otp } = world.otps.at(-1)!
    const wrong = otp === '000000' ? '000001' : '000000'
    for (let count = 0; count < 3; count++) {
      expect((await bank.authenticate({ id: UIN, otp: wrong, transactionId })).authenticated).toBe(false)
    }
    expect((await bank.authenticate({ id: UIN, otp, transactionId })).authenticated).toBe(false)
    for (let count = 0; count < 4; count++) await bank.requestOtp({ id: UIN, channels: ['EMAIL'] })
    const flooded = await bank.requestOtp({ id: UIN, channels: ['EMAIL'] })
    expect(flooded).toMatchObject({ sent: false, errors: [{ errorCode: 'IDA-OTA-001' }] })
  })

  test('a one-time password ends after five minutes', async () => {
    const bank = await world.relyingParty()
    for (const { subject } of await world.store.limited(1)) await world.store.unlock(subject, 'test')
    const { transactionId } = await bank.requestOtp({ id: UIN, channels: ['EMAIL'] })
    world.vault.advance(5 * MINUTE_MS)
    const late = await bank.authenticate({ id: UIN, otp: world.otps.at(-1)!.otp, transactionId })
    expect(late).toMatchObject({ authenticated: false, errors: [{ errorCode: 'IDA-OTA-004' }] })
  })
})

describe('what the relying party believes', () => {
  test('an answer of another root, changed, to another request or unsigned is refused', async () => {
    const stranger = await testHolder(6, { ca: true })
    const distrusting = await world.relyingParty({ idaRoots: certificateToPem(stranger.certificate) })
    const ask = { id: UIN, demographics: DOB }
    await expect(distrusting.authenticate(ask)).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' })
    let kept: Response | undefined
    const change = (edit: (answer: Response) => Promise<Response>) =>
      world.relyingParty({
        fetch: async (input, init) => {
          const request = new Request(input, init)
          const answer = await world.fetch(request)
          return request.method === 'GET' ? answer : edit(answer)
        },
      })
    const flipped = await change(async (answer) => {
      kept ??= answer.clone()
      const text = (await answer.text()).replace('true', 'false')
      return new Response(text, { headers: answer.headers })
    })
    await expect(flipped.authenticate(ask)).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
    const replayed = await change(async () => kept!.clone())
    await expect(replayed.authenticate(ask)).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
    const bare = await change(async (answer) => new Response(await answer.text()))
    await expect(bare.authenticate(ask)).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
  })

  test('who has the keys of a partner but not its private key is refused', async () => {
    const thief = await world.relyingParty({ privateKey: await pemOfKey(await testHolder(7)) })
    const answer = await thief.authenticate({ id: UIN, demographics: DOB })
    expect(answer).toMatchObject({ authenticated: false, errors: [{ errorCode: 'IDA-MPA-001' }] })
  })

  test('eKYC needs the consent of the person', async () => {
    await world.store.savePartner(misp(FULL_MISP))
    const bank = await world.relyingParty()
    const right = await bank.kyc({ id: UIN, demographics: DOB, consent: true })
    expect(right.identity).toMatchObject({ dateOfBirth: DOB.dob })
    const none = await bank.kyc({ id: UIN, demographics: DOB, consent: false })
    expect(none).toMatchObject({ authenticated: false, errors: [{ errorCode: 'IDA-MLC-012' }] })
  })
})
