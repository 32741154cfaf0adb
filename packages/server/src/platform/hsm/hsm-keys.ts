import { createHash, createPublicKey } from 'node:crypto'
import { AEAD_NONCE_BYTES, AEAD_TAG_BYTES, decodeOaep, openFailed } from '@keyhaven/crypto'
import { codeOf } from './hsm-error.ts'
import { oaepSha256 } from './oaep-mechanism.ts'
import type { HsmToken } from './open-hsm-token.ts'

const RSA_BITS = 2_048
const RSA_BYTES = RSA_BITS / 8
const RSA_EXPONENT = Uint8Array.of(1, 0, 1)
const AES_BYTES = 32
const BITS = 8
/** DER before a SHA-256 digest (RFC 8017 §9.2, note 1). */
const SHA256_DIGEST_INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex')
/** How modules say that they do not do OAEP with SHA-256. */
const NO_OAEP_SHA256 = new Set([
  'CKR_ARGUMENTS_BAD',
  'CKR_MECHANISM_INVALID',
  'CKR_MECHANISM_PARAM_INVALID',
  'CKR_FUNCTION_NOT_SUPPORTED',
])
/** What modules say of a ciphertext that does not open; SoftHSM says the last of a wrong tag. */
const REFUSED_CIPHERTEXT = new Set([
  'CKR_ENCRYPTED_DATA_INVALID',
  'CKR_ENCRYPTED_DATA_LEN_RANGE',
  'CKR_DATA_INVALID',
  'CKR_DATA_LEN_RANGE',
  'CKR_GENERAL_ERROR',
])
/** Tokens for which it is known; a question costs a call. */
const withoutOaep = new WeakSet<HsmToken>()

/** An RSA key whose private part never leaves the token. */
export interface HsmRsaKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array
  /** RSASSA-PKCS1-v1_5 with SHA-256. */
  sign(data: Uint8Array): Promise<Uint8Array>
  /** RSA-OAEP with SHA-256 and MGF1-SHA-256, empty label. @throws KeyhavenError `OPEN_FAILED` */
  decryptOaep(wrapped: Uint8Array): Promise<Uint8Array>
}

