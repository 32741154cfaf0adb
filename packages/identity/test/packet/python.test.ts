import { execFile } from 'node:child_process'
import { createHash, createPrivateKey } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { backend, toBase64url } from '@keyhaven/crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeCbeff, openPacket } from '../../src/index.ts'
import { SIMULATED_SCHEMA, simulatedRecord } from '../../src/simulator/index.ts'
import { NOW, REF_ID, type TestStation, testPacket, testStation } from '../kit/registration.ts'
import { testKeyPkcs8 } from '../kit/test-keys.ts'

const SCRIPT = fileURLToPath(new URL('../../../../test/fixtures/mosip_packet.py', import.meta.url))
const python = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)('python3', [SCRIPT, ...args], { maxBuffer: 16 * 1024 * 1024 })).stdout

let folder: string
let station: TestStation
beforeAll(async () => {
  station = await testStation()
  folder = await mkdtemp(join(tmpdir(), 'keyhaven-packet-'))
  const pem = (index: number): string =>
    createPrivateKey({ key: Buffer.from(testKeyPkcs8(index)), format: 'der', type: 'pkcs8' })
      .export({ format: 'pem', type: 'pkcs8' })
      .toString()
  await writeFile(join(folder, 'machine.pem'), pem(0))
  await writeFile(join(folder, 'k11.pem'), pem(1))
  await writeFile(join(folder, 'k11.der'), station.k11.certificate.der)
  await writeFile(join(folder, 'machine.spki'), station.machine.publicKey.spki)
})
afterAll(() => rm(folder, { recursive: true }))
const file = (name: string): string => join(folder, name)

test('a program that was written from the description alone opens our packets and finds all hashes right', async () => {
  const { bytes, input } = await testPacket(station, 'p2')
  await writeFile(file('packet.zip'), bytes)
  const found = JSON.parse(
    await python('open', file('packet.zip'), file('k11.pem'), file('k11.der'), file('machine.spki')),
  )
  const { id, evidence, optional } = found.subPackets
  expect(id.identity.fullName).toEqual(input.fields.fullName)
  expect(id.side).toMatchObject({
    id: input.rid,
    refid: REF_ID,
    schemaversion: '0.1',
    providername: 'PacketWriterImpl',
  })
  expect(optional.identity).toEqual({ IDSchemaVersion: 0.1 })
  const document = input.documents.get('proofOfAddress')!
  expect(evidence.sha256['proofOfAddress.pdf']).toBe(
    createHash('sha256').update(document.bytes).digest('hex'),
  )
})

test('we open the packets that it builds', async () => {
  const record = simulatedRecord('p3', 'python', NOW)
  const biometrics = { format: 'cbeff', version: 1, value: 'individualBiometrics_bio_CBEFF' }
  const given = {
    rid: '10001100770000120260301093000',
    refId: REF_ID,
    subPackets: {
      id: {
        identity: {
          fullName: [{ language: 'hin', value: 'नमूना उदाहरणकर' }],
          gender: [{ language: 'eng', value: 'Female' }],
          dateOfBirth: '1990/01/01',
          individualBiometrics: biometrics,
        },
        files: { 'individualBiometrics_bio_CBEFF.xml': toBase64url(encodeCbeff(record)) },
      },
      evidence: {
        identity: { proofOfAddress: { value: 'proofOfAddress', type: 'RNC', format: 'pdf' } },
        files: { 'proofOfAddress.pdf': toBase64url(Uint8Array.of(1, 2, 3)) },
      },
      optional: { identity: {}, files: {} },
    },
  }
  await writeFile(file('input.json'), JSON.stringify(given))
  await python('build', file('input.json'), file('k11.der'), file('machine.pem'), file('theirs.zip'))
  const opened = await openPacket(backend, new Uint8Array(await readFile(file('theirs.zip'))), {
    ...station.open,
    schema: SIMULATED_SCHEMA,
  })
  expect(opened.identity.fullName).toEqual(given.subPackets.id.identity.fullName)
  expect(opened.biometrics.get('individualBiometrics')).toEqual(record)
  expect(opened.documents.get('proofOfAddress')!.bytes).toEqual(Uint8Array.of(1, 2, 3))
})
