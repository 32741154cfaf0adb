import { backend, type KeyhavenError, toBase64url, utf8 } from '@keyhaven/crypto'
import { zipSync } from 'fflate'
import { beforeAll, describe, expect, test } from 'vitest'
import { openPacket } from '../../src/index.ts'
import { sealPacketLayer } from '../../src/packet/packet-layer.ts'
import { parseJson } from '../../src/packet/side-file.ts'
import { MAX_UNPACKED_BYTES, unpackFiles } from '../../src/packet/zip-files.ts'
import { SIMULATED_SCHEMA } from '../../src/simulator/index.ts'
import { REF_ID, type TestStation, testPacket, testStation } from '../kit/registration.ts'
import { testKey } from '../kit/test-keys.ts'
import { containerOf, editJson, fileOf, repack, replaceZip, resign } from './repack.ts'

let station: TestStation
let bytes: Uint8Array
let other: Uint8Array
beforeAll(async () => {
  station = await testStation()
  bytes = (await testPacket(station, 'p1')).bytes
  other = (await testPacket(station, 'p2')).bytes
})

const open = (packet: Uint8Array, over: object = {}) =>
  openPacket(backend, packet, { ...station.open, schema: SIMULATED_SCHEMA, ...over })

async function refusal(packet: Uint8Array, over: object = {}): Promise<string> {
  const error = await open(packet, over).then(
    () => undefined,
    (thrown: KeyhavenError) => thrown,
  )
  return error ? `${error.code}: ${error.message}` : 'opened'
}

describe('whoever changes bytes of a packet gets one answer, which says nothing', () => {
  test('cut at any place', async () => {
    const cuts = [0, 1, 11, 12, 43, 44, 75, 76, 331, 332, 345, 346, 361, 362, 363, 5_000, -17, -16, -1]
    const answers = new Set<string>()
    for (const cut of cuts) answers.add(await refusal(bytes.slice(0, cut)))
    expect([...answers]).toEqual([expect.stringMatching(/^OPEN_FAILED/)])
  })

  test('one bit flipped in nonce, associated data, thumbprint, key, splitter, data and tag', async () => {
    const answers = new Set<string>()
    for (const at of [0, 11, 12, 43, 44, 75, 76, 200, 331, 332, 345, 346, 20_000, bytes.length - 1]) {
      const changed = bytes.slice()
      changed[at]! ^= 0x10
      answers.add(await refusal(changed))
    }
    expect([...answers]).toEqual([expect.stringMatching(/^OPEN_FAILED/)])
  })

  test('more bytes, parts in another order, another key', async () => {
    const swapped = Uint8Array.of(...bytes.slice(12, 44), ...bytes.slice(0, 12), ...bytes.slice(44))
    expect(await refusal(Uint8Array.of(...bytes, 0))).toMatch(/^OPEN_FAILED/)
    expect(await refusal(swapped)).toMatch(/^OPEN_FAILED/)
    const stranger = {
      open: async (_: unknown, wrapped: Uint8Array) => backend.rsa.decryptOaep(await testKey(2), wrapped),
    }
    expect(await refusal(bytes, { opener: stranger })).toMatch(/^OPEN_FAILED/)
  })

  test('the same inside the container', async () => {
    const packet = await repack(station, bytes, async (files) => {
      const sealed = files.get(fileOf(files, '_evidence.zip'))!.slice()
      sealed[sealed.length - 1]! ^= 1
      files.set(fileOf(files, '_evidence.zip'), sealed)
      const encryptedhash = toBase64url(await backend.sha256(sealed))
      editJson(files, '_evidence.json', (json) => Object.assign(json, { encryptedhash }))
    })
    expect(await refusal(packet)).toMatch(/^OPEN_FAILED/)
  })
})

