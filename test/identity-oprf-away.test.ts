import { KeyhavenError } from '@keyhaven/crypto'
import { createOprfHttp } from '@keyhaven/identity'
import { issuerTrust, PERSON_FAILURES } from '@keyhaven/identity/service'
import { simulatedPerson } from '@keyhaven/identity/simulator'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { backend, toBase64url } from '../packages/crypto/src/node/index.ts'
import { keyName, signJwt } from '../packages/identity/src/index.ts'
import { blindInput } from '../packages/identity/src/oprf/voprf.ts'
import { ISSUANCE_ORDER_TYP } from '../packages/identity/src/service/index.ts'
import { createLocalModuleKeys } from '../packages/server/src/identity/keys/local-module-keys.ts'
import { createServedOprf } from '../packages/server/src/identity/oprf/create-oprf.ts'
import { DEFAULT_DAILY_EVALUATIONS } from '../packages/server/src/identity/oprf/oprf-store.ts'
import type { JobRunner } from '../packages/server/src/platform/jobs/job.ts'
import { ENGINES } from './kit/engines.ts'
import { freePort } from './kit/free-port.ts'
import { openAuthWorld } from './kit/identity-authentication.ts'
import {
  APPLICATION,
  AUTH_POLICY,
  IDA_PARTNER,
  openVaultWorld,
  type VaultWorld,
} from './kit/identity-vault.ts'

const SOMEBODY = '1234567890'
const NOBODY = '9876543210'
/** "Request could not be processed. Please try again". */
const TRY_AGAIN = ['IDA-MLC-007']
const DAY_MS = 86_400_000
const KERNEL_SIGN = keyName('KERNEL', 'SIGN')
/** Of twelve: one more is the last. */
const LAST_ATTEMPT = 11
const SOON = { timeout: 60_000, interval: 20 }

describe.each(ENGINES)('while the oblivious PRF cannot be asked, on $name', (engine) => {
  let world: VaultWorld
  let runner: JobRunner | undefined
  beforeAll(async () => {
    world = await openVaultWorld(engine, 'keyhaven')
    await world.oprf!.server.keys()
  })
  afterEach(async () => {
    await runner?.stop()
    runner = undefined
  })
  afterAll(() => world.dispose())

  const jobs = () => world.main.db.selectFrom('identity_jobs').selectAll().execute()

  test('credentials wait, and are issued by themselves when it can be asked again', async () => {
    await useUpTheDay(world)
    await world.credentials.request({
      ...{ requestId: 'waits', id: SOMEBODY, idType: 'UIN', partner: IDA_PARTNER },
      ...{ policyId: AUTH_POLICY, credentialType: 'auth' },
    })
    await world.main.db.updateTable('identity_jobs').set({ attempts: LAST_ATTEMPT }).execute()
    const failures: unknown[] = []
    runner = world.credentials.run({ onError: (error) => void failures.push(error) })
    await expect.poll(async () => (await jobs())[0]?.failure, SOON).toContain('RATE_LIMITED')
    expect(await jobs()).toMatchObject([{ state: 'waiting', attempts: 0 }])
    expect(await world.credentials.status('waits')).toMatchObject({ state: 'NEW' })

    world.advance(DAY_MS)
    await expect.poll(jobs, SOON).toEqual([])
    expect(await world.credentials.status('waits')).toMatchObject({ state: 'ISSUED', failure: null })
    expect(failures.length).toBe(1)
  })

  test('an issuer whose order it cannot verify now is not refused: it would never ask again', async () => {
    const { state } = world.oprf!
    const evaluateFor = async (root: () => Promise<undefined>) => {
      const served = createServedOprf({
        ...{ state, applicationId: APPLICATION, clock: world.now, issuer: issuerTrust(root, world.now) },
        moduleKeys: createLocalModuleKeys(state, APPLICATION, 'keyhaven'),
        partners: () => Promise.reject(new Error('not asked for')),
      })
      const { blinded } = await blindInput(backend.randomBytes(16))
      const payload = { v: 1, application: APPLICATION, element: toBase64url(blinded), request: 'r' }
      const order = await signJwt(
        { certificate: await world.keys.main.certificate(KERNEL_SIGN), sign },
        JSON.stringify({ ...payload, iat: Math.floor(world.now() / 1_000) }),
        { typ: ISSUANCE_ORDER_TYP },
      )
      return served.evaluate('token:main', 1, [{ element: blinded, reason: { kind: 'issuance', order } }])
    }
    const sign = async (data: Uint8Array) => (await world.keys.main.sign(KERNEL_SIGN, data)).signature
    const fault = new Error('Connection terminated unexpectedly')
    await expect(evaluateFor(() => Promise.reject(fault))).rejects.toBe(fault)
    await expect(evaluateFor(async () => undefined)).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
  })
})

