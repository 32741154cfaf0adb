import {
  compareManifests,
  decodeDelegation,
  signDelegation,
  signManifest,
  verifyDelegation,
  verifyManifest,
} from '@keyhaven/channel'
import { type CryptoBackend, jwkThumbprint } from '@keyhaven/crypto'
import { nobleBackend } from '@keyhaven/crypto/noble'
import { nodeBackend } from '@keyhaven/crypto/node'
import { webBackend } from '@keyhaven/crypto/web'
import { calculateJwkThumbprint, compactVerify, importJWK, type JWK } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  DAY_SECONDS,
  forgeDelegation,
  forgeManifest,
  type ManifestFixture,
  manifestFixture,
  manifestKeyOf,
  NOW_SECONDS,
} from './manifest-fixture.ts'

const BACKENDS: readonly CryptoBackend[] = [nodeBackend, webBackend, nobleBackend]
const HOUR_SECONDS = 3_600

describe.each(BACKENDS.map((backend) => [backend.name, backend] as const))('manifest on %s', (_, backend) => {
  let fixture: ManifestFixture
  let jws: string
  const expectation = (changes: object = {}) => ({
    application: 'demo',
    rootThumbprints: [fixture.thumbprint],
    now: NOW_SECONDS + 1,
    ...changes,
  })
  const code = (promise: Promise<unknown>) =>
    promise.then(
      () => 'accepted',
      (error) => error.code ?? error.name,
    )
  const verified = (text: string, changes?: object) =>
    code(verifyManifest(backend, text, expectation(changes)))

  beforeAll(async () => {
    fixture = await manifestFixture(backend)
    jws = await signManifest(backend, fixture.manifestKey, fixture.delegationJws, fixture.manifest)
  })

  test('a signed manifest verifies and reads back', async () => {
    expect(await verifyManifest(backend, jws, expectation())).toEqual(fixture.manifest)
    expect(await verifyDelegation(backend, fixture.delegationJws, expectation())).toEqual(fixture.delegation)
    const { delegation, rootKey } = decodeDelegation(fixture.delegationJws)
    expect(delegation).toEqual(fixture.delegation)
    expect(await jwkThumbprint(backend, rootKey)).toBe(fixture.thumbprint)
  })

  test('another program verifies the same signatures, and finds the same thumbprint', async () => {
    const delegated = await compactVerify(
      fixture.delegationJws,
      await importJWK(fixture.rootKey.publicKey.jwk as JWK, 'EdDSA'),
    )
    expect(JSON.parse(new TextDecoder().decode(delegated.payload))).toEqual(fixture.delegation)
    expect(await calculateJwkThumbprint(delegated.protectedHeader.jwk!)).toBe(fixture.thumbprint)
    const key = await importJWK(fixture.manifestKey.publicKey.jwk as JWK, 'EdDSA')
    const { payload, protectedHeader } = await compactVerify(jws, key)
    expect(JSON.parse(new TextDecoder().decode(payload))).toEqual(fixture.manifest)
    expect(protectedHeader.typ).toBe('keyhaven-manifest+jws')
  })

  test('either of two root thumbprints is enough', async () => {
    expect(await verified(jws, { rootThumbprints: ['A'.repeat(43), fixture.thumbprint] })).toBe('accepted')
  })

  test('another root, another application, and no thumbprint at all are refused', async () => {
    expect(await verified(jws, { rootThumbprints: ['A'.repeat(43)] })).toBe('SIGNATURE_INVALID')
    expect(await verified(jws, { application: 'other' })).toBe('MANIFEST_INVALID')
    expect(await verified(jws, { rootThumbprints: [] })).toBe('TypeError')
  })

  test('milliseconds in place of seconds are a mistake of the caller', async () => {
    expect(await verified(jws, { now: NOW_SECONDS * 1_000 })).toBe('TypeError')
  })

  test('an expired manifest is refused, to the second', async () => {
    expect(await verified(jws, { now: NOW_SECONDS + DAY_SECONDS - 1 })).toBe('accepted')
    expect(await verified(jws, { now: NOW_SECONDS + DAY_SECONDS })).toBe('MANIFEST_EXPIRED')
  })

  test('a manifest under an expired delegation is refused', async () => {
    const delegation = { ...fixture.delegation, expires: NOW_SECONDS + HOUR_SECONDS }
    const short = await forgeDelegation(backend, fixture.rootKey, delegation)
    const forged = await forgeManifest(backend, fixture.manifestKey, short, fixture.manifest)
    expect(await verified(forged, { now: NOW_SECONDS + 2 * HOUR_SECONDS })).toBe('MANIFEST_EXPIRED')
    expect(await verified(forged)).toBe('MANIFEST_INVALID')
  })

  test('older positions are refused, the same and newer ones accepted, and an epoch outweighs any sequence', async () => {
    expect(await verified(jws, { newerThan: { epoch: 1, sequence: 6 } })).toBe('accepted')
    expect(await verified(jws, { newerThan: { epoch: 1, sequence: 7 } })).toBe('accepted')
    expect(await verified(jws, { newerThan: { epoch: 1, sequence: 8 } })).toBe('MANIFEST_ROLLED_BACK')
    expect(await verified(jws, { newerThan: { epoch: 2, sequence: 0 } })).toBe('MANIFEST_ROLLED_BACK')
    expect(await verified(jws, { newerThan: { epoch: 0, sequence: 999 } })).toBe('accepted')
    expect(compareManifests({ epoch: 2, sequence: 0 }, { epoch: 1, sequence: 99 })).toBeGreaterThan(0)
  })

  test('each changed character of the compact form is refused', async () => {
    const accepted: number[] = []
    const step = backend.name === 'noble' ? 29 : 3
    for (let at = 0; at < jws.length; at += step) {
      const changed = `${jws.slice(0, at)}${jws[at] === 'A' ? 'B' : 'A'}${jws.slice(at + 1)}`
      if ((await verified(changed)) === 'accepted') accepted.push(at)
    }
    expect(accepted).toEqual([])
  })

  test('each cut of the compact form is refused', async () => {
    for (let length = 0; length < jws.length; length += 41) {
      expect(await verified(jws.slice(0, length))).not.toBe('accepted')
    }
  })

  test('a delegation is no manifest, and a manifest no delegation', async () => {
    expect(await verified(fixture.delegationJws)).not.toBe('accepted')
    expect(await code(verifyDelegation(backend, jws, expectation()))).not.toBe('accepted')
    const wrongTyp = await forgeManifest(
      backend,
      fixture.manifestKey,
      fixture.delegationJws,
      fixture.manifest,
      'keyhaven-delegation+jws',
    )
    expect(await verified(wrongTyp)).toBe('SIGNATURE_INVALID')
  })

  test('a manifest key that no root delegated to is refused', async () => {
    const stranger = await backend.signatures.generateKeyPair('EdDSA')
    const forged = await forgeManifest(backend, stranger, fixture.delegationJws, fixture.manifest)
    expect(await verified(forged)).toBe('SIGNATURE_INVALID')
    const selfMade = await forgeDelegation(backend, stranger, {
      ...fixture.delegation,
      key: stranger.publicKey.jwk,
    })
    expect(await verified(await forgeManifest(backend, stranger, selfMade, fixture.manifest))).toBe(
      'SIGNATURE_INVALID',
    )
    const { kty, crv, x } = fixture.rootKey.publicKey.jwk
    const borrowed = await forgeDelegation(
      backend,
      stranger,
      { ...fixture.delegation, key: stranger.publicKey.jwk },
      { jwk: { kty, crv, x } },
    )
    expect(await verified(await forgeManifest(backend, stranger, borrowed, fixture.manifest))).toBe(
      'SIGNATURE_INVALID',
    )
  })

  test('what a root may delegate is limited', async () => {
    const cases: [object, string][] = [
      [{ expires: NOW_SECONDS + 90 * DAY_SECONDS + 1 }, 'MANIFEST_INVALID'],
      [{ expires: NOW_SECONDS }, 'MANIFEST_INVALID'],
      [{ application: 'other' }, 'MANIFEST_INVALID'],
      [{ epoch: -1 }, 'MANIFEST_INVALID'],
      [{ epoch: 1.5 }, 'MANIFEST_INVALID'],
      [{ epoch: 2 }, 'MANIFEST_INVALID'],
      [{ issued: undefined }, 'MANIFEST_INVALID'],
      [{ key: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' } }, 'MANIFEST_INVALID'],
      [{ key: { ...fixture.manifestKey.publicKey.jwk, d: 'AA' } }, 'MANIFEST_INVALID'],
    ]
    for (const [change, expected] of cases) {
      const delegation = await forgeDelegation(backend, fixture.rootKey, { ...fixture.delegation, ...change })
      const forged = await forgeManifest(backend, fixture.manifestKey, delegation, fixture.manifest)
      expect([change, await verified(forged)]).toEqual([change, expected])
    }
  })

  test('what a manifest may say is limited', async () => {
    const [key] = fixture.manifest.keys
    const cases: [object, string][] = [
      [{ expires: NOW_SECONDS + DAY_SECONDS + 1 }, 'MANIFEST_INVALID'],
      [{ expires: NOW_SECONDS + 599 }, 'MANIFEST_INVALID'],
      [{ application: 'other' }, 'MANIFEST_INVALID'],
      [{ epoch: 2 }, 'MANIFEST_INVALID'],
      [{ sequence: '7' }, 'MANIFEST_INVALID'],
      [{ keys: [] }, 'MANIFEST_INVALID'],
      [{ keys: [key, key] }, 'MANIFEST_INVALID'],
      [{ keys: [{ ...key, id: 256 }] }, 'MANIFEST_INVALID'],
      [{ keys: [{ ...key, state: 'revoked' }] }, 'MANIFEST_INVALID'],
      [{ keys: [{ ...key, state: 'pending' }] }, 'MANIFEST_INVALID'],
      [{ keys: [{ ...key, publicKey: 'AAAA' }] }, 'MANIFEST_INVALID'],
      [{ keys: [{ ...key, publicKey: '****' }] }, 'MANIFEST_INVALID'],
      [{ keys: [{ ...key, end: -1 }] }, 'MANIFEST_INVALID'],
      [{ keys: [{ ...key, suite: { kem: 'rsa', aead: 'aes-256-gcm' } }] }, 'UNSUPPORTED'],
      [{ keys: Array.from({ length: 33 }, (_, id) => ({ ...key, id })) }, 'MANIFEST_INVALID'],
    ]
    for (const [change, expected] of cases) {
      const payload = { ...fixture.manifest, ...change }
      const forged = await forgeManifest(backend, fixture.manifestKey, fixture.delegationJws, payload)
      expect([change, await verified(forged)]).toEqual([change, expected])
    }
  })

  test('a key of a suite that is not known yet is passed over', async () => {
    const [key] = fixture.manifest.keys
    const future = { ...key, id: 2, suite: { kem: 'future-kem', aead: 'aes-256-gcm' }, publicKey: 'AAAA' }
    const payload = { ...fixture.manifest, keys: [future, key] }
    const forged = await forgeManifest(backend, fixture.manifestKey, fixture.delegationJws, payload)
    expect((await verifyManifest(backend, forged, expectation())).keys).toEqual([key])
  })

  test('too large is refused before anything is decoded', async () => {
    expect(await verified('A'.repeat(131_073))).toBe('WIRE_TOO_LARGE')
    expect(await code(verifyDelegation(backend, 'A'.repeat(4_097), expectation()))).toBe('WIRE_TOO_LARGE')
  })

  test('a signer refuses what no client would take', async () => {
    const { rootKey, manifestKey, delegation, delegationJws, manifest } = fixture
    const tooLong = { ...delegation, expires: delegation.issued + 91 * DAY_SECONDS }
    expect(await code(signDelegation(backend, rootKey, tooLong))).toBe('MANIFEST_INVALID')
    const sign = (change: object, key = manifestKey) =>
      code(signManifest(backend, key, delegationJws, { ...manifest, ...change }))
    expect(await sign({ epoch: 2 })).toBe('MANIFEST_INVALID')
    expect(await sign({ application: 'other' })).toBe('MANIFEST_INVALID')
    expect(await sign({}, rootKey)).toBe('MANIFEST_INVALID')
    expect(await sign({ issued: delegation.expires - 60, expires: delegation.expires + 3_600 })).toBe(
      'MANIFEST_INVALID',
    )
    expect(
      await sign({ keys: [{ ...manifest.keys[0], suite: { kem: 'rsa', aead: 'aes-256-gcm' } }] }),
    ).not.toBe('accepted')
  })

  test('32 keys fit', async () => {
    const keys = await Promise.all(Array.from({ length: 32 }, (_, id) => manifestKeyOf(backend, id)))
    const full = { ...fixture.manifest, keys }
    const signed = await signManifest(backend, fixture.manifestKey, fixture.delegationJws, full)
    expect((await verifyManifest(backend, signed, expectation())).keys).toHaveLength(32)
  })
})
