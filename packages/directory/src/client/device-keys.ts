import {
  type CryptoBackend,
  type Jwk,
  type KemPrivateKey,
  kemPublicKeyToJwk,
  requiredPublicMembers,
  type SigningKey,
} from '@keyhaven/crypto'
import { type ChainSigner, signerOf } from '../chain/chain-signer.ts'
import { legacySignerOf } from '../chain/legacy-signer.ts'
import { newDeviceId } from '../chain/new-device-id.ts'
import { PROFILES, type ProfileName } from '../chain/profile.ts'

/** The private keys of a device, as objects: their bytes come out only where the backend's export is called. */
export interface GeneratedDeviceKeys {
  /** 16 random bytes, base64url. */
  readonly device: string
  readonly profile: ProfileName
  readonly signer: ChainSigner
  /** Absent in the legacy profile, whose one RSA-1024 key is `rsa`. */
  readonly signingKey?: SigningKey
  /** Ed25519; in the profiles of today the signing key itself. */
  readonly requestKey: SigningKey
  /** Public. */
  readonly encryptionKey: Jwk
  readonly decryptionKey: { readonly kem: KemPrivateKey } | { readonly rsa: Jwk }
}

/**
 * Fresh keys for a device, new or renewed.
 *
 * @param device - id of the device that renews; absent: a new one.
 * @throws KeyhavenError `UNSUPPORTED` if the backend has no RSA-1024.
 */
export async function generateDeviceKeys(
  backend: CryptoBackend,
  profile: ProfileName,
  device: string = newDeviceId(backend),
): Promise<GeneratedDeviceKeys> {
  const { algorithm, encryption } = PROFILES[profile]
  if (algorithm === 'RS256') {
    const { privateKey } = await backend.legacyRsa.generateKeyPair()
    const requestKey = await backend.signatures.generateKeyPair('EdDSA')
    const encryptionKey = requiredPublicMembers(privateKey)
    const signer = legacySignerOf(backend, privateKey)
    return { device, profile, signer, requestKey, encryptionKey, decryptionKey: { rsa: privateKey } }
  }
  const signingKey = await backend.signatures.generateKeyPair(algorithm)
  const signer = signerOf(backend, signingKey)
  const common = { device, profile, signer, signingKey }
  if (encryption.kind === 'rsa-oaep') {
    const requestKey = await backend.signatures.generateKeyPair('EdDSA')
    const { publicKey, privateKey } = await backend.rsaOaep.generateKeyPair(3_072)
    return {
      ...common,
      requestKey,
      encryptionKey: requiredPublicMembers(publicKey),
      decryptionKey: { rsa: privateKey },
    }
  }
  const { publicKey, privateKey } = await backend.kem.generateKeyPair(encryption.kem)
  const encryptionKey = kemPublicKeyToJwk(publicKey)
  return { ...common, requestKey: signingKey, encryptionKey, decryptionKey: { kem: privateKey } }
}