describe('whoever puts packets together anew, with the certificate of the centre, is named the check', () => {
  test('nothing changed opens', async () => {
    expect(await refusal(await repack(station, bytes, () => {}))).toBe('opened')
  })

  test('a sub-packet of another person, as it is or with the side file made to fit', async () => {
    const donor = await containerOf(station, other)
    const swap = (files: Map<string, Uint8Array>): void => {
      for (const end of ['_evidence.zip', '_evidence.json'])
        files.set(fileOf(files, end), donor.get(fileOf(donor, end))!)
    }
    expect(await refusal(await repack(station, bytes, swap))).toBe(
      'PACKET_INVALID: name of the sub-packet evidence',
    )
    const fitted = await repack(station, bytes, (files) => {
      const names = { id: '', packetname: '' }
      editJson(files, '_evidence.json', ({ id, packetname }) => Object.assign(names, { id, packetname }))
      swap(files)
      editJson(files, '_evidence.json', (json) => Object.assign(json, names))
    })
    expect(await refusal(fitted)).toBe('PACKET_INVALID: registration id inside the sub-packet evidence')
  })

  test('two sub-packets exchanged', async () => {
    const packet = await repack(station, bytes, (files) => {
      const [one, two] = ['_evidence.zip', '_optional.zip'].map((end) => fileOf(files, end)) as [
        string,
        string,
      ]
      const [a, b] = [files.get(one)!, files.get(two)!]
      files.set(one, b).set(two, a)
      const kept: Record<string, unknown>[] = []
      for (const end of ['_evidence.json', '_optional.json'])
        editJson(files, end, (json) => kept.push({ ...json }))
      const take = (from: Record<string, unknown>) => (json: Record<string, unknown>) =>
        Object.assign(json, { signature: from.signature, encryptedhash: from.encryptedhash })
      editJson(files, '_evidence.json', take(kept[1]!))
      editJson(files, '_optional.json', take(kept[0]!))
    })
    expect(await refusal(packet)).toBe(
      'PACKET_INVALID: fields of the sub-packet optional: identity.proofOfAddress',
    )
  })

  test('another encrypted hash, another signature, a half that is missing, a file too many', async () => {
    const edited = async (edit: (files: Map<string, Uint8Array>) => void) =>
      refusal(await repack(station, bytes, edit))
    const side = (change: object) => (files: Map<string, Uint8Array>) =>
      editJson(files, '_id.json', (json) => Object.assign(json, change))
    const wrong = toBase64url(new Uint8Array(32))
    expect(await edited(side({ encryptedhash: wrong }))).toBe(
      'PACKET_INVALID: encrypted hash of the sub-packet id',
    )
    expect(await edited(side({ signature: wrong }))).toBe('PACKET_INVALID: signature of the sub-packet id')
    expect(await edited(side({ signature: '' }))).toBe(
      'PACKET_INVALID: side file of the sub-packet id: signature',
    )
    expect(await edited(side({ process: 'LOST' }))).toBe('PACKET_INVALID: name of the sub-packet id')
    expect(await edited(side({ schemaversion: '0.2' }))).toBe(
      'PACKET_INVALID: side file of the sub-packet evidence: schemaVersion',
    )
    expect(await edited((files) => files.delete(fileOf(files, '_id.json')))).toBe(
      'PACKET_INVALID: files of the sub-packet id',
    )
    expect(await edited((files) => files.set('REGISTRATION_CLIENT/NEW/note.txt', utf8('x')))).toBe(
      'PACKET_INVALID: files of the container',
    )
  })

  test('another machine, an unknown machine, another station, another registration', async () => {
    const stranger = (await testKey(2)).publicKey
    expect(await refusal(bytes, { machinePublicKey: () => stranger })).toBe(
      'PACKET_INVALID: signature of the sub-packet id',
    )
    expect(await refusal(bytes, { machinePublicKey: () => undefined })).toBe(
      'PACKET_INVALID: machine: it is not registered',
    )
    expect(await refusal(bytes, { expected: { refId: '10001_10078' } })).toBe('PACKET_INVALID: reference id')
    expect(await refusal(bytes, { expected: { rid: '1'.repeat(29) } })).toBe(
      'PACKET_INVALID: registration id',
    )
    // A machine that says it were another one: the signed part still names the first.
    const moved = await repack(station, bytes, (files) => {
      for (const name of ['id', 'evidence', 'optional']) {
        editJson(files, `_${name}.json`, (json) => Object.assign(json, { refid: '10001_10078' }))
      }
    })
    const both = { machinePublicKey: () => station.machine.publicKey }
    expect(await refusal(moved, both)).toBe('PACKET_INVALID: reference id inside the sub-packet id')
  })
})

