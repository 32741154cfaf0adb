import { backend, fromUtf8 } from '@keyhaven/crypto'
import { fromAnyBase64, keyName, openHybrid, type RelyingParty } from '@keyhaven/identity'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { openRandomKey } from '../packages/identity/src/service/vault/open-random-key.ts'
import { deriveIdaSecrets } from '../packages/server/src/identity/ida/ida-secrets.ts'
import { createPartnerKey } from '../packages/server/src/identity/ida/partner-key.ts'
import { createIdentityKeys } from '../packages/server/src/identity/keys/create-identity-keys.ts'
import { createRecordKeys } from '../packages/server/src/identity/repository/record-keys.ts'
import { openObjectStore } from '../packages/server/src/platform/objects/open-object-store.ts'
import { ENGINES } from './kit/engines.ts'
import { type IdentityProcesses, type RoleProcess, startIdentityProcesses } from './kit/identity-processes.ts'
import type { Enrolled } from './kit/identity-system.ts'

const FIRST = 'mpartner-default-auth'
const SECOND = 'second-ida'
const POOL_KEYS = 10_000
const APPLICATION = 'demo'
const REASON = 'for a test'

test.concurrent.each(ENGINES)(
  'two IDAs have the same people, each for itself, on $name',
  { timeout: 400_000 },
  async (engine) => {
    const system = await startIdentityProcesses(engine, 'mosip')
    try {
      const second = await system.startRole({
        ...{
          KEYHAVEN_ROLE: 'ida',
          KEYHAVEN_IDA_PARTNER: SECOND,
          KEYHAVEN_ISSUER_URL: system.main.identityUrl,
        },
      })
      await system.join(second, SECOND)
      const idas = { first: system.ida, second }
      const banks = { first: await system.bank('bank-1'), second: await system.bank('bank-1', second) }

      // Both know the person, under another token each.
      const person = await system.enrol('Example Person 1', 1)
      await knows(system, idas.first, 2)
      await knows(system, idas.second, 2)
      const answers = [await ask(banks.first, person), await ask(banks.second, person)]
      expect(answers).toMatchObject([{ authenticated: true }, { authenticated: true }])
      expect(answers[0]!.token).not.toBe(answers[1]!.token)
      const said: unknown[] = []
      const misled = await system.bank('bank-1', system.ida, { fetch: postTo(system.ida, second, said) })
      await expect(ask(misled, person)).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' })
      expect(said).toMatchObject([{ errors: [{ errorCode: 'IDA-MPA-003' }] }])

      // Another key under every number: refused loudly at the one, nothing to the other.
      await takeEveryNumber(second)
      const refused = await system.enrol('Example Person 2', 2)
      await knows(system, idas.first, 4)
      await system.until('the conflict is seen', async () =>
        (await vaultOf(second)).openConflicts > 0 ? true : undefined,
      )
      expect(await vaultOf(second)).toMatchObject({ records: 2 })
      expect(await vaultOf(idas.first)).toMatchObject({ records: 4, openConflicts: 0 })
      expect(await ask(banks.first, refused)).toMatchObject({ authenticated: true })
      expect(await ask(banks.second, refused)).toMatchObject({ authenticated: false })
      expect(await ask(banks.second, person)).toMatchObject({ authenticated: true })

      // Without the one the other goes on.
      const path = `/applications/${APPLICATION}/identity/partners/${SECOND}/state`
      const ended = await system.main.admin('POST', path, { active: false, reason: REASON })
      expect(ended.status).toBe(200)
      const later = await system.enrol('Example Person 3', 3)
      await knows(system, idas.first, 6)
      expect(await ask(banks.first, later)).toMatchObject({ authenticated: true })
      expect(await ask(banks.first, person)).toMatchObject({ authenticated: true })
      expect(await vaultOf(second)).toMatchObject({ records: 2 })

      for (const role of system.roles) expect(await role.stop()).toBe(0)
      await expectSealedToOne(system, idas, later)
    } finally {
      await system.dispose()
    }
  },
)

type Answer = Awaited<ReturnType<RelyingParty['authenticate']>>

function ask(bank: RelyingParty, { uin, fields }: Enrolled): Promise<Answer> {
  const demographics = { name: fields.fullName as never, dob: String(fields.dateOfBirth) }
  return bank.authenticate({ id: uin, demographics })
}

async function vaultOf(ida: RoleProcess) {
  return (await ida.admin('GET', '/identity/vault')).body
}

