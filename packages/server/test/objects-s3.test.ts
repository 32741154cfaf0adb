import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NO_CEPH, startCeph, type TestCeph } from '../../../test/kit/ceph.ts'
import { startTcpFront } from '../../../test/kit/tcp-front.ts'
import type { S3Config } from '../src/platform/config/config.ts'
import { MIN_PART_BYTES, type ObjectStore } from '../src/platform/objects/object-store.ts'
import { openObjectStore } from '../src/platform/objects/open-object-store.ts'
import { StoreFullError } from '../src/platform/objects/store-full-error.ts'
import { objectStoreCases } from './object-store-cases.ts'

describe.skipIf(NO_CEPH)(`objects in S3: ${NO_CEPH ?? 'Ceph, SSE-KMS'}`, () => {
  let ceph: TestCeph
  let config: S3Config
  let store: ObjectStore
  beforeAll(async () => {
    ceph = await startCeph()
    config = await ceph.createBucket()
    store = await openObjectStore(config)
  })
  afterAll(() => store?.close())

  objectStoreCases(() => store)

  test('what lies in the store is not what was put: it encrypts under the key that was named', async () => {
    const marker = randomBytes(64)
    const other = await ceph.createBucket()
    const { kmsKey: _, ...plainConfig } = other
    const [sealed, plain] = [await openObjectStore(other), await openObjectStore(plainConfig)]
    const rest = async (name: string) => {
      const raw = (await ceph.rawNames()).filter((found) => found.includes(name))
      return Buffer.concat(await Promise.all(raw.map((found) => ceph.rawBytes(found))))
    }
    const parted = async (at: ObjectStore, name: string) => {
      const ref = { name, upload: await at.beginUpload(name) }
      const bytes = Buffer.concat([marker, Buffer.alloc(1_000)])
      const tag = await at.writePart(ref, 1, bytes)
      await at.complete(ref, [{ part: 1, tag, bytes: bytes.length }])
    }
    await plain.put('plain-whole', marker)
    await parted(plain, 'plain-parted')
    await sealed.put('sealed-whole', marker)
    await parted(sealed, 'sealed-parted')
    // First that it would be found.
    for (const name of ['plain-whole', 'plain-parted']) expect((await rest(name)).includes(marker)).toBe(true)
    for (const name of ['sealed-whole', 'sealed-parted']) {
      const raw = await rest(name)
      expect(raw.length).toBeGreaterThanOrEqual(marker.length)
      expect(raw.includes(marker)).toBe(false)
      expect((await buffer((await sealed.read(name))!)).includes(marker)).toBe(true)
    }
  })

  const wrong: ReadonlyArray<readonly [string, (given: S3Config) => S3Config, RegExp]> = [
    [
      'a wrong secret',
      (given) => ({ ...given, credentials: { ...given.credentials!, secretAccessKey: 'x' } }),
      /secret/,
    ],
    [
      'an unknown access key',
      (given) => ({ ...given, credentials: { accessKeyId: 'A', secretAccessKey: 'x' } }),
      /access key/,
    ],
    ['an unknown KMS key', (given) => ({ ...given, kmsKey: 'no-such-key' }), /KMS key/],
    ['an unknown bucket', (given) => ({ ...given, bucket: 'no-such-bucket' }), /bucket/],
  ]
  test.each(wrong)('%s is said at the start, and STORE_UNAVAILABLE later', async (_, change, text) => {
    const broken = await openObjectStore(change(config))
    await expect(broken.check()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(text),
    })
    const unavailable = { code: 'STORE_UNAVAILABLE', message: expect.stringMatching(text) }
    await expect(broken.put('wrong/object', new Uint8Array(1))).rejects.toMatchObject(unavailable)
    const begun = broken.beginUpload('wrong/object')
    const written = begun.then((upload) =>
      broken.writePart({ name: 'wrong/object', upload }, 1, new Uint8Array(1)),
    )
    await expect(written).rejects.toMatchObject(unavailable)
    broken.close()
    expect(await store.head('wrong/object')).toBeUndefined()
  })

  test('a connection cut in part 3 of 5 is STORE_UNAVAILABLE; the upload goes on from there', async () => {
    const front = await startTcpFront(config.endpoint!)
    const through = await openObjectStore({ ...config, endpoint: front.url })
    const name = 'files/app/cut'
    const ref = { name, upload: await through.beginUpload(name) }
    const pieces = Array.from({ length: 5 }, () => randomBytes(MIN_PART_BYTES))
    const parts = []
    for (const [index, piece] of pieces.entries()) {
      const write = () => through.writePart(ref, index + 1, piece)
      if (index === 2) {
        // In the middle of it.
        front.cutAfter(MIN_PART_BYTES / 2)
        await expect(write()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
        await expect(through.head(name)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
        expect(await store.head(name)).toBeUndefined()
        front.to(config.endpoint!)
      }
      parts.push({ part: index + 1, tag: await write(), bytes: piece.length })
    }
    await through.complete(ref, parts)
    expect((await buffer((await store.read(name))!)).equals(Buffer.concat(pieces))).toBe(true)
    // And one that is cut while it is read fails, and does not just end.
    const reader = (await through.read(name))!.getReader()
    await reader.read()
    front.cut()
    const rest = (async () => {
      while (!(await reader.read()).done);
    })()
    await expect(rest).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    through.close()
    await front.close()
  })

  test('a full store is said to be full; with room again the upload goes on', async () => {
    const small = await ceph.createBucket()
    const at = await openObjectStore(small)
    await ceph.setQuota(small, MIN_PART_BYTES)
    const ref = { name: 'files/app/full', upload: await at.beginUpload('files/app/full') }
    const write = (part: number) => at.writePart(ref, part, new Uint8Array(MIN_PART_BYTES))
    const first = { part: 1, tag: await write(1), bytes: MIN_PART_BYTES }
    const tooMuch = new Uint8Array(2 * MIN_PART_BYTES)
    for (const refused of [() => at.put('more', tooMuch), () => at.writePart(ref, 2, tooMuch)]) {
      // It refuses before it has read everything: the connection may be cut before its answer is read.
      await expect.poll(() => refused().catch((error: unknown) => error)).toBeInstanceOf(StoreFullError)
    }
    expect(await at.head('more')).toBeUndefined()
    expect(await at.head('files/app/full')).toBeUndefined()
    await ceph.setQuota(small, -1)
    const second = { part: 2, tag: await write(2), bytes: MIN_PART_BYTES }
    await at.complete(ref, [first, second])
    expect(await at.head('files/app/full')).toMatchObject({ bytes: 2 * MIN_PART_BYTES })
    at.close()
  })
})
