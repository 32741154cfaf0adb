import { createCipheriv, randomBytes } from 'node:crypto'
import { closeSync, existsSync, openSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { decryptFile, encryptFile, newFileKey, streamOf } from '@keyhaven/crypto/file-stream'

const PART_BYTES = 1_024 * 1_024
const NONCE_BYTES = 12
const COUNTER_AT = 8
/** Of the file that is decrypted: made by one process, opened by others. */
const KNOWN_KEY = new Uint8Array(32).fill(1)

/** What a contestant says of its run. */
export interface FileRun {
  readonly milliseconds: number
  readonly maxRssKib: number
}

/** Prepares, so that only the work is measured. @returns what encrypts the file to nowhere. */
type Prepare = (file: string) => Promise<() => Promise<void>>

/** Ways to encrypt a file as a stream. All read 1 MiB at a time, one part ahead, and write to /dev/null. */
export const FILE_CONTESTANTS: Readonly<Record<string, Prepare>> = {
  keyhaven: async (file) => () =>
    write('/dev/null', encryptFile(partsOf(file), { key: newFileKey(), reuseMemory: true })),
  'keyhaven, decryption': async (file) => {
    const options = { key: KNOWN_KEY, reuseMemory: true }
    const sealed = `${file}.sealed`
    if (!existsSync(sealed)) await write(sealed, encryptFile(partsOf(file), options))
    return () => write('/dev/null', decryptFile(partsOf(sealed), options))
  },
  'bare node:crypto, 1 MiB parts': async (file) => () => write('/dev/null', bare(partsOf(file))),
  'age-encryption': async (file) => {
    const { Encrypter, generateX25519Identity, identityToRecipient } = await import('age-encryption')
    const encrypter = new Encrypter()
    encrypter.addRecipient(await identityToRecipient(await generateX25519Identity()))
    return async () => write('/dev/null', iterate(await encrypter.encrypt(streamOf(copiesOf(file)))))
  },
  openpgp: async (file) => {
    const openpgp = await import('openpgp')
    const { publicKey } = await openpgp.generateKey({
      type: 'curve25519',
      userIDs: [{ name: 'bench' }],
      format: 'object',
    })
    // Its fastest: an AEAD packet instead of CFB with a hash.
    const config = { aeadProtect: true, preferredAEADAlgorithm: openpgp.enums.aead.gcm }
    return async () => {
      const message = await openpgp.createMessage({ binary: streamOf(copiesOf(file)) as never })
      const sealed = await openpgp.encrypt({ message, encryptionKeys: publicKey, format: 'binary', config })
      await write('/dev/null', iterate(sealed as unknown as ReadableStream<Uint8Array>))
    }
  },
}

/** Two memories for all parts: one is filled while the other is worked on. */
async function* partsOf(file: string): AsyncGenerator<Uint8Array, void, void> {
  const input = await open(file)
  const memories = [new Uint8Array(PART_BYTES), new Uint8Array(PART_BYTES)]
  let reading = input.read(memories[0]!)
  try {
    for (let count = 1; ; count++) {
      const { bytesRead, buffer } = await reading
      if (bytesRead === 0) return
      reading = input.read(memories[count % memories.length]!)
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await input.close()
  }
}

/** For those that keep what they were given. */
async function* copiesOf(file: string): AsyncGenerator<Uint8Array, void, void> {
  for await (const part of partsOf(file)) yield part.slice()
}

/** The least there is: a cipher for each MiB, ciphertext and tag given as they come. */
async function* bare(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const key = randomBytes(32)
  const nonce = Buffer.alloc(NONCE_BYTES)
  let count = 0
  for await (const part of parts) {
    nonce.writeUInt32BE(count++, COUNTER_AT)
    const cipher = createCipheriv('aes-256-gcm', key, nonce)
    yield cipher.update(part)
    cipher.final()
    yield cipher.getAuthTag()
  }
}

function iterate(stream: ReadableStream<Uint8Array>): AsyncIterable<Uint8Array> {
  return stream as ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>
}

async function write(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const output = openSync(path, 'w')
  for await (const piece of pieces) writeSync(output, piece)
  closeSync(output)
}