/** Of everybody a UIN and a VID. */
async function knows(system: IdentityProcesses, ida: RoleProcess, records: number): Promise<void> {
  await system.until('the IDA knows everybody', async () =>
    (await vaultOf(ida)).records === records ? true : undefined,
  )
}

/** What is sealed for one IDA reaches another. @param said - gets what that one answers. */
function postTo(from: RoleProcess, to: RoleProcess, said: unknown[]): typeof fetch {
  return async (input, init) => {
    if (init?.method !== 'POST') return fetch(input, init)
    const answer = await fetch(String(input).replace(from.identityUrl, to.identityUrl), init)
    said.push(await answer.clone().json())
    return answer
  }
}

/** Gives an IDA another key for each number that it has none of yet. */
async function takeEveryNumber({ fixture }: RoleProcess): Promise<void> {
  const state = await fixture.open({ schedule: false })
  try {
    await state.transaction(({ db }) =>
      sql`with recursive numbers(n) as (select 0 union all select n + 1 from numbers where n < ${POOL_KEYS - 1})
        insert into ida_pool_keys_mosip (application_id, key_index, wrapped, key_check, source, created_at)
        select ${APPLICATION}, n, '', 'AAAAAAAAAAAAAAAAAAAAAA', 'elsewhere', 0 from numbers
        where n not in (select key_index from ida_pool_keys_mosip where application_id = ${APPLICATION})`.execute(
        db,
      ),
    )
  } finally {
    await state.close()
  }
}

/** What main server and events hold for one IDA is opened by that one alone. @param later - came when one was off. */
async function expectSealedToOne(
  { main }: IdentityProcesses,
  idas: { readonly first: RoleProcess; readonly second: RoleProcess },
  later: Enrolled,
): Promise<void> {
  const state = await main.fixture.open({ schedule: false })
  const objects = await openObjectStore(main.fixture.config.objects)
  const openers = {
    [FIRST]: await openersOf(idas.first, FIRST),
    [SECOND]: await openersOf(idas.second, SECOND),
  }
  try {
    const shares = await state.db.selectFrom('identity_shares').selectAll().execute()
    const events = await state.db
      .selectFrom('identity_events')
      .selectAll()
      .where('topic', '=', 'CREDENTIAL_ISSUED')
      .execute()
    for (const [mine, other] of [
      [FIRST, SECOND],
      [SECOND, FIRST],
    ] as const) {
      const share = shares.find((row) => row.subscriber_id === mine)!
      const sealed = fromAnyBase64(fromUtf8((await objects.get(`shares/${APPLICATION}/${share.id}`))!))
      const opened = JSON.parse(fromUtf8(await openHybrid(backend, openers[mine].share, sealed)))
      expect(opened).toMatchObject({ issuedTo: mine })
      await expect(openHybrid(backend, openers[other].share, sealed)).rejects.toMatchObject({
        code: 'OPEN_FAILED',
      })
      const { body } = events.find((row) => row.partner_id === mine)!
      const { demoEncryptedRandomKey: key } = JSON.parse(body).event.data
      expect((await openRandomKey(openers[mine].poolKey, key)).length).toBe(32)
      await expect(openRandomKey(openers[other].poolKey, key)).rejects.toMatchObject({ code: 'OPEN_FAILED' })
    }
    const about = events.filter(({ body }) => body.includes(later.rid))
    expect(new Set(about.map((row) => row.partner_id))).toEqual(new Set([FIRST]))
    const tokenOf = (partner: string) =>
      new Set(
        events
          .filter((row) => row.partner_id === partner)
          .map(({ body }) => JSON.parse(body).event.data.TOKEN),
      )
    expect(tokenOf(FIRST).size).toBe(3)
    expect(tokenOf(FIRST).isDisjointFrom(tokenOf(SECOND))).toBe(true)
  } finally {
    objects.close()
    await state.close()
    for (const { close } of Object.values(openers)) await close()
  }
}

/** With all that an IDA has. */
async function openersOf({ fixture }: RoleProcess, partnerId: string) {
  const state = await fixture.open({ schedule: false })
  const place = { state, applicationId: APPLICATION, profile: 'mosip', clock: Date.now } as const
  const keys = createIdentityKeys({ ...place, role: 'ida' })
  const secrets = await deriveIdaSecrets(await createRecordKeys(state, APPLICATION)(), APPLICATION)
  return {
    share: createPartnerKey({ ...place, partnerId, keys, secrets }).opener,
    poolKey: keys.opener(keyName('IDA', 'CRED_SERVICE')),
    close: () => state.close(),
  }
}
