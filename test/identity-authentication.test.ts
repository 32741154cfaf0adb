import { AsyncLocalStorage } from 'node:async_hooks'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { backend, toBase64url } from '../packages/crypto/src/node/index.ts'
import { AUTH_REQUEST_IDS, keyName, sealAuthClaims } from '../packages/identity/src/index.ts'
import { ENGINES } from './kit/engines.ts'
import {
  ADMIN_TOKEN,
  type AuthWorld,
  DOMAIN_URI,
  ENV,
  IDA_URL,
  openAuthWorld,
} from './kit/identity-authentication.ts'
import { personOf } from './kit/identity-vault.ts'

const PROFILES = ['mosip', 'keyhaven'] as const
const CASES = ENGINES.flatMap((engine) => PROFILES.map((profile) => ({ name: engine.name, engine, profile })))
const UIN = '7193064825'
const OTHER = '4850716392'
const NOBODY = '9182736450'

describe.each(CASES)('ID authentication, profile $profile, on $name', ({ engine, profile }) => {
  let world: AuthWorld

  beforeAll(async () => {
    world = await openAuthWorld(engine, profile)
    await world.vault.enrol(UIN)
    await world.vault.enrol(OTHER)
  })
  afterAll(() => world.dispose())

  const demographicsOf = (id: string) => {
    const { fullName, dateOfBirth } = personOf(id).identity as {
      fullName: { language: string; value: string }[]
      dateOfBirth: string
    }
    return { name: fullName, dob: dateOfBirth }
  }
  const face = async (person: string, transactionId: string) => {
    const device = await world.device('Face')
    const recipient = await world.vault.keys.ida.recipient(keyName('IDA', 'FIR'))
    const request = {
      ...({ purpose: 'Auth', transactionId, env: ENV, domainUri: DOMAIN_URI } as const),
      requestedAt: world.vault.now(),
    }
    const parts = [{ type: 'Face', subtype: '' }] as const
    const { biometrics } = await device.capture({ request, person, parts, recipient })
    return biometrics
  }

  test('the right demographics are a yes, with a token that is the same each time', async () => {
    const bank = await world.relyingParty()
    const first = await bank.authenticate({ id: UIN, demographics: demographicsOf(UIN) })
    expect(world.faults).toEqual([])
    expect(first).toMatchObject({ authenticated: true, errors: [] })
    const again = await bank.authenticate({ id: UIN, demographics: demographicsOf(UIN) })
    expect(again.token).toBe(first.token)
    const other = await bank.authenticate({ id: OTHER, demographics: demographicsOf(OTHER) })
    expect(other.token).not.toBe(first.token)
  })

  test('a face of the person is a yes, another one a no', async () => {
    const bank = await world.relyingParty()
    const transactionId = bank.newTransactionId()
    const biometrics = await face(UIN, transactionId)
    const yes = await bank.authenticate({ id: UIN, transactionId, biometrics })
    expect(yes.errors).toEqual([])
    const second = bank.newTransactionId()
    const no = await bank.authenticate({
      id: UIN,
      transactionId: second,
      biometrics: await face(OTHER, second),
    })
    expect(no).toMatchObject({ authenticated: false, errors: [{ errorCode: 'IDA-BIA-001' }] })
  })

  test('the wrong person and somebody unknown are answered alike', async () => {
    const bank = await world.relyingParty()
    const wrong = await bank.authenticate({ id: OTHER, demographics: demographicsOf(UIN) })
    const unknown = await bank.authenticate({ id: NOBODY, demographics: demographicsOf(UIN) })
    expect(wrong.authenticated).toBe(false)
    expect(unknown.errors).toEqual(wrong.errors)
    expect(wrong.errors.map(({ errorCode }) => errorCode)).toContain('IDA-DEA-001')
  })

  test('and cost the same work: each primitive is called as often for the one as for the other', async () => {
    const bank = await world.relyingParty()
    const ask = (id: string) => bank.authenticate({ id, demographics: demographicsOf(UIN) })
    await ask(OTHER)
    await ask(NOBODY)
    const wrong = await countCalls(() => ask(OTHER))
    const unknown = await countCalls(() => ask(NOBODY))
    expect(wrong.size).toBeGreaterThan(3)
    expect(Object.fromEntries(unknown)).toEqual(Object.fromEntries(wrong))
    for (const { subject } of await world.store.limited(100)) await world.store.unlock(subject, 'test')
  })

  test('eKYC gives the attributes that the policy allows, to the partner alone', async () => {
    const bank = await world.relyingParty()
    const { identity, authenticated, errors } = await bank.kyc({
      ...{ id: UIN, demographics: demographicsOf(UIN), consent: true },
    })
    expect({ authenticated, errors }).toEqual({ authenticated: true, errors: [] })
    const { fullName, dateOfBirth, gender } = personOf(UIN).identity
    expect(identity).toEqual({ fullName, dateOfBirth, gender })
    const fewer = await bank.kyc({
      ...{ id: UIN, demographics: demographicsOf(UIN), consent: true, attributes: ['gender', 'phone'] },
    })
    expect(fewer.identity).toEqual({ gender })
  })

  test('a one-time password works once, for its transaction', async () => {
    const bank = await world.relyingParty()
    const { sent, transactionId } = await bank.requestOtp({ id: UIN, channels: ['EMAIL'] })
    expect(sent).toBe(true)
    const { to, otp } = world.otps.at(-1)!
    expect(to).toBe(personOf(UIN).identity.email)
    const elsewhere = await bank.authenticate({ id: UIN, otp })
    expect(elsewhere.authenticated).toBe(false)
    const right = await bank.authenticate({ id: UIN, otp, transactionId })
    expect(right.errors).toEqual([])
    const again = await bank.authenticate({ id: UIN, otp, transactionId })
    expect(again).toMatchObject({ authenticated: false, errors: [{ errorCode: 'IDA-OTA-004' }] })
  })

  /** As a service of the identity system asks, with its token. */
  const asService = async (name: 'INTERNAL' | 'PARTNER', id: string, token?: string) => {
    const now = new Date(world.vault.now()).toISOString()
    const claims = { timestamp: now, demographics: demographicsOf(UIN) }
    const body = JSON.stringify({
      ...{ id: AUTH_REQUEST_IDS.internal, version: '1.0', requestTime: now, consentObtained: true },
      transactionID: toBase64url(crypto.getRandomValues(new Uint8Array(9))),
      ...{ individualId: id, individualIdType: 'UIN' },
      requestedAuth: { otp: false, demo: true, bio: false },
      ...(await sealAuthClaims(await world.vault.keys.ida.recipient(keyName('IDA', name)), claims)),
    })
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    return world.fetch(
      new Request(`${IDA_URL}/idauthentication/v1/internal/auth`, { method: 'POST', body, headers }),
    )
  }

  test('internal authentication is for a service with a token only', async () => {
    expect((await asService('INTERNAL', UIN)).status).toBe(401)
    expect((await asService('INTERNAL', UIN, 'kh_of-nobody-0123456789abcdefghijklmnopqrstu')).status).toBe(
      401,
    )
  })

  if (profile === 'mosip') {
    test('a service of our own asks with a token, to K19', async () => {
      const yes = await (await asService('INTERNAL', UIN, ADMIN_TOKEN)).json()
      expect(yes).toMatchObject({ response: { authStatus: true }, errors: null })
      const no = await (await asService('INTERNAL', OTHER, ADMIN_TOKEN)).json()
      expect(no).toMatchObject({ response: { authStatus: false } })
      const otherKey = await (await asService('PARTNER', UIN, ADMIN_TOKEN)).json()
      expect(otherKey).toMatchObject({ errors: [{ errorCode: 'IDA-MPA-003' }] })
    })
  } else {
    test('nobody asks without a partner’s signature: internal authentication is refused, and says why', async () => {
      const refused = await asService('INTERNAL', UIN, ADMIN_TOKEN)
      expect(refused.status).toBe(501)
      expect(await refused.json()).toMatchObject({
        code: 'UNSUPPORTED',
        detail: expect.stringMatching(/only for a request that a partner has signed/),
      })
      expect(world.faults).toEqual([])
    })
  }

  test('what was answered is in the audit log, without whom it was about', async () => {
    const answers = await world.answers()
    expect(answers[0]).toMatchObject({
      actor: 'partner:bank-1',
      detail: { kind: 'auth', result: 'yes', types: ['demo'], errors: [] },
    })
    expect(JSON.stringify(answers)).not.toMatch(new RegExp(`${UIN}|${OTHER}|${NOBODY}`))
  })
})

/** How often each function of the crypto backend is called by this work: its worker does other things too. */
async function countCalls(work: () => Promise<unknown>): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  const ours = new AsyncLocalStorage<true>()
  const spies = [backend, ...Object.values(backend).filter((part) => typeof part === 'object')].flatMap(
    (part) =>
      Object.entries(part)
        .filter(([, member]) => typeof member === 'function')
        .map(([name, member]) =>
          vi.spyOn(part as Record<string, () => unknown>, name).mockImplementation((...args) => {
            if (ours.getStore()) counts.set(name, (counts.get(name) ?? 0) + 1)
            return (member as (...args: unknown[]) => unknown).apply(part, args)
          }),
        ),
  )
  try {
    await ours.run(true, work)
    counts.delete('randomBytes') // a nonce that the client does not like is drawn again
    return counts
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}
