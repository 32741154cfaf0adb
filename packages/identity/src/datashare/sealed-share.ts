import {
  type CryptoBackend,
  fromUtf8,
  type HpkeSuite,
  KEM_ENCAPSULATED_KEY_BYTES,
  type KemPrivateKey,
  KeyhavenError,
  Reader,
  toBase64url,
  utf8,
  Writer,
} from '@keyhaven/crypto'
import { type JwsSigner, type JwsTrust, signJwt, verifyJwt } from '../mosip/jws.ts'

/** Of the layout of a share in profile `keyhaven`. */
export const SEALED_SHARE_VERSION = 1
export const SEALED_SHARE_SUITE: HpkeSuite = { kem: 'x-wing', aead: 'aes-256-gcm' }
const INFO = 'keyhaven share v1'
const MAX_SIGNATURE_BYTES = 32_768

/** What binds a share: it opens for nothing else. */
export interface ShareBinding {
  readonly applicationId: string
  readonly partnerId: string
  readonly policyId: string
  /** The last part of its address. */
  readonly key: string
}

export interface SealedShareFacts extends ShareBinding {
  readonly policyVersion: number
  readonly filename: string
  /** Milliseconds since the epoch. */
  readonly created: number
  readonly expires: number
}

export interface OpenedShare extends SealedShareFacts {
  readonly data: Uint8Array
}

/**
 * Seals data for a partner (profile `keyhaven`): HPKE (RFC 9180) to its x-wing key. The signature lies
 * inside, over digest, recipient and its key, so that a recipient cannot pass signed data on as if it had
 * been meant for another.
 *
 * version u8 = 1 | encapsulated key 1,120 bytes | ciphertext ‖ tag of ( signature: u16 length, JWS | data )
 *
 * @param publicKey - as HPKE serialises it.
 */
export async function sealShare(
  backend: CryptoBackend,
  to: { readonly signer: JwsSigner; readonly publicKey: Uint8Array },
  facts: SealedShareFacts,
  data: Uint8Array,
): Promise<Uint8Array> {
  const claims = { ...facts, ...(await digests(backend, to.publicKey, data)) }
  const signature = utf8(await signJwt(to.signer, JSON.stringify(claims), { x5tS256: true }))
  const recipient = await backend.kem.importPublicKey(SEALED_SHARE_SUITE.kem, to.publicKey)
  const sender = await backend.hpke.setupSender(SEALED_SHARE_SUITE, recipient, infoOf(facts))
  const sealed = await sender.seal(new Writer().bytes16(signature).bytes(data).done(), new Uint8Array())
  return new Writer().u8(SEALED_SHARE_VERSION).bytes(sender.enc).bytes(sealed).done()
}

/**
 * Opens a share of profile `keyhaven`, and verifies that it was signed for this partner and its key.
 *
 * @throws KeyhavenError `WIRE_MALFORMED` on another version or length, `OPEN_FAILED`, `SIGNATURE_INVALID`;
 *   what `trust` throws.
 */
export async function openShare(
  backend: CryptoBackend,
  privateKey: KemPrivateKey,
  bytes: Uint8Array,
  binding: ShareBinding,
  trust: JwsTrust,
): Promise<OpenedShare> {
  const reader = new Reader(bytes)
  if (reader.u8() !== SEALED_SHARE_VERSION) throw new KeyhavenError('WIRE_MALFORMED', 'share version')
  const enc = reader.bytes(KEM_ENCAPSULATED_KEY_BYTES[SEALED_SHARE_SUITE.kem])
  const recipient = await backend.hpke.setupRecipient(SEALED_SHARE_SUITE, privateKey, enc, infoOf(binding))
  const opened = new Reader(await recipient.open(reader.bytes(reader.remaining), new Uint8Array()))
  const signature = fromUtf8(opened.bytes16(MAX_SIGNATURE_BYTES))
  const data = opened.bytes(opened.remaining)
  const { payload } = await verifyJwt(backend, signature, trust)
  const claims = JSON.parse(fromUtf8(payload)) as SealedShareFacts & Record<string, unknown>
  const expected = { ...binding, ...(await digests(backend, privateKey.publicKey.bytes, data)) }
  for (const [name, value] of Object.entries(expected)) {
    if (claims[name] !== value) {
      throw new KeyhavenError(
        'SIGNATURE_INVALID',
        'the share was signed for another partner, or is other data',
      )
    }
  }
  const { policyVersion, filename, created, expires } = claims
  return { ...binding, policyVersion, filename, created, expires, data }
}

async function digests(backend: CryptoBackend, publicKey: Uint8Array, data: Uint8Array) {
  return {
    recipientKey: toBase64url(await backend.sha256(publicKey)),
    digest: toBase64url(await backend.sha256(data)),
  }
}

function infoOf({ applicationId, partnerId, policyId, key }: ShareBinding): Uint8Array {
  const writer = new Writer().bytes(utf8(INFO))
  for (const text of [applicationId, partnerId, policyId, key]) writer.bytes16(utf8(text))
  return writer.done()
}
