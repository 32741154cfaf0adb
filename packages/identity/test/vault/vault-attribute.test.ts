import { createDecipheriv, hkdfSync } from 'node:crypto'
import { backend, utf8, Writer } from '@keyhaven/crypto'
import { describe, expect, test } from 'vitest'
import { mosipAttributeIndex } from '../../src/vault/mosip-attribute.ts'
import {
  openVaultAttribute,
  readVaultHeader,
  sealVaultAttribute,
  type VaultPlace,
  type VaultSecrets,
} from '../../src/vault/vault-attribute.ts'

const SECRETS: VaultSecrets = { poolKey: new Uint8Array(32).fill(1), personKey: new Uint8Array(32).fill(2) }
const HEADER = { index: 12_345, oprfKey: 7 }
const PLACE: VaultPlace = {
  ...{ application: 'demo', record: 'credential-1', partner: 'ida-1', policy: 'policy-1' },
  attribute: 'fullName',
}
const VALUE = utf8('Invented Person Seven')
const seal = () => sealVaultAttribute(backend, SECRETS, HEADER, PLACE, VALUE)
const codeOf = (bytes: Uint8Array, place = PLACE, secrets = SECRETS) =>
  openVaultAttribute(backend, secrets, place, bytes).then(
    () => 'opened',
    ({ code }: { code: string }) => code,
  )

describe('an attribute of profile keyhaven', () => {
  test('is what docs/formats.md says: node:crypto opens it by that alone', async () => {
    const bytes = Buffer.from(await seal())
    const head = bytes.subarray(0, 41)
    expect([head.readUInt8(0), head.readUInt32BE(1), head.readUInt32BE(5)]).toEqual([1, 12_345, 7])
    const label = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])
    const material = Buffer.concat([SECRETS.poolKey, SECRETS.personKey])
    const info = Buffer.concat([label('keyhaven vault attribute key v1'), head])
    const made = Buffer.from(hkdfSync('sha256', material, head.subarray(9), info, 44))
    const aad = new Writer().bytes(label('keyhaven vault attribute v1')).bytes(label('keyhaven')).bytes(head)
    for (const text of ['demo', 'ida-1', 'policy-1', 'credential-1', 'fullName']) aad.bytes16(utf8(text))
    const cipher = createDecipheriv('aes-256-gcm', made.subarray(0, 32), made.subarray(32))
    cipher.setAAD(aad.done())
    cipher.setAuthTag(bytes.subarray(-16))
    expect(Buffer.concat([cipher.update(bytes.subarray(41, -16)), cipher.final()])).toEqual(
      Buffer.from(VALUE),
    )
  })

  test('opens in its place only, with both secrets only', async () => {
    const bytes = await seal()
    expect(await codeOf(bytes)).toBe('opened')
    for (const name of Object.keys(PLACE)) {
      expect([name, await codeOf(bytes, { ...PLACE, [name]: 'another' })]).toEqual([name, 'OPEN_FAILED'])
    }
    // What one part loses, the next may not gain.
    const shifted = { ...PLACE, partner: 'ida-1p', policy: 'olicy-1' }
    expect(await codeOf(bytes, shifted)).toBe('OPEN_FAILED')
    for (const name of ['poolKey', 'personKey'] as const) {
      const secrets = { ...SECRETS, [name]: new Uint8Array(32) }
      expect([name, await codeOf(bytes, PLACE, secrets)]).toEqual([name, 'OPEN_FAILED'])
    }
    const exchanged = { poolKey: SECRETS.personKey, personKey: SECRETS.poolKey }
    expect(await codeOf(bytes, PLACE, exchanged)).toBe('OPEN_FAILED')
  })

  test('each flipped bit, each cut and each byte more fails alike', async () => {
    const bytes = await seal()
    const said = new Set<string>()
    const attempt = (changed: Uint8Array) =>
      openVaultAttribute(backend, SECRETS, PLACE, changed).then(
        () => said.add('opened'),
        (error: Error & { code: string }) => said.add(error.code),
      )
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      await attempt(bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)))
    }
    for (let end = 0; end < bytes.length; end++) await attempt(bytes.subarray(0, end))
    await attempt(Uint8Array.of(...bytes, 0))
    const [one, other] = [await seal(), await seal()]
    await attempt(Uint8Array.of(...one.slice(0, 41), ...other.slice(41)))
    expect([...said]).toEqual(['OPEN_FAILED'])
  })

  test('is sealed with another key each time', async () => {
    const [one, other] = [await seal(), await seal()]
    expect(one.slice(0, 9)).toEqual(other.slice(0, 9))
    expect(one.slice(9, 41)).not.toEqual(other.slice(9, 41))
    expect(one.slice(41)).not.toEqual(other.slice(41))
  })

  test('is not read as one of profile mosip, nor the other way round', async () => {
    const bytes = await seal()
    // MOSIP's begins with its index: ours would name one that no pool of MOSIP has.
    expect(mosipAttributeIndex(bytes)).toBeGreaterThan(10_000)
    expect(() => readVaultHeader(new Uint8Array(80))).toThrow('vault attribute')
  })
})
