import { readFileSync } from 'node:fs'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { backend, toBase64url, utf8 } from '../packages/crypto/src/node/index.ts'
import { keyName, openHybrid, type Profile, sealLayoutC } from '../packages/identity/src/index.ts'
import { createIdentityKeys } from '../packages/server/src/identity/keys/create-identity-keys.ts'
import { createServerIdaVault } from '../packages/server/src/identity/vault/create-server-ida-vault.ts'
import { createPoolStore } from '../packages/server/src/identity/vault/pool-store.ts'
import type { State } from '../packages/server/src/platform/state/state.ts'
import { codeOf } from './kit/code-of.ts'
import { createStateFixture, ENGINES, type StateFixture } from './kit/engines.ts'
import { type AuthWorld, DOMAIN_URI, ENV, openAuthWorld, PARTNER_ID } from './kit/identity-authentication.ts'
import { APPLICATION, IDA_PARTNER, personOf } from './kit/identity-vault.ts'

// Profiles have keys, pools and tables of their own; the application is in every key, query and associated datum.

const UIN = '7193064825'
const PROFILES = ['mosip', 'keyhaven'] as const
const CASES = PROFILES.map((profile, at) => ({ profile, engine: ENGINES[at]!, name: ENGINES[at]!.name }))
const OTHER_APPLICATION = 'another'
describe.each(CASES)('profile $profile, on $name', ({ profile, engine }) => {
  let world: AuthWorld
  const other: Profile = profile === 'mosip' ? 'keyhaven' : 'mosip'
  beforeAll(async () => {
    world = await openAuthWorld(engine, profile)
    await world.vault.enrol(UIN)
  })
  afterAll(() => world.dispose())

  const keysOf = (of: { readonly profile?: Profile; readonly applicationId?: string }) =>
    createIdentityKeys({
      ...{ state: world.vault.main, role: 'main', clock: world.vault.now },
      ...{ applicationId: APPLICATION, profile, ...of },
    })

  test('keys of the other profile, or of another application, in the same database are other keys', async () => {
    const name = keyName('ID_REPO', 'uin')
    const own = keysOf({})
    const sealed = await sealLayoutC(backend, await own.recipient(name), utf8('made up'))
    for (const of of [{ profile: other }, { applicationId: OTHER_APPLICATION }]) {
      const keys = keysOf(of)
      for (const root of [keyName('ROOT'), name]) {
        const [mine, theirs] = [await own.certificate(root), await keys.certificate(root)]
        expect(toBase64url(mine.thumbprint)).not.toBe(toBase64url(theirs.thumbprint))
      }
      expect(await codeOf(openHybrid(backend, keys.opener(name), sealed))).toBe('OPEN_FAILED')
      const [k9, theirs] = await Promise.all(
        [own, keys].map((one) => one.masterKey(keyName('KERNEL', 'IDENTITY_CACHE'))),
      )
      const wrapped = await k9!.wrap(new Uint8Array(32), utf8('aad'))
      expect(await codeOf(Promise.resolve(theirs!.unwrap(wrapped, utf8('aad'))))).toBe('OPEN_FAILED')
    }
    expect(await codeOf(openHybrid(backend, own.opener(name), sealed))).toBe('done')
  })

  test('pools of the other profile, or of another application, hold none of its keys', async () => {
    const { main, ida } = world.vault
    const generations = (state: typeof main, owner: 'identity' | 'ida', applicationId: string, of: Profile) =>
      createPoolStore(state, { applicationId, owner, profile: of }).generations()
    for (const [state, owner] of [
      [main, 'identity'],
      [ida, 'ida'],
    ] as const) {
      expect(await generations(state, owner, APPLICATION, profile)).toHaveLength(1)
      expect(await generations(state, owner, APPLICATION, other)).toEqual([])
      expect(await generations(state, owner, OTHER_APPLICATION, profile)).toEqual([])
    }
  })

  test('a person’s rows, moved to another application of the same IDA, open nothing there', async () => {
    const { ida, oprf, now, openShare } = world.vault
    const keys = createIdentityKeys({
      ...{ state: ida, role: 'ida', clock: now, profile, applicationId: OTHER_APPLICATION },
    })
    const vault = createServerIdaVault({
      ...{ state: ida, applicationId: OTHER_APPLICATION, profile, partner: IDA_PARTNER, keys, openShare },
      ...{ clock: now, issuer: { trust: () => {} }, onError: () => {} },
      ...(oprf && { oprf: oprf.client(ida) }),
    })
    const read = async (from = vault) => {
      const request = profile === 'mosip' ? undefined : await world.vault.partnerRequest()
      return codeOf(from.openAttributes(UIN, ['phone'], request))
    }
    expect(await read()).toBe('NOT_FOUND')
    const tables = ['ida_records', 'ida_attributes', 'ida_pool_keys'].map((name) => `${name}_${profile}`)
    const move = async (from: string, to: string) => {
      for (const table of [...tables, ...(profile === 'mosip' ? ['ida_id_salts'] : [])]) {
        await sql
          .raw(`update ${table} set application_id = '${to}' where application_id = '${from}'`)
          .execute(ida.db)
      }
    }
    await move(APPLICATION, OTHER_APPLICATION)
    // In mosip the hash is found, and the pool key is another master's; in keyhaven the tag is another one, too.
    expect(await read()).toBe(profile === 'mosip' ? 'CONFLICT' : 'NOT_FOUND')
    await move(OTHER_APPLICATION, APPLICATION)
    expect(await read(world.vault.idaVault)).toBe('done')
  })

  test('a partner of the other profile is nobody here, whoever it is', async () => {
    const bank = await world.relyingParty()
    const ask = () =>
      bank.authenticate({ id: UIN, demographics: { dob: String(personOf(UIN).identity.dateOfBirth) } })
    expect(await ask()).toMatchObject({ authenticated: true })
    const partner = {
      id: PARTNER_ID,
      type: 'Auth_Partner',
      organisation: 'Invented Bank',
      active: true,
    } as const
    await world.tell({ partner: { ...partner, profile: other } })
    expect(await ask()).toMatchObject({ authenticated: false, errors: [{ errorCode: 'IDA-MPA-009' }] })
    await world.tell()
  })

  test('a capture serves one request, whoever brings it again', async () => {
    const bank = await world.relyingParty()
    const transactionId = bank.newTransactionId()
    const device = await world.device('Face')
    const { biometrics } = await device.capture({
      request: {
        ...{ purpose: 'Auth', transactionId, env: ENV, domainUri: DOMAIN_URI },
        requestedAt: world.vault.now(),
      },
      ...{ person: UIN, parts: [{ type: 'Face', subtype: '' }] },
      recipient: await world.vault.keys.ida.recipient(keyName('IDA', 'FIR')),
    })
    expect(await bank.authenticate({ id: UIN, transactionId, biometrics })).toMatchObject({
      authenticated: true,
    })
    await world.tell({
      partner: {
        ...{ id: 'bank-2', type: 'Auth_Partner', organisation: 'Invented Bank', profile },
        active: true,
      },
    })
    const second = await world.relyingParty({ partnerId: 'bank-2' })
    const again = await second.authenticate({ id: UIN, transactionId, biometrics })
    expect(again).toMatchObject({ authenticated: false, errors: [{ errorCode: 'IDA-MLC-009' }] })
    const elsewhere = await second.authenticate({ id: UIN, biometrics })
    expect(elsewhere).toMatchObject({ authenticated: false, errors: [{ errorCode: 'IDA-MLC-016' }] })
  })
})