/** An AES-256 key that never leaves the token. */
export interface HsmAesKey {
  /** Whole blocks, no padding. */
  ecb(direction: 'encrypt' | 'decrypt', blocks: Uint8Array): Promise<Uint8Array>
  /** AES-256-GCM. @returns ciphertext ‖ tag. */
  seal(nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Promise<Uint8Array>
  /** @throws KeyhavenError `OPEN_FAILED` */
  open(nonce: Uint8Array, ciphertext: Uint8Array, aad: Uint8Array): Promise<Uint8Array>
}

/** @returns undefined if the token has no such key. */
export async function findHsmRsaKey(token: HsmToken, label: string): Promise<HsmRsaKey | undefined> {
  const { pkcs11 } = token
  const [privateKey, publicKey] = await Promise.all([
    findObject(token, pkcs11.CKO_PRIVATE_KEY, label),
    findObject(token, pkcs11.CKO_PUBLIC_KEY, label),
  ])
  if (privateKey === undefined || publicKey === undefined) return undefined
  return rsaKey(token, privateKey, await publicKeyOf(token, publicKey))
}

/** RSA-2048, not extractable, made in the token. */
export async function makeHsmRsaKey(token: HsmToken, label: string): Promise<HsmRsaKey> {
  const { pkcs11, module } = token
  const common = [
    { type: pkcs11.CKA_TOKEN, value: true },
    { type: pkcs11.CKA_LABEL, value: label },
    { type: pkcs11.CKA_ID, value: Buffer.from(label) },
  ]
  const keys = await token.sessions.run((session) =>
    module.C_GenerateKeyPairAsync(
      session,
      { mechanism: pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN },
      [
        ...common,
        { type: pkcs11.CKA_MODULUS_BITS, value: RSA_BITS },
        { type: pkcs11.CKA_PUBLIC_EXPONENT, value: Buffer.from(RSA_EXPONENT) },
        { type: pkcs11.CKA_VERIFY, value: true },
        { type: pkcs11.CKA_ENCRYPT, value: true },
      ],
      [
        ...common,
        { type: pkcs11.CKA_PRIVATE, value: true },
        { type: pkcs11.CKA_SENSITIVE, value: true },
        { type: pkcs11.CKA_EXTRACTABLE, value: false },
        { type: pkcs11.CKA_SIGN, value: true },
        { type: pkcs11.CKA_DECRYPT, value: true },
      ],
    ),
  )
  return rsaKey(token, keys.privateKey, await publicKeyOf(token, keys.publicKey))
}

/** @returns undefined if the token has no such key. */
export async function findHsmAesKey(token: HsmToken, label: string): Promise<HsmAesKey | undefined> {
  const key = await findObject(token, token.pkcs11.CKO_SECRET_KEY, label)
  return key && aesKey(token, key)
}

/** AES-256, not extractable, made in the token. */
export async function makeHsmAesKey(token: HsmToken, label: string): Promise<HsmAesKey> {
  const { pkcs11, module } = token
  const key = await token.sessions.run((session) =>
    module.C_GenerateKeyAsync(session, { mechanism: pkcs11.CKM_AES_KEY_GEN }, [
      { type: pkcs11.CKA_TOKEN, value: true },
      { type: pkcs11.CKA_LABEL, value: label },
      { type: pkcs11.CKA_ID, value: Buffer.from(label) },
      { type: pkcs11.CKA_PRIVATE, value: true },
      { type: pkcs11.CKA_SENSITIVE, value: true },
      { type: pkcs11.CKA_EXTRACTABLE, value: false },
      { type: pkcs11.CKA_ENCRYPT, value: true },
      { type: pkcs11.CKA_DECRYPT, value: true },
      { type: pkcs11.CKA_VALUE_LEN, value: AES_BYTES },
    ]),
  )
  return aesKey(token, key)
}

function findObject(token: HsmToken, objectClass: number, label: string): Promise<Buffer | undefined> {
  const { pkcs11, module } = token
  return token.sessions.run((session) => {
    module.C_FindObjectsInit(session, [
      { type: pkcs11.CKA_CLASS, value: objectClass },
      { type: pkcs11.CKA_LABEL, value: label },
    ])
    try {
      return module.C_FindObjects(session, 1)[0]
    } finally {
      module.C_FindObjectsFinal(session)
    }
  })
}

async function publicKeyOf(token: HsmToken, handle: Buffer): Promise<Uint8Array> {
  const { pkcs11, module } = token
  const [modulus, exponent] = await token.sessions.run((session) =>
    module.C_GetAttributeValue(session, handle, [
      { type: pkcs11.CKA_MODULUS },
      { type: pkcs11.CKA_PUBLIC_EXPONENT },
    ]),
  )
  const n = (modulus!.value as Buffer).toString('base64url')
  const e = (exponent!.value as Buffer).toString('base64url')
  const key = createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' })
  return Uint8Array.from(key.export({ format: 'der', type: 'spki' }))
}

function rsaKey(token: HsmToken, handle: Buffer, spki: Uint8Array): HsmRsaKey {
  const { pkcs11, module } = token
  const oaep = oaepSha256(pkcs11)
  const raw = { mechanism: pkcs11.CKM_RSA_X_509 }

  /** @returns the module's own answer, or the padded block where it does not unpad with SHA-256. */
  const decrypt = async (session: Buffer, wrapped: Buffer): Promise<Uint8Array> => {
    if (!withoutOaep.has(token)) {
      try {
        module.C_DecryptInit(session, oaep, handle)
        return await module.C_DecryptAsync(session, wrapped, Buffer.alloc(RSA_BYTES))
      } catch (error) {
        if (!NO_OAEP_SHA256.has(codeOf(error))) throw error
        withoutOaep.add(token)
      }
    }
    module.C_DecryptInit(session, raw, handle)
    const block = await module.C_DecryptAsync(session, wrapped, Buffer.alloc(RSA_BYTES))
    const padded = Buffer.alloc(RSA_BYTES)
    block.copy(padded, RSA_BYTES - block.length)
    return decodeOaep(padded)
  }

  return {
    spki,
    sign: async (data) =>
      Uint8Array.from(
        await token.sessions.run((session) => {
          module.C_SignInit(session, { mechanism: pkcs11.CKM_RSA_PKCS }, handle)
          return module.C_SignAsync(session, digestInfo(data), Buffer.alloc(RSA_BYTES))
        }),
      ),
    decryptOaep: async (wrapped) => {
      if (wrapped.length !== RSA_BYTES) throw openFailed()
      return Uint8Array.from(
        await token.sessions.run((session) => decrypt(session, Buffer.from(wrapped)), refusedCiphertext),
      )
    },
  }
}

/** What PKCS #1 v1.5 pads (RFC 8017 §9.2): long data stays here, and each module can do it. */
function digestInfo(data: Uint8Array): Buffer {
  return Buffer.concat([SHA256_DIGEST_INFO, createHash('sha256').update(data).digest()])
}

function aesKey(token: HsmToken, handle: Buffer): HsmAesKey {
  const { pkcs11, module } = token
  const gcm = (nonce: Uint8Array, aad: Uint8Array) => ({
    mechanism: pkcs11.CKM_AES_GCM,
    parameter: {
      type: pkcs11.CK_PARAMS_AES_GCM,
      iv: Buffer.from(nonce),
      ivBits: nonce.length * BITS,
      ...(aad.length > 0 && { aad: Buffer.from(aad) }),
      tagBits: AEAD_TAG_BYTES * BITS,
    },
  })
  const encrypt = (session: Buffer, mechanism: object, bytes: Uint8Array) => {
    module.C_EncryptInit(session, mechanism as never, handle)
    return module.C_EncryptAsync(session, Buffer.from(bytes), Buffer.alloc(bytes.length + AEAD_TAG_BYTES))
  }
  const decrypt = (session: Buffer, mechanism: object, bytes: Uint8Array) => {
    module.C_DecryptInit(session, mechanism as never, handle)
    return module.C_DecryptAsync(session, Buffer.from(bytes), Buffer.alloc(bytes.length))
  }
  return {
    ecb: async (direction, blocks) => {
      const mechanism = { mechanism: pkcs11.CKM_AES_ECB }
      const run = direction === 'encrypt' ? encrypt : decrypt
      return Uint8Array.from(await token.sessions.run((session) => run(session, mechanism, blocks)))
    },
    seal: async (nonce, plaintext, aad) =>
      Uint8Array.from(await token.sessions.run((session) => encrypt(session, gcm(nonce, aad), plaintext))),
    open: async (nonce, ciphertext, aad) => {
      if (nonce.length !== AEAD_NONCE_BYTES || ciphertext.length < AEAD_TAG_BYTES) throw openFailed()
      const opened = await token.sessions.run(
        (session) => decrypt(session, gcm(nonce, aad), ciphertext),
        refusedCiphertext,
      )
      return Uint8Array.from(opened)
    },
  }
}

/** @returns undefined if it is another failure. */
function refusedCiphertext(code: string): Error | undefined {
  return REFUSED_CIPHERTEXT.has(code) ? openFailed() : undefined
}
