import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { utf8 } from '../packages/crypto/src/node/index.ts'
import { type CbeffRecord, parseCbeff } from '../packages/identity/src/index.ts'
import { loadConfig } from '../packages/server/src/platform/config/load-config.ts'
import { ENGINES } from './kit/engines.ts'
import {
  openReceiver,
  type Receiver,
  type SubscribedPartner,
  subscribedPartner,
} from './kit/identity-receiver.ts'
import { type Enrolled, type IdentitySystem, startIdentitySystem } from './kit/identity-system.ts'
import { TEST_ADMIN_TOKEN } from './kit/server-process.ts'

// What print and ABIS get of a person who is registered, and what an IDA takes: by the real credential service, the
// real datashare and events over HTTP.

const CASES = [
  { name: 'mosip on SQLite', profile: 'mosip', engine: ENGINES[0]! },
  { name: 'keyhaven on PostgreSQL', profile: 'keyhaven', engine: ENGINES[1]! },
] as const
const IDA = 'mpartner-default-auth'
/** `01` is not English: names and addresses stand in two languages. */
const SEED = 'person-1'

describe.each(CASES)('credentials, profile $name', ({ profile, engine }) => {
  let system: IdentitySystem
  let print: SubscribedPartner
  let abis: SubscribedPartner
  let hook: Receiver
  let person: Enrolled

  beforeAll(async () => {
    system = await startIdentitySystem(engine, profile)
    print = await subscribedPartner(system, profile, {
      ...{ id: 'print', type: 'Print_Partner', policyId: 'mpolicy-default-euin', key: 6 },
      groupId: 'mpolicygroup-default-print',
    })
    abis = await subscribedPartner(system, profile, {
      ...{ id: 'abis', type: 'ABIS_Partner', policyId: 'mpolicy-default-abis', key: 7 },
      groupId: 'mpolicygroup-default-abis',
    })
    hook = await openReceiver()
    await sendEventsOfTheIda(hook.url)
    person = await system.enrol(SEED, 1)
  })
  afterAll(async () => {
    await system?.dispose()
    for (const one of [print, abis, hook]) await one?.close()
  })

  const sendEventsOfTheIda = async (url: string) => {
    const path = `/applications/demo/identity/partners/${IDA}/webhook`
    expect((await system.main.admin('POST', path, { url })).status).toBe(200)
  }
  const eventOf = ({ received }: Receiver, topic: string) =>
    system.until(topic, async () => received.find((one) => one.topic.endsWith(`/${topic}`)))

  test('print: what its policy names in clear inside the share, and nothing else', async () => {
    const told = await eventOf(print, 'CREDENTIAL_ISSUED')
    await print.verify(told)
    await expect(abis.verify(told)).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    // No hash, no key and no index: those are for an IDA.
    expect(Object.keys(told.event.data).sort()).toEqual([
      ...['TOKEN', 'credentialType', 'expiry_timestamp', 'proof', 'protectionKey', 'transaction_limit'],
    ])
    const uri = told.event.dataShareUri!
    const answer = await print.read(uri)
    const sealed = new Uint8Array(await answer.clone().arrayBuffer())
    expect(Buffer.from(sealed).toString('latin1')).not.toMatch(/credentialSubject|fullName/)
    await expect(abis.open(uri, answer.clone())).rejects.toMatchObject({ code: 'OPEN_FAILED' })
    const credential = JSON.parse(new TextDecoder().decode(await print.open(uri, answer)))
    expect(credential).toMatchObject({ issuedTo: 'print', protectedAttributes: [], consent: '' })
    expect(credential.policy).toBeUndefined()
    const { biometrics, ...demographics } = credential.credentialSubject
    const english = (name: string) =>
      (person.fields[name] as { language: string }[]).filter(({ language }) => language === 'eng')
    expect((person.fields.fullName as unknown[]).length).toBe(2)
    expect(demographics).toEqual({
      ...Object.fromEntries(
        ['fullName', 'gender', 'addressLine1', 'region', 'city'].map((name) => [name, english(name)]),
      ),
      ...{ phone: person.fields.phone, email: person.fields.email, postalCode: person.fields.postalCode },
      dateOfBirth: String(person.fields.dateOfBirth).slice(0, 4),
      UIN: person.uin,
    })
    expect(partsOf(parseCbeff(utf8(biometrics)))).toEqual([
      ...['Face  Processed', 'Finger Left Thumb Processed', 'Finger Right Thumb Processed'],
    ])
  })

  test('print reads twice, as its policy says, and not a third time', async () => {
    const { dataShareUri } = (await eventOf(print, 'CREDENTIAL_ISSUED')).event
    expect((await print.read(dataShareUri!)).headers.get('content-type')).toBe('application/octet-stream')
    expect(await (await print.read(dataShareUri!)).json()).toMatchObject(
      profile === 'mosip' ? { errors: [{ errorCode: 'DAT-SER-006' }] } : { code: 'SHARE_SPENT' },
    )
  })

  test('ABIS: templates of all biometrics and no demographics, under the number of the registration', async () => {
    const told = await eventOf(abis, 'ABIS_INSERT')
    await abis.verify(told)
    const uri = told.event.dataShareUri!
    expect(told.event.data).toEqual({
      ...{ id: 'mosip.abis.insert', version: '1.1', referenceId: person.rid, referenceURL: uri },
    })
    const answer = await abis.read(uri)
    await expect(print.open(uri, answer.clone())).rejects.toMatchObject({ code: 'OPEN_FAILED' })
    const bytes = await abis.open(uri, answer)
    const parts = partsOf(parseCbeff(bytes))
    expect(parts).toHaveLength(13)
    expect(new Set(parts.map((part) => part.split(' ').at(-1)))).toEqual(new Set(['Processed']))
    const text = Buffer.from(bytes).toString()
    expect(text).not.toMatch(new RegExp(`${person.uin}|${person.fields.phone}|${person.fields.email}`))
  })

  test('an IDA: the share as it lies at the issuer, changed, is imported by nobody; as it was made, once', async () => {
    const [uin, vid] = await system.until('the credentials of UIN and VID', async () => {
      const told = hook.received.filter(({ topic }) => topic === `${IDA}/CREDENTIAL_ISSUED`)
      return told.length === 2 ? (told as [(typeof told)[number], (typeof told)[number]]) : undefined
    })
    const callback = `${system.ida.identityUrl}/idauthentication/v1/callback/events`
    const post = async ({ body, signature }: { body: Uint8Array<ArrayBuffer>; signature: string }) => {
      const answer = await fetch(callback, { method: 'POST', body, headers: { signature } })
      const said = (await answer.json()) as { result?: string; code?: string }
      return said.result ?? said.code
    }
    const records = async () => (await system.ida.admin('GET', '/identity/vault')).body.records
    expect(await records()).toBe(0)
    // Somebody else's event, and one whose address leads elsewhere.
    const own = await eventOf(print, 'CREDENTIAL_ISSUED')
    expect(await post(own)).toBe('ACCESS_DENIED')
    const elsewhere = Buffer.from(uin.body).toString().replace('127.0.0.1', '127.0.0.2')
    expect(await post({ ...uin, body: Uint8Array.from(Buffer.from(elsewhere)) })).toBe('SIGNATURE_INVALID')
    const files = await sharesOnDisk()
    const flipped = await Promise.all(
      files.map(async (file) => {
        const before = await readFile(file)
        const after = Buffer.from(before)
        // MOSIP's are text: still Base64, but not what it was.
        const at = after.length >> 1
        after[at] = profile === 'mosip' ? (after[at] === 65 ? 66 : 65) : after[at]! ^ 1
        await writeFile(file, after)
        return () => writeFile(file, before)
      }),
    )
    expect(await post(uin)).toBe('OPEN_FAILED')
    expect(await records()).toBe(0)
    for (const restore of flipped) await restore()
    expect(await post(uin)).toBe('imported')
    expect(await post(vid)).toBe('imported')
    expect(await records()).toBe(2)
    const reads = (await system.main.admin('GET', '/audit?action=share.read&limit=100')).body.items
    const byIda = reads.filter(({ actor }: { actor: string }) => actor === `partner:${IDA}`)
    expect(byIda.length).toBe(3)
    await sendEventsOfTheIda(callback)
    const bank = await system.bank('bank-1')
    const demographics = { dob: String(person.fields.dateOfBirth) }
    for (const [id, idType] of [
      [person.uin, 'UIN'],
      [person.vid, 'VID'],
    ] as const) {
      expect(await bank.authenticate({ id, idType, demographics })).toMatchObject({ authenticated: true })
    }
  })

  test('a share is read for its partner only, and with what its profile asks for', async () => {
    const { dataShareUri } = (await eventOf(abis, 'ABIS_INSERT')).event
    expect((await fetch(dataShareUri!)).status).toBe(401)
    if (profile === 'mosip') return
    // Its own proof: not a token, nor another partner's.
    const headers = { authorization: `Bearer ${TEST_ADMIN_TOKEN}` }
    expect((await fetch(dataShareUri!, { headers })).status).toBe(401)
    expect((await print.read(dataShareUri!)).status).toBe(400)
  })

  test('what a partner is sealed to by the key manager is asked again, too', async () => {
    const encrypt = async () => {
      const request = { applicationId: 'PARTNER', referenceId: 'print', data: 'YQ' }
      const answer = await fetch(`${system.main.identityUrl}/v1/keymanager/encrypt`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TEST_ADMIN_TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify({ id: '', version: '', requesttime: new Date().toISOString(), request }),
      })
      return (await answer.json()) as { response: object | null; errors: { errorCode: string }[] | null }
    }
    expect((await encrypt()).errors).toBeNull()
    const path = '/applications/demo/identity'
    const id = Buffer.from(print.holder.certificate.thumbprint).toString('hex')
    const revoked = await system.main.admin('POST', `${path}/certificates/${id}/revoke`, {
      reason: 'a test',
    })
    expect(revoked.status).toBe(200)
    expect(await encrypt()).toMatchObject({ response: null, errors: [{ errorCode: 'KER-JWS-107' }] })
  })

  async function sharesOnDisk(): Promise<string[]> {
    const { objects } = loadConfig(system.main.env)
    if (objects.kind !== 'disk') throw new Error('shares of this test lie on the disk')
    const entries = await readdir(objects.dir, { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile() && join(entry.parentPath).includes('shares'))
      .map((entry) => join(entry.parentPath, entry.name))
  }
})

function partsOf({ birs }: CbeffRecord): string[] {
  return birs.map(({ type, subtypes, level }) => `${type} ${subtypes.join(' ')} ${level}`).sort()
}
