import { toHex } from '@keyhaven/crypto'
import type { AuthAnswerBody } from '../../authentication/auth-messages.ts'
import { requestDigest } from '../../authentication/request-digest.ts'
import type { IdentityKeys } from '../../keys/identity-keys.ts'
import { IDA_SIGN } from '../../keys/key-tree.ts'
import { type JwsSigner, signDetachedJws, signJwt } from '../../mosip/jws.ts'

/** An answer as it goes out: the signature covers this very text. */
export interface SignedAnswer {
  readonly body: string
  /** Detached JWS by K17. */
  readonly signature: string
}

const HEADER = { x5c: true, x5tS256: true }

/** Signs what IDA says, with its certificates in the header. */
export function createAnswerSigner(keys: IdentityKeys) {
  /** The key may be renewed between its certificate and its signature: then both are taken again. */
  async function withSigner(sign: (signer: JwsSigner) => Promise<string>): Promise<string> {
    for (;;) {
      const [certificate, ...chain] = await keys.chain(IDA_SIGN)
      if (certificate === undefined) throw new TypeError('a key without a certificate')
      let same = true
      const signed = await sign({
        certificate,
        chain,
        sign: async (data) => {
          const made = await keys.sign(IDA_SIGN, data)
          same = toHex(made.certificate.thumbprint) === toHex(certificate.thumbprint)
          return made.signature
        },
      })
      if (same) return signed
    }
  }

  return {
    /** @param request - signature of what is answered; undefined: it had none. */
    async answer(answer: AuthAnswerBody<unknown>, request: string | undefined): Promise<SignedAnswer> {
      const body = JSON.stringify(answer)
      const header = { ...HEADER, ...(request !== undefined && { req: await requestDigest(request) }) }
      return { body, signature: await withSigner((signer) => signDetachedJws(signer, body, header)) }
    },
    statement: (payload: string): Promise<string> => withSigner((signer) => signJwt(signer, payload, HEADER)),
  }
}
