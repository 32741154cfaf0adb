import {
  createCipheriv,
  createDecipheriv,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'
import { fromBase64 } from '@keyhaven/crypto'
import { createWorld } from '../packages/conversations/test/client/kit/world.ts'
import { type Contestant, type MeasureOptions, measure } from './measure.ts'
import { measuredRow, type Row } from './row.ts'

const SIZES = [
  { label: '100 B', bytes: 100 },
  { label: '1 KiB', bytes: 1_024 },
] as const
/** Longer slices: Linux counts a process's time when its timer ticks, each 4 ms or so. */
const OPTIONS: MeasureOptions = { inFlight: 1, rounds: 15, sliceMilliseconds: 100, clock: 'processor' }
/** More than a slice decrypts. */
const ENCRYPTED_BEFOREHAND = 4_000
const KEY_BYTES = 32
const NONCE = Buffer.alloc(12)
/** Version and salt before the ciphertext, tag behind it. */
const PACKET_OVERHEAD = 1 + KEY_BYTES + 16
const AAD = Buffer.alloc(100)
const ENCRYPT = 'encrypt'
const DECRYPT = 'decrypt'
const BARE_SEAL = 'bare seal'
const BARE_OPEN = 'bare open'

interface Packet {
  readonly keyId: string
  readonly packet: string
}

/**
 * A conversation message under a known key, encrypted by one device and decrypted by another, in memory stores
 * and without a network; against the bare calls of node:crypto that it cannot do without: HKDF, AES-256-GCM
 * and Ed25519 over as many bytes.
 */
export async function run(): Promise<Row[]> {
  const rows: Row[] = []
  const world = await createWorld()
  const anna = await world.device('anna')
  const ben = await world.device('ben')
  const chat = await anna.conversations.create({ members: { ben: 'member' } })
  for (const { label, bytes } of SIZES) {
    const payload = new Uint8Array(randomBytes(bytes))
    const encrypt = () => chat.encrypt(payload)
    const first = await encrypt()
    await ben.conversations.decrypt(first.keyId, first.packet)
    const packetBytes = fromBase64(first.packet).length
    const contestants = [
      { name: ENCRYPT, run: encrypt },
      decryption(encrypt, ({ keyId, packet }) => ben.conversations.decrypt(keyId, packet)),
      ...bare(packetBytes - PACKET_OVERHEAD),
    ]
    const times = await measure(contestants, OPTIONS)
    for (const [name, reference] of [
      [ENCRYPT, BARE_SEAL],
      [DECRYPT, BARE_OPEN],
    ] as const) {
      const bareTime = { name: reference, value: times.get(reference)! }
      rows.push(measuredRow(`message ${label}: ${name}`, times.get(name)!, 'µs', bareTime))
    }
    rows.push(measuredRow(`message ${label}: packet over content`, packetBytes - bytes, 'B'))
  }
  return rows
}

function decryption(encrypt: () => Promise<Packet>, decrypt: (packet: Packet) => unknown): Contestant {
  const waiting: Packet[] = []
  let next = 0
  return {
    name: DECRYPT,
    async prepare() {
      waiting.splice(0, next)
      next = 0
      while (waiting.length < ENCRYPTED_BEFOREHAND) waiting.push(await encrypt())
    },
    run() {
      const packet = waiting[next++]
      if (packet === undefined) throw new Error('more messages were decrypted than had been encrypted')
      return decrypt(packet)
    },
  }
}

function bare(frameBytes: number): Contestant[] {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const key = randomBytes(KEY_BYTES)
  const frame = randomBytes(frameBytes)
  const messageKey = (salt: Uint8Array) => Buffer.from(hkdfSync('sha256', key, salt, AAD, KEY_BYTES))
  const seal = () => {
    const salt = randomBytes(KEY_BYTES)
    const signature = sign(null, frame, privateKey)
    const cipher = createCipheriv('aes-256-gcm', messageKey(salt), NONCE).setAAD(AAD)
    const sealed = Buffer.concat([cipher.update(frame), cipher.final()])
    return { salt, signature, sealed, tag: cipher.getAuthTag() }
  }
  const made = seal()
  const open = () => {
    const decipher = createDecipheriv('aes-256-gcm', messageKey(made.salt), NONCE).setAAD(AAD)
    const opened = Buffer.concat([decipher.setAuthTag(made.tag).update(made.sealed), decipher.final()])
    if (!verify(null, opened, publicKey, made.signature)) throw new Error('the signature does not hold')
  }
  return [
    { name: BARE_SEAL, run: seal },
    { name: BARE_OPEN, run: open },
  ]
}
