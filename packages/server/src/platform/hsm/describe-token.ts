import { oaepSha256 } from './oaep-mechanism.ts'
import type { HsmToken } from './open-hsm-token.ts'

const PROBE_BITS = 2_048

/** What an HSM can do of what Keyhaven asks of it. */
export interface TokenDescription {
  /** Maker, model and label. */
  readonly token: string
  readonly can: readonly string[]
  /** What it cannot do, and what is done instead; nothing that stops work. */
  readonly instead: readonly string[]
  /** What it cannot do and nothing replaces. */
  readonly lacks: readonly string[]
}

/** Asks the token for its mechanisms; makes a key that lives for this session only to try OAEP with. */
export async function describeToken(token: HsmToken): Promise<TokenDescription> {
  const { pkcs11, module, slot, info } = token
  const mechanisms = new Set(module.C_GetMechanismList(slot))
  const needed: readonly (readonly [string, number])[] = [
    ['make RSA-2048 keys', pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN],
    ['sign with RSASSA-PKCS1-v1_5', pkcs11.CKM_RSA_PKCS],
    ['make AES-256 keys', pkcs11.CKM_AES_KEY_GEN],
    ['AES-GCM', pkcs11.CKM_AES_GCM],
    ['AES-ECB', pkcs11.CKM_AES_ECB],
  ]
  const can = needed.filter(([, mechanism]) => mechanisms.has(mechanism)).map(([what]) => what)
  const lacks = needed.filter(([, mechanism]) => !mechanisms.has(mechanism)).map(([what]) => what)
  const instead: string[] = []
  const oaep = mechanisms.has(pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN) && (await doesOaepSha256(token))
  if (oaep) can.push('RSA-OAEP with SHA-256')
  else if (mechanisms.has(pkcs11.CKM_RSA_X_509)) {
    instead.push('no RSA-OAEP with SHA-256: the raw operation, unpadded here in constant time')
  } else lacks.push('RSA-OAEP with SHA-256')
  const words = [info.manufacturerID, info.model, info.label].map((word) => word.replace(/[\s\0]+$/, ''))
  return { token: words.filter((word) => word !== '').join(', '), can, instead, lacks }
}

async function doesOaepSha256(token: HsmToken): Promise<boolean> {
  const { pkcs11, module } = token
  try {
    return await token.sessions.run(async (session) => {
      const keys = module.C_GenerateKeyPair(
        session,
        { mechanism: pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN },
        [
          { type: pkcs11.CKA_TOKEN, value: false },
          { type: pkcs11.CKA_MODULUS_BITS, value: PROBE_BITS },
          { type: pkcs11.CKA_PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) },
        ],
        [
          { type: pkcs11.CKA_TOKEN, value: false },
          { type: pkcs11.CKA_DECRYPT, value: true },
        ],
      )
      try {
        module.C_DecryptInit(session, oaepSha256(pkcs11), keys.privateKey)
        return true
      } finally {
        module.C_DestroyObject(session, keys.privateKey)
        module.C_DestroyObject(session, keys.publicKey)
      }
    })
  } catch {
    return false
  }
}
