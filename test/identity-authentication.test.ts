import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keyName } from '../packages/identity/src/index.ts'
import { ENGINES } from './kit/engines.ts'
import { type AuthWorld, DOMAIN_URI, ENV, openAuthWorld } from './kit/identity-authentication.ts'
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

  test('what was answered is in the audit log, without whom it was about', async () => {
    const answers = await world.answers()
    expect(answers[0]).toMatchObject({
      actor: 'partner:bank-1',
      detail: { kind: 'auth', result: 'yes', types: ['demo'], errors: [] },
    })
    expect(JSON.stringify(answers)).not.toMatch(new RegExp(`${UIN}|${OTHER}|${NOBODY}`))
  })
})
