import {
  type CryptoBackend,
  jwkThumbprint,
  KeyhavenError,
  type SigningKey,
  type VerifyKey,
} from '@keyhaven/crypto'
import { checkSignature, openChainJws, signChainJws } from './chain-jws.ts'
import { signerOf } from './chain-signer.ts'
import { MAX_ACCEPTANCE_BYTES } from './limits.ts'
import { isApplicationId, isHash, isUsername } from './names.ts'

export const ACCEPTANCE_TYP = 'keyhaven-accepted+jws'

/**
 * The authority's answer to an accepted entry: compact JWS, header `{alg: 'EdDSA', typ:
 * 'keyhaven-accepted+jws', kid}`.
 */
export interface Acceptance {
  readonly v: 1
  readonly application: string
  readonly username: string
  /** Hash of the entry's JWS, base64url. */
  readonly entry: string
  /** When, seconds since the epoch. */
  readonly at: number
}

const FORM = { typ: ACCEPTANCE_TYP, kid: true, maxBytes: MAX_ACCEPTANCE_BYTES }

export async function signAcceptance(
  backend: CryptoBackend,
  authority: SigningKey,
  { application, username, entry, at }: Omit<Acceptance, 'v'>,
): Promise<string> {
  const signer = signerOf(backend, authority)
  const kid = await jwkThumbprint(backend, signer.jwk)
  return await signChainJws(signer, FORM, kid, { v: 1, application, username, entry, at })
}

/**
 * @throws KeyhavenError `RECORD_INVALID` if it is not the authority's for this very entry; `WIRE_TOO_LARGE`.
 */
export async function verifyAcceptance(
  backend: CryptoBackend,
  authority: VerifyKey,
  acceptance: string,
  expected: Pick<Acceptance, 'application' | 'username' | 'entry'>,
): Promise<Acceptance> {
  const opened = openChainJws(acceptance, FORM)
  const fields = opened.payload
  const payload: Acceptance = {
    v: fields.literal('v', 1),
    application: fields.text('application', isApplicationId),
    username: fields.text('username', isUsername),
    entry: fields.text('entry', isHash),
    at: fields.time('at'),
  }
  fields.end()
  const { application, username, entry } = expected
  const fits =
    payload.application === application &&
    payload.username === username &&
    payload.entry === entry &&
    authority.algorithm === 'EdDSA' &&
    opened.kid === (await jwkThumbprint(backend, authority.jwk))
  if (!fits) throw new KeyhavenError('RECORD_INVALID', 'the acceptance is for something else')
  await checkSignature(backend, { algorithm: 'EdDSA', jwk: authority.jwk }, opened)
  return payload
}