describe('tables of identity', () => {
  let fixture: StateFixture
  let state: State
  beforeAll(async () => {
    fixture = await createStateFixture(ENGINES[0]!)
    state = await fixture.open({ schedule: false })
  })
  afterAll(() => fixture.dispose())
  const tables = async () => {
    const { rows } = await sql<{ name: string }>`
      select name from sqlite_master where type = 'table'
        and (name like 'identity\\_%' escape '\\' or name like 'ida\\_%' escape '\\')`.execute(state.db)
    return rows.map(({ name }) => name)
  }

  test('name the application in every one', async () => {
    const found = await tables()
    expect(found.length).toBeGreaterThan(30)
    for (const table of found) {
      const { rows } = await sql.raw<{ name: string }>(`pragma table_info(${table})`).execute(state.db)
      expect([table, rows.map(({ name }) => name)]).toEqual([
        table,
        expect.arrayContaining(['application_id']),
      ])
    }
  })

  test('of keys, pools, people and their attributes there are two, one for each profile', async () => {
    const found = await tables()
    const kinds = new Set(found.flatMap((name) => /^(.*)_(?:mosip|keyhaven)$/.exec(name)?.[1] ?? []))
    for (const kind of kinds) for (const profile of PROFILES) expect(found).toContain(`${kind}_${profile}`)
    expect([...kinds]).toEqual(
      expect.arrayContaining([
        ...['identity_keys', 'identity_module_keys', 'identity_pool_keys', 'identity_records'],
        ...['ida_records', 'ida_attributes', 'ida_pool_keys'],
      ]),
    )
  })
})

test('the docs list for every address of MOSIP what TLS alone protects there', () => {
  const docs = readFileSync(new URL('../docs/mosip-compatibility.md', import.meta.url), 'utf8')
  const section = docs.slice(docs.indexOf('## What lies outside the channel'))
  const rows = section.split('\n').filter((line) => line.startsWith('| '))
  for (const call of [
    ...['`auth`, `kyc`', '`otp`', '`internal/auth`', '`datashare/get`', '`datashare/create`', 'packets'],
    ...['`keymanager/…`', '`idrepository/…`', '`credentialrequest/…`', '`partnermanager`', '`policymanager`'],
    'events',
  ]) {
    const row = rows.find((line) => line.split('|')[1]!.includes(call))
    expect([call, row?.split('|').length]).toEqual([call, 5])
    expect(row!.split('|')[3]!.trim()).not.toBe('')
  }
})
