import { backend, fromUtf8 } from '@keyhaven/crypto'
import { webBackend } from '@keyhaven/crypto/web'
import { beforeAll, describe, expect, test } from 'vitest'
import { buildPacket, openPacket, parsePacketFileName } from '../../src/index.ts'
import { openPacketLayer } from '../../src/packet/packet-layer.ts'
import { unpackFiles } from '../../src/packet/zip-files.ts'
import { NOW, REF_ID, type TestStation, testPacket, testStation } from '../kit/registration.ts'

let station: TestStation
beforeAll(async () => {
  station = await testStation()
})

test('a packet opens as it was built, for people of five languages', async () => {
  for (const seed of ['p0', 'p1', 'p2', 'p3', 'p4']) {
    const packet = await testPacket(station, seed)
    const opened = await openPacket(backend, packet.bytes, station.open)
    const { input } = packet
    expect(opened).toMatchObject({
      profile: 'mosip',
      rid: input.rid,
      refId: REF_ID,
      process: 'NEW',
      schemaVersion: 0.1,
    })
    expect(opened.identity).toMatchObject(input.fields)
    expect([...opened.biometrics.values()]).toEqual([...input.biometrics.values()])
    expect([...opened.documents].map(([name, { bytes }]) => [name, bytes])).toEqual(
      [...input.documents].map(([name, { bytes }]) => [name, bytes]),
    )
    expect(opened.audits).toEqual(input.audits)
  }
})

test('what a browser builds a server opens, and the other way round', async () => {
  const { machineKey, machine, k11 } = station
  const keys = { machineKey, recipient: k11.recipient }
  const { input, bytes } = await testPacket(station, 'p8')
  const there = await buildPacket(webBackend, input, keys, { at: NOW })
  expect((await openPacket(backend, there.bytes, station.open)).identity).toMatchObject(input.fields)
  const publicKey = await webBackend.rsa.importPublicKey(machine.publicKey.spki)
  const opened = await openPacket(webBackend, bytes, { ...station.open, machinePublicKey: () => publicKey })
  expect(opened.identity).toMatchObject(input.fields)
})

describe('its layouts', () => {
  test('are those of MOSIP 1.2, file by file', async () => {
    const { bytes, fileName, input } = await testPacket(station, 'p7')
    expect(fileName).toMatch(/^\d{29}-10001_10077-20260301093000\.zip$/)
    expect(parsePacketFileName(fileName)).toEqual({ id: input.rid, refId: REF_ID })
    const zip = await openPacketLayer(backend, station.k11.opener, bytes)
    expect(bytes.length - zip.length).toBe(362)
    const container = unpackFiles(zip, 'container')
    const path = `REGISTRATION_CLIENT/NEW/${input.rid}_${input.rid}_`
    const names = ['id', 'evidence', 'optional'].flatMap((name) => [
      `${path}${name}.zip`,
      `${path}${name}.json`,
    ])
    expect([...container.keys()]).toEqual(names)
    const files = async (name: string) =>
      unpackFiles(
        await openPacketLayer(backend, station.k11.opener, container.get(`${path}${name}.zip`)!),
        name,
      )
    const id = await files('id')
    expect([...id.keys()]).toEqual([
      'individualBiometrics_bio_CBEFF.xml',
      'proofOfIdentity.pdf',
      'ID.json',
      'audit.json',
      'packet_operations_hash.txt',
      'packet_data_hash.txt',
      'packet_meta_info.json',
    ])
    const text = fromUtf8(id.get('ID.json')!)
    expect(text.startsWith('{ "identity" : {"fullName":[')).toBe(true)
    expect(text.endsWith('"IDSchemaVersion":0.1} } ')).toBe(true)
    expect(fromUtf8(id.get('packet_data_hash.txt')!)).toMatch(/^[0-9A-F]{64}$/)
    const meta = JSON.parse(fromUtf8(id.get('packet_meta_info.json')!)).identity
    expect(meta.hashSequence1).toEqual([
      { label: 'biometricSequence', value: ['individualBiometrics_bio_CBEFF'] },
      { label: 'demographicSequence', value: ['proofOfIdentity', 'ID'] },
    ])
    expect(meta.hashSequence2).toEqual([{ label: 'otherFiles', value: ['audit'] }])
    expect([...(await files('optional')).keys()]).toEqual([
      'ID.json',
      'packet_data_hash.txt',
      'packet_meta_info.json',
    ])
  })
})
