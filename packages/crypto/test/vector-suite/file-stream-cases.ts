import { sha512 } from '@noble/hashes/sha2.js'
import type { ByteSource, FileStreams } from '../../src/file-stream/public-api.ts'
import { fromHex, KeyhavenError, toHex } from '../../src/public-api.ts'
import { expectHex, expectTrue, type VectorCase } from './vector-case.ts'
import type { WycheproofFile } from './wycheproof-cases.ts'

interface FileTest {
  readonly tcId: number
  readonly comment: string
  readonly key: string
  readonly ctx: string
  /** zlib. */
  readonly ct: string
  readonly msgLength?: number
  readonly msgSha512?: string
  readonly result: 'valid' | 'invalid'
  readonly flags: readonly string[]
}

export type FileStreamVectors = WycheproofFile<FileTest>
export const FILE_STREAM_VECTORS = 'wycheproof/c2sp_chunked_encryption_aes_256_gcm_test.json'
const SALT_BYTES = 24

/** Every vector, whole, in small pieces, and read from the end. */
export function fileStreamCases(files: FileStreams, { testGroups }: FileStreamVectors): VectorCase[] {
  return testGroups.flatMap(({ tests }) =>
    tests.map((item) => ({
      name: `Wycheproof Cobblestone-256 ${item.tcId}: ${item.comment}`,
      run: () => (item.result === 'valid' ? validCase(files, item) : invalidCase(files, item)),
    })),
  )
}

async function validCase(files: FileStreams, item: FileTest): Promise<void> {
  const { key, context, sealed } = await inputOf(item)
  const opened = await collect(files.decryptFile([sealed], { key, context }))
  expectTrue(opened.length === item.msgLength, 'length')
  expectHex(sha512(opened), item.msgSha512!, 'SHA-512')
  for (const bytes of [1, 4_096, 16_400, 100_000]) {
    if (bytes === 1 && sealed.length > 100_000) continue
    const again = await collect(files.decryptFile(pieces(sealed, bytes), { key, context }))
    expectHex(sha512(again), item.msgSha512!, `in pieces of ${bytes}`)
  }
  const salt = sealed.subarray(0, SALT_BYTES)
  const sealedAgain = await collect(files.encryptFile(pieces(opened, 10_007), { key, context, salt }))
  expectHex(sha512(sealedAgain), toHex(sha512(sealed)), 'encrypted again')
  const file = await open(files, sealed, key, context)
  expectTrue(file.size === item.msgLength, 'size from the end')
  expectHex(sha512(await collect(file.read())), item.msgSha512!, 'read at will')
}

async function invalidCase(files: FileStreams, item: FileTest): Promise<void> {
  const { key, context, sealed } = await inputOf(item)
  for (const bytes of [sealed.length || 1, 1_000]) {
    const released: Uint8Array[] = []
    await expectRefused(item, async () => {
      for await (const piece of files.decryptFile(pieces(sealed, bytes), { key, context })) {
        released.push(piece)
      }
    })
    const length = released.reduce((sum, piece) => sum + piece.length, 0)
    expectTrue(length <= (item.msgLength ?? 0), `${length} bytes came out`)
    if (length === item.msgLength) expectHex(sha512(join(released)), item.msgSha512!, 'the valid beginning')
  }
  const opening = () => open(files, sealed, key, context)
  // Only this flag lets the last chunk be believed; reading the whole is refused all the same.
  if (!item.flags.includes('ValidFinalChunk')) await expectRefused(item, opening)
  else await expectRefused(item, async () => collect((await opening()).read()))
}

async function expectRefused(item: FileTest, operation: () => Promise<unknown>): Promise<void> {
  const error = await operation().then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  const isKeyLength = item.flags.includes('InvalidKeySize') && error instanceof TypeError
  const isOpenFailed = error instanceof KeyhavenError && error.code === 'OPEN_FAILED'
  expectTrue(isKeyLength || isOpenFailed, `expected OPEN_FAILED, got ${error}`)
}

/** A file that lies in memory. */
function open(files: FileStreams, sealed: Uint8Array, key: Uint8Array, context: Uint8Array) {
  const read = (start: number, end: number): ByteSource => [sealed.subarray(start, end)]
  return files.openFile({ key, context, bytes: sealed.length, read })
}

async function inputOf(item: FileTest) {
  const inflated = new Blob([fromHex(item.ct) as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream('deflate'))
  const sealed = new Uint8Array(await new Response(inflated).arrayBuffer())
  return { key: fromHex(item.key), context: fromHex(item.ctx), sealed }
}

export function* pieces(bytes: Uint8Array, length: number): Generator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

export function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of source) parts.push(part)
  return join(parts)
}