describe('a machine that signs nonsense is refused too', () => {
  const signed = async (edit: (contents: Map<string, Uint8Array>) => void, name = 'id') =>
    refusal(await repack(station, bytes, (files) => resign(station, files, name, edit)))

  test('JSON that nests deeper than a stack', async () => {
    const nested = (levels: number) => utf8(`{"identity":${'['.repeat(levels)}${']'.repeat(levels)}}`)
    const withSide = (side: Uint8Array) =>
      repack(station, bytes, (files) => void files.set(fileOf(files, '_evidence.json'), side))
    expect(await refusal(await withSide(nested(33)))).toMatch(/^PACKET_INVALID: .*: nested too deep$/)
    expect(await refusal(await withSide(nested(31)))).not.toMatch(/too deep/)
    expect(() => parseJson(nested(1_000_000), 'ID.json')).toThrow('ID.json: nested too deep')
    // In a text they nest nothing, also behind a quotation mark that does not end it.
    const text = { a: `"\\${'['.repeat(100)}`, b: [] }
    expect(parseJson(utf8(JSON.stringify(text)), 'ID.json')).toEqual(text)
    const beside = `{"a":"\\\\","b":${'['.repeat(40)}${']'.repeat(40)}}`
    expect(() => parseJson(utf8(beside), 'ID.json')).toThrow('ID.json: nested too deep')
  })

  test('a changed document, a file in no sequence, a missing audit', async () => {
    expect(await signed((files) => files.set('proofOfIdentity.pdf', utf8('another')))).toBe(
      'PACKET_INVALID: packet_data_hash.txt of the sub-packet id',
    )
    expect(await signed((files) => files.set('audit.json', utf8('[]')))).toBe(
      'PACKET_INVALID: packet_operations_hash.txt of the sub-packet id',
    )
    expect(await signed((files) => files.set('extra.txt', utf8('x')))).toBe(
      'PACKET_INVALID: hash sequence of the sub-packet id: a file is in none',
    )
    expect(await signed((files) => files.delete('audit.json'))).toBe(
      'PACKET_INVALID: hash sequence: a file is missing',
    )
    expect(await signed((files) => files.delete('packet_meta_info.json'))).toBe(
      'PACKET_INVALID: packet_meta_info.json of the sub-packet id is missing',
    )
  })

  test('zip files that would unpack to more than is allowed, before memory is taken', async () => {
    // Two thin files whose directory says that each is of half the limit and one byte more.
    const bomb = zipSync({ a: new Uint8Array(70_000), b: new Uint8Array(70_000) })
    const view = new DataView(bomb.buffer)
    for (let at = 0; at + 4 <= bomb.length; at++) {
      if (view.getUint32(at, true) === 70_000) view.setUint32(at, MAX_UNPACKED_BYTES / 2 + 1, true)
    }
    expect(await refusal(await sealPacketLayer(backend, station.k11.recipient, bomb))).toBe(
      'PACKET_INVALID: zip file of the container: too large',
    )
    const packet = await repack(station, bytes, (files) => replaceZip(station, files, 'id', bomb))
    expect(await refusal(packet)).toBe('PACKET_INVALID: zip file of the sub-packet id: too large')
    const many = zipSync(Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`f${at}`, utf8('x')])))
    expect(() => unpackFiles(many, 'container')).toThrow('zip file of the container: too many files')
    for (const name of ['../a', '/a', 'a//b', '.hidden', 'a\\b', 'a b']) {
      expect(() => unpackFiles(zipSync({ [name]: utf8('x') }), 'container')).toThrow('name of a file')
    }
    expect(() => unpackFiles(utf8('no zip file at all, but some text'), 'container')).toThrow('damaged')
  })

  test('a directory that says less, or more, than a file unpacks to: it is not followed any further', () => {
    // Small files are inflated at once, larger ones in pieces.
    for (const file of [new Uint8Array(5_000).fill(7), backend.randomBytes(150_000)]) {
      expect(unpackFiles(zipSync({ a: file }), 'container').get('a')).toEqual(file)
      for (const said of [100, file.length - 1, file.length + 1]) {
        const zip = zipSync({ a: file }, { level: 9 })
        const view = new DataView(zip.buffer)
        for (let at = 0; at + 4 <= zip.length; at++) {
          if (view.getUint32(at, true) === file.length) view.setUint32(at, said, true)
        }
        expect(() => unpackFiles(zip, 'container')).toThrow('damaged')
      }
    }
  })

  test('files that share their bytes, so that each takes the memory and time of all', () => {
    for (const level of [0, 6] as const) {
      expect(() => unpackFiles(sharedBytes(200, 300_000, level), 'container')).toThrow('too large')
    }
  })

  test('a stored file of another size than the directory says', () => {
    expect(() => unpackFiles(sharedBytes(1, 1, 0), 'container')).toThrow('damaged')
  })
})

