import {
  createCipheriv,
  createDecipheriv,
  generateKeyPairSync,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  sign as rsaSign,
  verify as rsaVerify,
} from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ServerProcess, startServerProcess, TEST_ADMIN_TOKEN } from '../test/kit/server-process.ts'
import { httpPost, percentile, sendAll } from './http-load.ts'
import { measure } from './measure.ts'
import { measuredRow, type Row, targetRow } from './row.ts'
import { cpuMicroseconds } from './server-figures.ts'

const DATA_BYTES = 1_024
const REQUESTS = 3_000
const WARM_UP_REQUESTS = 2_000
const CONNECTIONS = 32
const RSA_BITS = 2_048
const IV_BYTES = 12
const BARE = { inFlight: 1, rounds: 10, sliceMilliseconds: 20, clock: 'processor' } as const
const OAEP = { oaepHash: 'sha256' } as const
const PATH = '/v1/keymanager'
const NAME = { applicationId: 'ID_REPO', referenceId: 'identity_data' }
const SIGNER = { applicationId: 'KERNEL', referenceId: 'SIGN' }

/** One call of the key manager. */
interface Operation {
  readonly name: string
  readonly request: object
  /** Of one of MOSIP's pods: facts of its performance report of 1.2.0. */
  readonly pod: number
  /** Five times that, on two cores. */
  readonly target?: number
  readonly expected: string
}

/** MOSIP's key manager over HTTP: one server process, the load from this one, 1 KiB, RSA-2048 keys. */
export async function run(): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven-bench-'))
  const server = await startServerProcess({
    KEYHAVEN_DATA_DIR: folder,
    KEYHAVEN_IDENTITY_LISTEN: '127.0.0.1:0',
  })
  try {
    const token = await createServiceToken(server)
    const bare = await bareMicroseconds()
    const rows: Row[] = []
    for (const operation of await operationsOf(server, token)) {
      rows.push(...(await measureOperation(server, token, operation, bare.get(operation.name)!)))
    }
    return rows
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function operationsOf(server: ServerProcess, token: string): Promise<Operation[]> {
  const data = randomBytes(DATA_BYTES).toString('base64url')
  const encrypted = await call(server, token, 'encrypt', { ...NAME, data })
  const json = Buffer.from(JSON.stringify({ note: 'x'.repeat(DATA_BYTES) })).toString('base64url')
  const toSign = { ...SIGNER, dataToSign: json, includePayload: true, includeCertificate: true }
  const signed = await call(server, token, 'jwtSign', toSign)
  const toVerify = { ...SIGNER, jwtSignatureData: signed.jwtSignedData }
  return [
    { name: 'encrypt', request: { ...NAME, data }, pod: 293, target: 1_465, expected: '"data":"' },
    { name: 'decrypt', request: { ...NAME, data: encrypted.data }, pod: 143, target: 715, expected: data },
    { name: 'jwtSign', request: toSign, pod: 155, expected: '"jwtSignedData":"' },
    { name: 'jwtVerify', request: toVerify, pod: 440, expected: '"signatureValid":true' },
  ]
}

async function measureOperation(
  { identityUrl, pid }: ServerProcess,
  token: string,
  { name, request, pod, target, expected }: Operation,
  bare: number,
): Promise<Row[]> {
  const port = Number(new URL(identityUrl!).port)
  const body = Buffer.from(JSON.stringify(envelopeOf(request)))
  const headers = { authorization: `Bearer ${token}` }
  const bytes = httpPost(`${PATH}/${name}`, 'application/json', body, headers)
  const load = (count: number) =>
    sendAll(
      port,
      Array.from({ length: count }, () => bytes),
      CONNECTIONS,
      { expected },
    )
  await load(WARM_UP_REQUESTS)
  const before = cpuMicroseconds(pid)
  const { seconds, latencies } = await load(REQUESTS)
  const cpu = (cpuMicroseconds(pid) - before) / REQUESTS
  const value = REQUESTS / seconds
  const row = { name: `key manager ${name} over HTTP`, value, unit: 'calls/s' }
  const reference = { name: 'MOSIP’s pod', value: pod }
  return [
    target === undefined
      ? measuredRow(row.name, value, row.unit, reference)
      : targetRow({ ...row, reference: { name: 'target', value: target } }, value / target, { atLeast: 1 }),
    measuredRow(`${row.name}: server CPU a call`, cpu, 'µs of CPU', {
      name: 'bare RSA and AES',
      value: bare,
    }),
    measuredRow(`${row.name}: p99, ${CONNECTIONS} in flight`, percentile(latencies, 0.99), 'µs'),
  ]
}

/** What nobody can leave out: one RSA-2048 operation of node:crypto, and AES-256-GCM where there is data. */
async function bareMicroseconds(): Promise<ReadonlyMap<string, number>> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: RSA_BITS })
  const data = randomBytes(DATA_BYTES)
  const sessionKey = randomBytes(32)
  const iv = randomBytes(IV_BYTES)
  const wrapped = publicEncrypt({ key: publicKey, ...OAEP }, sessionKey)
  const signature = rsaSign('sha256', data, privateKey)
  const seal = (key: Buffer) => {
    const cipher = createCipheriv('aes-256-gcm', key, iv)
    return { ciphertext: Buffer.concat([cipher.update(data), cipher.final()]), tag: cipher.getAuthTag() }
  }
  const sealed = seal(sessionKey)
  return measure(
    [
      {
        name: 'encrypt',
        run() {
          const key = randomBytes(32)
          seal(key)
          publicEncrypt({ key: publicKey, ...OAEP }, key)
        },
      },
      {
        name: 'decrypt',
        run() {
          const key = privateDecrypt({ key: privateKey, ...OAEP }, wrapped)
          const decipher = createDecipheriv('aes-256-gcm', key, iv).setAuthTag(sealed.tag)
          Buffer.concat([decipher.update(sealed.ciphertext), decipher.final()])
        },
      },
      { name: 'jwtSign', run: () => void rsaSign('sha256', data, privateKey) },
      { name: 'jwtVerify', run: () => void rsaVerify('sha256', data, publicKey, signature) },
    ],
    BARE,
  )
}

function envelopeOf(request: object): object {
  return { id: 'bench', version: '1.0', requesttime: new Date().toISOString(), metadata: {}, request }
}

async function call(
  { identityUrl }: ServerProcess,
  token: string,
  name: string,
  request: object,
): Promise<Record<string, string>> {
  const answer = await fetch(`${identityUrl}${PATH}/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(envelopeOf(request)),
  })
  const { response, errors } = (await answer.json()) as { response: Record<string, string>; errors: unknown }
  if (response === null) throw new Error(`${name} was refused: ${JSON.stringify(errors)}`)
  return response
}

/** An API token as a service of MOSIP's has it. */
export async function createServiceToken({ adminUrl }: ServerProcess): Promise<string> {
  const answer = await fetch(`${adminUrl}/admin/v1/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_ADMIN_TOKEN}` },
    body: JSON.stringify({ name: 'bench', roles: ['identity-service'] }),
  })
  if (answer.status !== 201) throw new Error(`no token: ${await answer.text()}`)
  return ((await answer.json()) as { token: string }).token
}
