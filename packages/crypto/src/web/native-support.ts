import { AEAD_AES_256_GCM, type AEADFactory, CipherSuite, KDF_HKDF_SHA256, type KEMFactory } from 'hpke'

const PROBE_BYTES = 32

/**
 * Whether the runtime's WebCrypto has all of a KEM: one key pair, one exchange. A part may be missing:
 * ML-KEM but no SHA-3.
 */
export async function hasNativeKem(factory: KEMFactory): Promise<boolean> {
  try {
    const suite = new CipherSuite(factory, KDF_HKDF_SHA256, AEAD_AES_256_GCM)
    const pair = await suite.GenerateKeyPair(true)
    const { encapsulatedSecret } = await suite.SendExport(pair.publicKey, new Uint8Array(0), PROBE_BYTES)
    await suite.ReceiveExport(pair, encapsulatedSecret, new Uint8Array(0), PROBE_BYTES)
    await suite.DeserializePrivateKey(await suite.SerializePrivateKey(pair.privateKey), true)
    return true
  } catch {
    return false
  }
}

export async function hasNativeAead(factory: AEADFactory): Promise<boolean> {
  try {
    const aead = factory()
    await aead.Seal(new Uint8Array(aead.Nk), new Uint8Array(aead.Nn), new Uint8Array(0), new Uint8Array(0))
    return true
  } catch {
    return false
  }
}

export async function hasNativeEd25519(): Promise<boolean> {
  try {
    await crypto.subtle.generateKey({ name: 'Ed25519' }, false, ['sign', 'verify'])
    return true
  } catch {
    return false
  }
}
