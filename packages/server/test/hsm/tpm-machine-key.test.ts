import { createPublicKey, publicEncrypt, randomBytes, verify } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import { startSoftwareTpm } from '../../../../test/kit/swtpm.ts'
import { findHsmRsaKey, makeHsmRsaKey } from '../../src/platform/hsm/hsm-keys.ts'
import { openHsmToken } from '../../src/platform/hsm/open-hsm-token.ts'

const tpm = await startSoftwareTpm()
const token = openHsmToken(tpm.location)
afterAll(async () => {
  token.close()
  await tpm.stop()
})

test('the key of a registration machine in its TPM signs and opens; another client finds it again', async () => {
  const made = await makeHsmRsaKey(token, 'machine-key')
  const key = (await findHsmRsaKey(token, 'machine-key'))!
  expect(key.spki).toEqual(made.spki)
  const publicKey = createPublicKey({ key: Buffer.from(key.spki), format: 'der', type: 'spki' })
  const data = randomBytes(10_000)
  expect(verify('sha256', data, publicKey, await key.sign(data))).toBe(true)
  const secret = randomBytes(32)
  const wrapped = publicEncrypt({ key: publicKey, oaepHash: 'sha256', padding: 4 }, secret)
  expect(Buffer.compare(await key.decryptOaep(wrapped), secret)).toBe(0)
  wrapped[100]! ^= 1
  await expect(key.decryptOaep(wrapped)).rejects.toMatchObject({ code: 'OPEN_FAILED' })
})
