import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { backend, toBase64url, toHex, utf8 } from '../packages/crypto/src/node/index.ts'
import { certificateToPem, keyName, sealAuthClaims, signDetachedJws } from '../packages/identity/src/index.ts'
import { otpSubject, PARTNER_FAILURES, PARTNER_OTPS } from '../packages/identity/src/service/index.ts'
import { testHolder } from '../packages/identity/test/kit/test-keys.ts'
import { ENGINES } from './kit/engines.ts'
import {
  type Body,
  DOB,
  FULL_MISP,
  handMadeAuthRequests,
  MINUTE_MS,
  UIN,
} from './kit/hand-made-auth-requests.ts'
import { type AuthWorld, openAuthWorld, PARTNER_ID, pemOfKey } from './kit/identity-authentication.ts'

const NOBODY = '9182736450'
const WRONG = { dob: '1900/01/01' }
const SOON = { timeout: 60_000 }

let world: AuthWorld
beforeAll(async () => {
  world = await openAuthWorld(ENGINES[0]!, 'mosip')
  await world.vault.enrol(UIN)
})
afterAll(() => world.dispose())
beforeEach(async () => {
  await world.tell()
})

const { requestBody, nextTransaction, send, misp } = handMadeAuthRequests(() => world)

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

  test('a failure counts from its attempt on, also while it is being stored', async () => {
    const id = '6666666666'
    const guess = async () =>
      (await send(await requestBody({ individualId: id }, { demographics: WRONG }))).codes
    const store = world.store.end
    const { promise: open, resolve } = Promise.withResolvers<void>()
    const storing = vi.spyOn(world.store, 'end').mockImplementation(async (end) => {
      await open
      return store(end)
    })
    try {
      const first = Array.from({ length: 10 }, guess)
      await vi.waitFor(() => expect(storing).toHaveBeenCalledTimes(10), SOON)
      const more = Array.from({ length: 20 }, guess)
      await vi.waitFor(() => expect(storing).toHaveBeenCalledTimes(30), SOON)
      resolve()
      expect(new Set((await Promise.all(first)).flat())).toEqual(new Set(['IDA-DEA-001']))
      expect(new Set((await Promise.all(more)).flat())).toEqual(new Set(['IDA-MLC-019']))
    } finally {
      storing.mockRestore()
    }
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

  test('of a partner, with all people together: guesses, and the passwords that it has sent', async () => {
    const partner = `partner:${PARTNER_ID}`
    const count = (subject: string, times: number) =>
      world.store.end({
        ...{ id: randomUUID(), kind: 'auth', actor: partner, result: 'no', types: [], errors: [] },
        ...{ token: null, failed: Array.from({ length: times }, () => subject) },
      })
    const forget = async () => {
      for (const { subject } of await world.store.limited(1)) await world.store.unlock(subject, 'test')
    }
    const bank = await world.relyingParty()
    const ask = (id: string) => bank.requestOtp({ id, channels: ['EMAIL'] })
    await forget()
    await count(otpSubject(partner), PARTNER_OTPS - 1)
    expect(await ask(UIN)).toMatchObject({ sent: true })
    // Of somebody else, who was sent none.
    const flooded = { sent: false, errors: [{ errorCode: 'IDA-OTA-001' }] }
    expect(await ask('3333333333')).toMatchObject(flooded)
    expect((await send(await requestBody())).codes).toEqual([])
    await forget()
    await count(partner, PARTNER_FAILURES - 1)
    const wrong = await requestBody({ individualId: '3333333333' }, { demographics: WRONG })
    expect((await send(wrong)).codes).toEqual(['IDA-DEA-001'])
    expect((await send(await requestBody())).codes).toEqual(['IDA-MLC-007'])
    expect(await ask(UIN)).toMatchObject({ sent: false, errors: [{ errorCode: 'IDA-MLC-007' }] })
    await forget()
    expect((await send(await requestBody())).codes).toEqual([])
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
