import {
  generateKeyPairSync,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  sign as rsaSign,
  verify as rsaVerify,
} from 'node:crypto'
import type { Profile } from '@keyhaven/identity'
import { createAuthenticationStore } from '../packages/server/src/identity/ida/authentication-store.ts'
import { ENGINES } from '../test/kit/engines.ts'
import { type AuthWorld, openAuthWorld } from '../test/kit/identity-authentication.ts'
import { APPLICATION } from '../test/kit/identity-vault.ts'
import { type ServerProcess, startServerProcess } from '../test/kit/server-process.ts'
import { type LoadOptions, type LoadResult, percentile, sendAll } from './http-load.ts'
import { createServiceToken } from './identity-keymanager.ts'
import { createRequestMaker, type RequestMaker } from './identity-relying-party.ts'
import { measure } from './measure.ts'
import { measuredRow, type Row, targetRow } from './row.ts'
import { cpuMicroseconds } from './server-figures.ts'

const PROFILES: readonly Profile[] = ['mosip', 'keyhaven']
/** In the database of {@link startIda}. */
export const PEOPLE = 40
const FIRST_UIN = 5_283_940_600
const REQUESTS = 600
const WARM_UP_REQUESTS = 400
const KYC_REQUESTS = 200
const MAX_HALF_LOAD_SECONDS = 8
/** A person may be tried ten times at once. */
const IN_FLIGHT = 32
const IN_FLIGHT_AT_HALF = 128
/** Five times what MOSIP's release 1.2.1 did for ten hours. */
const TARGET_PER_SECOND = 250
const MAX_P99_MILLISECONDS = 100
const MICROSECONDS_PER_MILLISECOND = 1_000
const LISTEN = { KEYHAVEN_IDENTITY_LISTEN: '127.0.0.1:0' }
const EXPECTED = { auth: '"authStatus":true', kyc: '"kycStatus":true' } as const
const BARE = { inFlight: 1, rounds: 10, sliceMilliseconds: 20, clock: 'processor' } as const

/** Processes of an IDA with people in its database. */
export interface Ida {
  readonly server: ServerProcess
  /** Of the oblivious PRF, in profile `keyhaven`. */
  readonly oprf: ServerProcess | undefined
  readonly make: RequestMaker
  close(): Promise<void>
}

/**
 * Authentications by name, date of birth and a simulated thumb, at a real IDA process on SQLite; requests are
 * made and signed before the clock starts. In profile `keyhaven` with a process of the oblivious PRF.
 */
export async function run(): Promise<Row[]> {
  const rows: Row[] = []
  for (const profile of PROFILES) {
    const ida = await startIda(profile)
    try {
      rows.push(...(await measureIda(ida, profile)))
    } finally {
      await ida.close()
    }
  }
  return rows
}

