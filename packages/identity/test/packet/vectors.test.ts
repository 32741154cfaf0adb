import { backend, utf8 } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import { machineKeyIndex, openOnMachine, sealForMachine, softwareMachineKey } from '../../src/index.ts'
import { hashOfSequences, readHashSequences } from '../../src/packet/hash-sequences.ts'
import { createRid, parsePacketFileName, refIdOfRid, requireRid } from '../../src/packet/registration-id.ts'
import { parseSideFile } from '../../src/packet/side-file.ts'
import { testKey } from '../kit/test-keys.ts'

test('the sub-packet optional that MOSIP publishes has the hash that it publishes', async () => {
  // documentation, docs/_files/packet-structure/components/optional: ID.json and packet_data_hash.txt.
  const json =
    '{"identity":{"IDSchemaVersion":0.1,"proofOfException":{"format":"pdf","type":"COE","value":"proofOfException"}}}'
  const published = '38E5765094A257F5E3F7DFCAD6EE173C771F9BC26C5F4693C84AFAD5D2E859A4'
  expect(json.length).toBe(112)
  const sequences = readHashSequences(
    [{ label: 'demographicSequence', value: ['ID'] }],
    ['biometricSequence', 'demographicSequence'],
  )
  expect(await hashOfSequences(sequences, new Map([['ID', utf8(json)]]))).toBe(published)
  await expect(hashOfSequences(sequences, new Map([['ID', utf8(`${json}\n`)]]))).resolves.not.toBe(published)
})

test('the side file that MOSIP publishes is read', () => {
  // documentation, docs/_files/packet-structure/full-packet: …_evidence.json, its signature cut short.
  const side = parseSideFile(
    utf8(
      '{"process":"NEW","creationdate":"2022-01-28T22:36:18.495Z",' +
        '"encryptedhash":"8tH6GwIL1280nU_FhJnynRRDjP85P0hteXAUMI4RmdA","signature":"Aa71dAWIwQ447aU2lcfJYOZsx5e8+f==",' +
        '"source":"REGISTRATION_CLIENT","providerversion":"v1.0","id":"10001100771006920220128223618",' +
        '"schemaversion":0.1,"packetname":"10001100771006920220128223618_evidence","providername":"PacketWriterImpl"}',
    ),
    'sub-packet evidence',
  )
  expect(side).toMatchObject({ refId: '10001_10077', schemaVersion: 0.1, process: 'NEW' })
})

describe('ids', () => {
  test('a registration id is centre, machine, sequence and time', () => {
    const rid = createRid({ centreId: '10001', machineId: '10077' }, 69, Date.UTC(2022, 0, 28, 22, 36, 18))
    expect(rid).toBe('10001100770006920220128223618')
    expect(refIdOfRid(rid)).toBe('10001_10077')
    expect(() => requireRid(rid.slice(1))).toThrow('registration id')
    expect(() => createRid({ centreId: '1001', machineId: '10077' }, 1, 0)).toThrow(TypeError)
    expect(() => createRid({ centreId: '10001', machineId: '10077' }, 100_000, 0)).toThrow(TypeError)
  })

  test('a file name says registration and station', () => {
    const name = '10001100771006920220128223618-10001_10077-20220128223618.zip'
    expect(parsePacketFileName(name)).toEqual({ id: '10001100771006920220128223618', refId: '10001_10077' })
    for (const wrong of [name.slice(1, -4), `../${name}`, `${name}\n`, name.replace('_', '-')]) {
      expect(() => parsePacketFileName(wrong)).toThrow('file name')
    }
  })

  test('a machine key has the index that key managers give it', async () => {
    const { publicKey } = await testKey(0)
    expect(await machineKeyIndex(publicKey.spki)).toMatch(/^([0-9a-f]{2}:){31}[0-9a-f]{2}$/)
  })
})

describe('what a server encrypts for a machine', () => {
  test('opens there, also as 1.1.4 wrote it, and nowhere else', async () => {
    const key = await testKey(0)
    const machineKey = softwareMachineKey(backend, key)
    const sealed = await sealForMachine(backend, key.publicKey.spki, utf8('settings'))
    expect(sealed.length).toBe(256 + 12 + 32 + 8 + 16)
    expect(await openOnMachine(backend, machineKey, sealed)).toEqual(utf8('settings'))

    const sessionKey = backend.randomBytes(32)
    const [iv, aad] = [backend.randomBytes(16), backend.randomBytes(12)]
    const old = Uint8Array.of(
      ...(await backend.rsa.encryptOaep(key.publicKey, sessionKey)),
      ...iv,
      ...aad,
      ...(await backend.aes256Gcm(sessionKey).seal(iv, utf8('older settings'), aad)),
    )
    expect(await openOnMachine(backend, machineKey, old)).toEqual(utf8('older settings'))

    for (const at of [0, 255, 256, 268, 300, sealed.length - 1]) {
      const changed = sealed.slice()
      changed[at]! ^= 1
      await expect(openOnMachine(backend, machineKey, changed)).rejects.toMatchObject({ code: 'OPEN_FAILED' })
    }
    const stranger = softwareMachineKey(backend, await testKey(1))
    await expect(openOnMachine(backend, stranger, sealed)).rejects.toMatchObject({ code: 'OPEN_FAILED' })
    await expect(openOnMachine(backend, machineKey, sealed.slice(0, 200))).rejects.toMatchObject({
      code: 'OPEN_FAILED',
    })
  })
})
