import { describe, expect, test } from 'vitest'
import {
  decodeJwsHeader,
  nodeBackend,
  signCompactJws,
  toBase64url,
  utf8,
  verifyCompactJws,
} from '../src/node/index.ts'

const EXPECTED = { typ: 'manifest+jws' }
const key = await nodeBackend.signatures.generateKeyPair('EdDSA')

const verify = (jws: string) => verifyCompactJws(nodeBackend, key.publicKey, jws, EXPECTED)

/** A JWS with a true signature over a header that signCompactJws would not make. */
async function signed(header: string, payload: string): Promise<string> {
  const input = `${toBase64url(utf8(header))}.${toBase64url(utf8(payload))}`
  return `${input}.${toBase64url(await nodeBackend.signatures.sign(key, utf8(input)))}`
}

describe('compact JWS', () => {
  test('RFC 8037 A.4 and A.5', async () => {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
    const input = 'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc'
    const signature = 'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg'
    const secret = { ...jwk, d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A' }
    const signingKey = await nodeBackend.signatures.importSigningKey('EdDSA', secret)
    expect(toBase64url(await nodeBackend.signatures.sign(signingKey, utf8(input)))).toBe(signature)
  })

  test('gives the payload, and the header before it is verified', async () => {
    const jws = await signCompactJws(nodeBackend, key, { typ: 'manifest+jws', delegation: 'x' }, { n: 1 })
    expect(await verify(jws)).toEqual({ n: 1 })
    expect(decodeJwsHeader(jws)).toEqual({ typ: 'manifest+jws', delegation: 'x', alg: 'EdDSA' })
  })

  test('a header cannot name another algorithm', async () => {
    const jws = await signCompactJws(nodeBackend, key, { typ: 'manifest+jws', alg: 'none' }, {})
    expect(decodeJwsHeader(jws).alg).toBe('EdDSA')
  })

  test('refuses another typ, algorithm, crit and b64', async () => {
    for (const header of [
      '{"alg":"EdDSA"}',
      '{"alg":"EdDSA","typ":"delegation+jws"}',
      '{"alg":"none","typ":"manifest+jws"}',
      '{"alg":"ES256","typ":"manifest+jws"}',
      '{"alg":"EdDSA","typ":"manifest+jws","crit":["exp"]}',
      '{"alg":"EdDSA","typ":"manifest+jws","b64":false}',
      '[]',
      'null',
      '"text"',
      '{',
    ]) {
      const jws = await signed(header, '{}')
      await expect(verify(jws), header).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
    }
    const notJson = await signed('{"alg":"EdDSA","typ":"manifest+jws"}', '{')
    await expect(verify(notJson)).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
  })

  test('refuses each cut and each changed character', async () => {
    const jws = await signCompactJws(nodeBackend, key, { typ: 'manifest+jws' }, { n: 1 })
    for (let at = 0; at < jws.length; at++) {
      await expect(verify(jws.slice(0, at))).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
      const other = jws[at] === 'A' ? 'B' : 'A'
      const changed = jws.slice(0, at) + other + jws.slice(at + 1)
      await expect(verify(changed), `at ${at}`).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
    }
    for (const other of [`${jws}.`, `${jws}A`, `${jws}=`, ` ${jws}`, jws.replace('.', '..')]) {
      await expect(verify(other)).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
    }
  })

  test('refuses another key’s signature', async () => {
    const other = await nodeBackend.signatures.generateKeyPair('EdDSA')
    const jws = await signCompactJws(nodeBackend, other, { typ: 'manifest+jws' }, {})
    await expect(verify(jws)).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' })
  })

  test('refuses a long one before it is decoded', async () => {
    const long = 'A'.repeat(70_000)
    await expect(verify(long)).rejects.toMatchObject({ code: 'WIRE_TOO_LARGE' })
    expect(() => decodeJwsHeader(long)).toThrow(expect.objectContaining({ code: 'WIRE_TOO_LARGE' }))
  })
})
