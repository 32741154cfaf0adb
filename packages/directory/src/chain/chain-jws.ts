import {
  type CryptoBackend,
  fromBase64url,
  type Jwk,
  KeyhavenError,
  toBase64url,
  utf8,
} from '@keyhaven/crypto'
import type { ChainSigner } from './chain-signer.ts'
import { parseExactJson } from './exact-json.ts'
import { isHash } from './names.ts'
import { PayloadFields } from './payload-fields.ts'
import type { ChainAlgorithm } from './profile.ts'

const COMPACT_PARTS = 3

/** A compact JWS (RFC 7515 §3.1), taken apart and NOT verified. */
export interface OpenedJws {
  readonly algorithm: string
  readonly kid: string | undefined
  readonly payload: PayloadFields
  readonly signingInput: Uint8Array
  readonly signature: Uint8Array
}

export interface JwsForm {
  /** The only `typ`: what was signed for one purpose is not taken for another (RFC 8725 §3.11). */
  readonly typ: string
  /** Whether the header has a `kid`: the RFC 7638 thumbprint of the signer. */
  readonly kid: boolean
  readonly maxBytes: number
}

/** @throws TypeError if it comes out longer than it may be. */
export async function signChainJws(
  signer: ChainSigner,
  form: JwsForm,
  kid: string | undefined,
  payload: object,
): Promise<string> {
  const header = { alg: signer.algorithm, typ: form.typ, ...(kid !== undefined && { kid }) }
  const input = `${encode(header)}.${encode(payload)}`
  const jws = `${input}.${toBase64url(await signer.sign(utf8(input)))}`
  if (jws.length > form.maxBytes) throw new TypeError(`${form.typ} over ${form.maxBytes} characters`)
  return jws
}

/**
 * Takes a JWS apart. Its header must hold exactly `alg`, `typ` and, as the form says, `kid`.
 *
 * @throws KeyhavenError `WIRE_TOO_LARGE` over the limit, before anything is decoded; `RECORD_INVALID`.
 */
export function openChainJws(jws: string, form: JwsForm): OpenedJws {
  if (typeof jws !== 'string') throw new KeyhavenError('RECORD_INVALID', 'not a compact JWS')
  if (jws.length > form.maxBytes)
    throw new KeyhavenError('WIRE_TOO_LARGE', `over ${form.maxBytes} characters`)
  const parts = jws.split('.')
  if (parts.length !== COMPACT_PARTS) throw new KeyhavenError('RECORD_INVALID', 'not a compact JWS')
  const header = new PayloadFields(parseExactJson(parts[0]!))
  const algorithm = header.text('alg', () => true)
  header.literal('typ', form.typ)
  const kid = form.kid ? header.text('kid', isHash) : undefined
  header.end()
  return {
    algorithm,
    kid,
    payload: new PayloadFields(parseExactJson(parts[1]!)),
    signingInput: utf8(`${parts[0]}.${parts[1]}`),
    signature: signatureBytes(parts[2]!),
  }
}

/**
 * @param key - whose signature it must be; the header's `alg` decides nothing.
 * @throws KeyhavenError `RECORD_INVALID` if the algorithm is another or the signature is wrong.
 */
export async function checkSignature(
  backend: CryptoBackend,
  key: { readonly algorithm: ChainAlgorithm; readonly jwk: Jwk },
  jws: OpenedJws,
): Promise<void> {
  if (jws.algorithm !== key.algorithm || !(await isSignedBy(backend, key, jws)))
    throw new KeyhavenError('RECORD_INVALID', 'the signature is not valid')
}

async function isSignedBy(
  backend: CryptoBackend,
  { algorithm, jwk }: { readonly algorithm: ChainAlgorithm; readonly jwk: Jwk },
  { signature, signingInput }: OpenedJws,
): Promise<boolean> {
  try {
    if (algorithm === 'RS256') return await backend.legacyRsa.verifySha256(jwk, signature, signingInput)
    const key = await backend.signatures.importVerifyKey(algorithm, jwk)
    return await backend.signatures.verify(key, signature, signingInput)
  } catch (error) {
    if (error instanceof KeyhavenError && error.code === 'WIRE_MALFORMED') return false
    throw error
  }
}

function encode(value: object): string {
  return toBase64url(utf8(JSON.stringify(value)))
}

function signatureBytes(text: string): Uint8Array {
  try {
    return fromBase64url(text)
  } catch {
    throw new KeyhavenError('RECORD_INVALID', 'not a compact JWS')
  }
}
