import { execFileSync } from 'node:child_process'
import { createPublicKey, publicEncrypt, randomBytes, verify } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createSoftHsm } from '../../../../test/kit/softhsm.ts'
import {
  findHsmAesKey,
  findHsmRsaKey,
  makeHsmAesKey,
  makeHsmRsaKey,
} from '../../src/platform/hsm/hsm-keys.ts'
import { openHsmToken } from '../../src/platform/hsm/open-hsm-token.ts'

const hsm = createSoftHsm()
const token = openHsmToken(hsm.location)
const rsa = await makeHsmRsaKey(token, 'test/rsa/1')
const aes = await makeHsmAesKey(token, 'test/aes/1')
afterAll(() => {
  token.close()
  hsm.remove()
})

const publicKey = createPublicKey({ key: Buffer.from(rsa.spki), format: 'der', type: 'spki' })
const seal = (bytes: Uint8Array, hash = 'sha256') =>
  publicEncrypt({ key: publicKey, oaepHash: hash, padding: 4 }, bytes)
const openFails = { code: 'OPEN_FAILED', message: 'the ciphertext could not be opened' }

test('a signature of the module verifies elsewhere, over data of any length', async () => {
  for (const length of [0, 1, 100_000]) {
    const data = randomBytes(length)
    expect(verify('sha256', data, publicKey, await rsa.sign(data))).toBe(true)
  }
})

test('what others wrap with OAEP-SHA-256 opens, though SoftHSM does OAEP with SHA-1 only', async () => {
  for (const length of [0, 1, 32, 190]) {
    const secret = randomBytes(length)
    expect(Buffer.compare(await rsa.decryptOaep(seal(secret)), secret)).toBe(0)
  }
})

test('every ciphertext that does not open is the same refusal', async () => {
  const good = seal(randomBytes(32))
  const wrong = [
    seal(randomBytes(32), 'sha1'),
    randomBytes(256).fill(0, 0, 1),
    new Uint8Array(256),
    new Uint8Array(256).fill(0xff),
    good.subarray(1),
    Buffer.concat([good, good.subarray(0, 1)]),
    new Uint8Array(),
  ]
  for (const bytes of wrong) await expect(rsa.decryptOaep(bytes)).rejects.toMatchObject(openFails)
  await expect(rsa.decryptOaep(good)).resolves.toHaveLength(32)
})

test('AES-GCM binds its associated data, and a flipped bit does not open', async () => {
  const nonce = randomBytes(12)
  const aad = Buffer.from('index 4711')
  const secret = randomBytes(32)
  const sealed = await aes.seal(nonce, secret, aad)
  expect(Buffer.compare(await aes.open(nonce, sealed, aad), secret)).toBe(0)
  const flipped = Uint8Array.from(sealed)
  flipped[3]! ^= 1
  await expect(aes.open(nonce, flipped, aad)).rejects.toMatchObject(openFails)
  await expect(aes.open(nonce, sealed, Buffer.from('index 4712'))).rejects.toMatchObject(openFails)
  await expect(aes.open(nonce, sealed.subarray(0, 8), aad)).rejects.toMatchObject(openFails)
})

test('ECB of two blocks and back', async () => {
  const key = randomBytes(32)
  const wrapped = await aes.ecb('encrypt', key)
  expect(wrapped).toHaveLength(32)
  expect(Buffer.compare(wrapped, key)).not.toBe(0)
  expect(Buffer.compare(await aes.ecb('decrypt', wrapped), key)).toBe(0)
})

test('keys are found again by their label, and cannot be taken out', async () => {
  expect((await findHsmRsaKey(token, 'test/rsa/1'))?.spki).toEqual(rsa.spki)
  expect(await findHsmRsaKey(token, 'test/rsa/2')).toBeUndefined()
  expect(await findHsmAesKey(token, 'test/rsa/1')).toBeUndefined()
  const again = await findHsmAesKey(token, 'test/aes/1')
  const wrapped = await aes.ecb('encrypt', new Uint8Array(32))
  expect(await again?.ecb('decrypt', wrapped)).toEqual(new Uint8Array(32))
  const { pkcs11, module } = token
  await token.sessions.run((session) => {
    for (const [objectClass, attribute] of [
      [pkcs11.CKO_PRIVATE_KEY, pkcs11.CKA_PRIVATE_EXPONENT],
      [pkcs11.CKO_SECRET_KEY, pkcs11.CKA_VALUE],
    ] as const) {
      module.C_FindObjectsInit(session, [{ type: pkcs11.CKA_CLASS, value: objectClass }])
      const [handle] = module.C_FindObjects(session, 1)
      module.C_FindObjectsFinal(session)
      const read = () => module.C_GetAttributeValue(session, handle!, [{ type: attribute }])
      expect(read).toThrow(/CKR_ATTRIBUTE_SENSITIVE/)
    }
  })
})

test('more calls at once than there are sessions', async () => {
  const data = Array.from({ length: 24 }, (_, index) => Buffer.from(`call ${index}`))
  const signatures = await Promise.all(data.map((bytes) => rsa.sign(bytes)))
  data.forEach((bytes, index) => {
    expect(verify('sha256', bytes, publicKey, signatures[index]!)).toBe(true)
  })
})

test('a token, a module, a PIN that is not there: said with what to mend', () => {
  const { location, folder } = hsm
  const refused = (change: Partial<typeof location>) => () => openHsmToken({ ...location, ...change })
  expect(refused({ slotLabel: 'other' })).toThrow('no token with the label other; it has: keyhaven')
  expect(refused({ module: '/usr/lib/none.so' })).toThrow(
    'the PKCS#11 module /usr/lib/none.so cannot be loaded',
  )
  expect(refused({ pinFile: join(folder, 'none') })).toThrow(
    `cannot read the PIN file ${join(folder, 'none')}`,
  )
  const empty = join(folder, 'empty')
  writeFileSync(empty, '\n')
  expect(refused({ pinFile: empty })).toThrow('has no PIN in its first line')
})

test('a wrong PIN is refused without being named', () => {
  // In a process of its own: the sign-in counts for a whole process.
  const pinFile = join(hsm.folder, 'wrong')
  writeFileSync(pinFile, '000000\n')
  const module = new URL('../../src/platform/hsm/open-hsm-token.ts', import.meta.url).pathname
  const program = `
    const { openHsmToken } = await import(${JSON.stringify(module)})
    try { openHsmToken(${JSON.stringify({ ...hsm.location, pinFile })}) }
    catch (error) { console.log(error.code, error.message) }`
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
  expect(said).toBe('CONFIG_INVALID the HSM refuses the PIN (CKR_PIN_INCORRECT)\n')
})