test('meanwhile everybody is told to try again, known or not, and nobody’s failures are counted', async () => {
  const world = await openAuthWorld(ENGINES[0]!, 'keyhaven')
  try {
    await world.vault.enrol(SOMEBODY)
    const bank = await world.relyingParty()
    const { fields } = simulatedPerson(`person ${SOMEBODY}`)
    const demographics = { name: fields.fullName }
    const codes = async (id: string) => {
      const { authenticated, errors } = await bank.authenticate({ id, demographics })
      return authenticated || errors.map(({ errorCode }) => errorCode)
    }
    await useUpTheDay(world.vault)
    // More than a person may fail.
    for (let times = 0; times <= PERSON_FAILURES; times++) expect(await codes(SOMEBODY)).toEqual(TRY_AGAIN)
    expect(await codes(NOBODY)).toEqual(TRY_AGAIN)
    await world.vault.oprf!.state.db.deleteFrom('identity_oprf_quotas').execute()
    expect(await codes(SOMEBODY)).toBe(true)
  } finally {
    await world.dispose()
  }
})

describe('a client of the oblivious PRF', () => {
  const codeOf = (url: string, fetch: typeof globalThis.fetch = globalThis.fetch) =>
    createOprfHttp({ url, token: 't', fetch })
      .keys()
      .catch((error: unknown) => (error instanceof KeyhavenError ? error.code : error))

  test('hears that it cannot be asked now, whatever the reason: who waits for others waits for it', async () => {
    expect(await codeOf(`http://127.0.0.1:${await freePort()}`)).toBe('UPSTREAM_FAILED')
    const answering = (status: number, body: unknown) => async () =>
      new Response(JSON.stringify(body), { status })
    const url = 'http://oprf.invalid'
    expect(await codeOf(url, answering(503, { code: 'STORE_UNAVAILABLE' }))).toBe('UPSTREAM_FAILED')
    expect(await codeOf(url, answering(500, { code: 'INTERNAL' }))).toBe('UPSTREAM_FAILED')
    expect(await codeOf(url, async () => new Response('{"keys":', { status: 200 }))).toBe('UPSTREAM_FAILED')
    expect(await codeOf(url, answering(429, { code: 'RATE_LIMITED' }))).toBe('RATE_LIMITED')
    expect(await codeOf(url, answering(403, { code: 'ACCESS_DENIED' }))).toBe('ACCESS_DENIED')
  })
})

/** Of both its callers' one token. */
async function useUpTheDay({ oprf, now }: VaultWorld): Promise<void> {
  const used = DEFAULT_DAILY_EVALUATIONS
  const row = { caller: 'token:caller', day: Math.floor(now() / DAY_MS), used }
  await oprf!.state.db
    .insertInto('identity_oprf_quotas')
    .values({ application_id: APPLICATION, ...row })
    .onConflict((on) => on.columns(['application_id', 'caller', 'day']).doUpdateSet({ used }))
    .execute()
}