/** A zip file whose directory has `count` names for the same 100,000 bytes, each of `said` bytes, as it says. */
function sharedBytes(count: number, said: number, level: 0 | 6): Uint8Array {
  const one = zipSync({ f000: backend.randomBytes(100_000) }, { level })
  const end = one.length - 22
  const tail = one.slice(end)
  const directory = new DataView(tail.buffer).getUint32(16, true)
  const entry = one.slice(directory, end)
  new DataView(entry.buffer).setUint32(24, said, true)
  const entries = Array.from({ length: count }, (_, at) => {
    const named = entry.slice()
    named.set(utf8(`f${String(at).padStart(3, '0')}`), 46)
    return named
  })
  new DataView(tail.buffer).setUint16(8, count, true)
  new DataView(tail.buffer).setUint16(10, count, true)
  return Uint8Array.from(Buffer.concat([one.slice(0, directory), ...entries, tail]))
}

describe('what older packets have otherwise is read', () => {
  test('signature in standard base64, schema version as a number, no refid, names without a second id', async () => {
    const packet = await repack(station, bytes, (files) => {
      for (const [path, content] of [...files]) {
        files.delete(path)
        files.set(path.replace(/(\d{29})_(\1_)/, '$2'), content)
      }
      for (const name of ['id', 'evidence', 'optional']) {
        editJson(files, `_${name}.json`, (json) => {
          json.signature = Buffer.from(String(json.signature), 'base64url').toString('base64')
          json.schemaversion = 0.1
          delete json.refid
        })
      }
    })
    expect((await open(packet)).refId).toBe(REF_ID)
  })

  test('the hash of nothing beside sub-packets without operations, and no other hash there', async () => {
    const withHash = (hash: string) =>
      repack(station, bytes, (files) =>
        resign(station, files, 'evidence', (contents) =>
          contents.set('packet_operations_hash.txt', utf8(hash)),
        ),
      )
    const ofNothing = 'E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855'
    expect(await refusal(await withHash(ofNothing))).toBe('opened')
    expect(await refusal(await withHash(ofNothing.replace('E', 'F')))).toBe(
      'PACKET_INVALID: packet_operations_hash.txt of the sub-packet evidence',
    )
  })
})
