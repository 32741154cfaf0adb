import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RelyingParty } from '../packages/identity/src/index.ts'
import { ENGINES } from './kit/engines.ts'
import {
  type Enrolled,
  type IdentitySystem,
  SYSTEM_DOMAIN,
  SYSTEM_ENV,
  startIdentitySystem,
} from './kit/identity-system.ts'

// "ID authentication flow" of the seed, with main server, IDA and oblivious PRF as processes talk: over HTTP alone.

const CASES = [
  { name: 'mosip on SQLite', profile: 'mosip', engine: ENGINES[0]! },
  { name: 'keyhaven on PostgreSQL', profile: 'keyhaven', engine: ENGINES[1]! },
] as const

describe.each(CASES)('ID authentication flow, profile $name', ({ profile, engine }) => {
  let system: IdentitySystem
  let person: Enrolled
  let bank: RelyingParty

  beforeAll(async () => {
    system = await startIdentitySystem(engine, profile)
    bank = await system.bank('bank-1')
    person = await system.enrol('person-1', 1)
    await system.until('the IDA knows UIN and VID', async () => {
      const { body } = await system.ida.admin('GET', '/identity/vault')
      return body.records === 2 ? true : undefined
    })
  })
  afterAll(() => system?.dispose())

  const demographics = () => ({ dob: String(person.fields.dateOfBirth) })
  const capture = async (transactionId: string, of: string) => {
    const device = await system.device('Face')
    const request = {
      ...({ purpose: 'Auth', transactionId, env: SYSTEM_ENV, domainUri: SYSTEM_DOMAIN } as const),
      requestedAt: Date.now(),
    }
    const parts = [{ type: 'Face', subtype: '' }] as const
    const recipient = await system.idaRecipient('FIR')
    return (await device.capture({ request, person: of, parts, recipient })).biometrics
  }

  test('1. The authentication client further encrypts the auth request with the IDA-PARTNER public key', async () => {
    const answer = await bank.authenticate({ id: person.uin, demographics: demographics() })
    expect(answer).toMatchObject({ authenticated: true, errors: [] })
  })

  test('2. L1 devices encrypt (DE1, K21) and sign (FK1) biometrics at the source', async () => {
    const transactionId = bank.newTransactionId()
    const biometrics = await capture(transactionId, person.seed)
    const payload = Buffer.from(biometrics[0]!.data.split('.')[1]!, 'base64url').toString()
    expect(payload).not.toContain('SIMULATED BIOMETRIC')
    const answer = await bank.authenticate({ id: person.uin, transactionId, biometrics })
    expect(answer).toMatchObject({ authenticated: true, errors: [] })
  })

  test('3. IDA decrypts zero-knowledge data and performs a demographic and/or biometric authentication', async () => {
    const transactionId = bank.newTransactionId()
    const biometrics = await capture(transactionId, person.seed)
    const both = {
      id: person.vid,
      idType: 'VID',
      transactionId,
      demographics: demographics(),
      biometrics,
    } as const
    expect(await bank.authenticate(both)).toMatchObject({ authenticated: true, errors: [] })
    const second = bank.newTransactionId()
    const stranger = await capture(second, 'person-2')
    const answer = await bank.authenticate({ id: person.uin, transactionId: second, biometrics: stranger })
    expect(answer).toMatchObject({ authenticated: false, errors: [{ errorCode: 'IDA-BIA-001' }] })
  })

  test('4. The match result is returned to the Auth client, with a token that is the partner’s own', async () => {
    const ask = (party: RelyingParty, id: string, idType: 'UIN' | 'VID') =>
      party.authenticate({ id, idType, demographics: demographics() })
    const byUin = await ask(bank, person.uin, 'UIN')
    const byVid = await ask(bank, person.vid, 'VID')
    expect(byVid.token).toBe(byUin.token)
    const other = await system.bank('bank-2')
    const elsewhere = await ask(other, person.uin, 'UIN')
    expect(elsewhere.authenticated).toBe(true)
    // The policy says for whom a token is the same: those who share it.
    expect(elsewhere.token).toBe(byUin.token)
  })

  test('5. In the case of KYC, the KYC attributes are encrypted with the Partner’s public key', async () => {
    const { identity } = await bank.kyc({ id: person.uin, demographics: demographics(), consent: true })
    const { fullName, gender, dateOfBirth } = person.fields
    expect(identity).toEqual({ fullName, gender, dateOfBirth })
  })

  test('a blocked person and a partner without a key are refused within moments', async () => {
    const path = `/applications/demo/identity/registrations/${person.rid}/identity/status`
    await system.main.admin('POST', path, { status: 'BLOCKED' })
    await system.until('the person is blocked at the IDA', async () => {
      const answer = await bank.authenticate({ id: person.uin, demographics: demographics() })
      return answer.authenticated ? undefined : true
    })
    const state = { active: false, reason: 'a test' }
    await system.main.admin('POST', '/applications/demo/identity/partners/bank-2/state', state)
    await system.until('the partner is inactive at the IDA', async () => {
      const { body } = await system.ida.admin('GET', '/identity/authentication/partners')
      return body.items.find((one: { id: string; active: boolean }) => one.id === 'bank-2' && !one.active)
    })
  })

  test('the logs of all of them, and what the IDA stores, name nobody', async () => {
    const { items } = (await system.ida.admin('GET', '/identity/authentication/answers?limit=200')).body
    expect(items.length).toBeGreaterThan(5)
    for (const server of [system.main, system.ida]) {
      const audit = (await server.admin('GET', '/audit?limit=200')).body
      expect(JSON.stringify(audit)).not.toMatch(new RegExp(`${person.uin}|${person.vid}`))
    }
  })
})