export async function startIda(profile: Profile): Promise<Ida> {
  const world = await openAuthWorld(ENGINES[0]!, profile)
  const running: ServerProcess[] = []
  const close = async () => {
    for (const server of running) await server.stop()
    await world.dispose()
  }
  try {
    for (let person = 0; person < PEOPLE; person++) await world.vault.enrol(uinOf(person))
    const oprf = await startOprf(world)
    if (oprf !== undefined) running.push(oprf)
    const server = await startServerProcess({
      ...{ ...world.vault.envs.ida, ...LISTEN, KEYHAVEN_ROLE: 'ida', KEYHAVEN_IDENTITY_PROFILE: profile },
      ...(oprf && {
        KEYHAVEN_OPRF_URL: oprf.identityUrl!,
        KEYHAVEN_OPRF_TOKEN: await createServiceToken(oprf),
      }),
    })
    running.push(server)
    return { server, oprf, make: await createRequestMaker(world, server.identityUrl!), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The process that evaluates; it has been told of partners and their authorities, as the IDA was. */
async function startOprf({ vault, store: known }: AuthWorld): Promise<ServerProcess | undefined> {
  if (vault.oprf === undefined) return undefined
  const store = createAuthenticationStore(vault.oprf.state, APPLICATION, Date.now)
  await store.saveAuthorities((await known.authorities())!)
  for (const partner of await known.partners()) await store.savePartner(partner)
  const profile = { KEYHAVEN_ROLE: 'oprf', KEYHAVEN_IDENTITY_PROFILE: 'keyhaven' }
  return startServerProcess({ ...vault.envs.oprf, ...LISTEN, ...profile })
}

/** Of a person; from {@link PEOPLE} on of nobody. */
export const uinOf = (person: number) => String(FIRST_UIN + person)

async function measureIda(ida: Ida, profile: Profile): Promise<Row[]> {
  await load(ida, 'auth', WARM_UP_REQUESTS)
  const full = await load(ida, 'auth', REQUESTS)
  const rate = REQUESTS / full.seconds
  const perSecond = rate / 2
  const half = await load(ida, 'auth', Math.min(REQUESTS, Math.ceil(perSecond * MAX_HALF_LOAD_SECONDS)), {
    perSecond,
  })
  const kyc = await load(ida, 'kyc', KYC_REQUESTS)
  const name = `authentication, ${profile}`
  const p99 = percentile(half.latencies, 0.99) / MICROSECONDS_PER_MILLISECOND
  const throughput = {
    ...{ name: `${name}: ${IN_FLIGHT} in flight`, value: rate, unit: 'calls/s' },
    reference: { name: 'target', value: TARGET_PER_SECOND },
  }
  const latency = {
    ...{ name: `${name}: p99 at half that load`, value: p99, unit: 'ms' },
    reference: { name: 'limit', value: MAX_P99_MILLISECONDS },
  }
  const bare = await bareMicroseconds()
  const cpu = `${name}: CPU of the IDA a call`
  // The oblivious PRF is no part of MOSIP's figures.
  const promised = profile === 'mosip'
  return [
    promised
      ? targetRow(throughput, rate / TARGET_PER_SECOND, { atLeast: 1 })
      : measuredRow(throughput.name, rate, throughput.unit, throughput.reference),
    promised
      ? targetRow(latency, p99 / MAX_P99_MILLISECONDS, { atMost: 1 })
      : measuredRow(latency.name, p99, latency.unit, latency.reference),
    measuredRow(`${name}: median at half that load`, median(half) / MICROSECONDS_PER_MILLISECOND, 'ms'),
    promised
      ? measuredRow(cpu, full.cpu, 'µs of CPU', { name: 'bare RSA of a call', value: bare })
      : measuredRow(cpu, full.cpu, 'µs of CPU'),
    ...(full.oprfCpu === undefined
      ? []
      : [measuredRow(`${name}: CPU of the oblivious PRF a call`, full.oprfCpu, 'µs of CPU')]),
    measuredRow(`eKYC, ${profile}: ${IN_FLIGHT} in flight`, KYC_REQUESTS / kyc.seconds, 'calls/s'),
    measuredRow(`eKYC, ${profile}: CPU of the IDA a call`, kyc.cpu, 'µs of CPU'),
  ]
}

function median({ latencies }: LoadResult): number {
  return percentile(latencies, 0.5)
}

async function load(
  { server, oprf, make }: Ida,
  kind: 'auth' | 'kyc',
  count: number,
  options: Pick<LoadOptions, 'perSecond'> = {},
): Promise<LoadResult & { readonly cpu: number; readonly oprfCpu: number | undefined }> {
  const requests: Uint8Array[] = []
  while (requests.length < count) requests.push(await make(kind, uinOf(requests.length % PEOPLE)))
  const port = Number(new URL(server.identityUrl!).port)
  const connections = options.perSecond === undefined ? IN_FLIGHT : IN_FLIGHT_AT_HALF
  const before = [server, oprf].map((one) => one && cpuMicroseconds(one.pid))
  const result = await sendAll(port, requests, connections, { ...options, expected: EXPECTED[kind] })
  const [cpu, oprfCpu] = [server, oprf].map(
    (one, at) => one && (cpuMicroseconds(one.pid) - before[at]!) / count,
  )
  return { ...result, cpu: cpu!, oprfCpu }
}

/**
 * Profile `mosip`: session keys of request (K20) and thumb (K21), the answer's signature, and the signatures of
 * the request, of the capture and of the device's id. Chains of certificates come on top.
 */
async function bareMicroseconds(): Promise<number> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const wrapped = publicEncrypt({ key: publicKey, oaepHash: 'sha256' }, randomBytes(32))
  const data = randomBytes(1_024)
  const signature = rsaSign('sha256', data, privateKey)
  const run = () => {
    for (let n = 0; n < 2; n++) privateDecrypt({ key: privateKey, oaepHash: 'sha256' }, wrapped)
    for (let n = 0; n < 3; n++) rsaVerify('sha256', data, publicKey, signature)
    rsaSign('sha256', data, privateKey)
  }
  return (await measure([{ name: 'bare', run }], BARE)).get('bare')!
}
