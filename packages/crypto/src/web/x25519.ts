import { once } from '../once.ts'
import { openFailed } from '../open-failed.ts'
import { overwrite } from '../overwrite.ts'
import { requireArgumentLength } from '../require-length.ts'
import { bufferSource } from './buffer-source.ts'
import { nobleFallback } from './noble-fallback.ts'

const X25519_BYTES = 32
const X25519_BITS = 256
const X25519 = { name: 'X25519' } as const
/** PKCS #8 of an X25519 key (RFC 8410 §7) up to its 32 private bytes: WebCrypto takes no raw private key. */
const PKCS8_PREFIX = Uint8Array.of(
  0x30,
  0x2e,
  0x02,
  0x01,
  0x00,
  0x30,
  0x05,
  0x06,
  0x03,
  0x2b,
  0x65,
  0x6e,
  0x04,
  0x22,
  0x04,
  0x20,
)

const isNative = once(async () => {
  try {
    await crypto.subtle.generateKey(X25519, false, ['deriveBits'])
    return true
  } catch {
    return false
  }
})

/** RFC 7748 §6.1. @throws KeyhavenError `OPEN_FAILED` on an all-zero result, which WebCrypto refuses. */
export async function x25519(privateKey: Uint8Array, publicKey: Uint8Array): Promise<Uint8Array> {
  requireArgumentLength(privateKey, X25519_BYTES, 'X25519 private key')
  requireArgumentLength(publicKey, X25519_BYTES, 'X25519 public key')
  if (!(await isNative())) return (await nobleFallback()).x25519(privateKey, publicKey)
  const pkcs8 = new Uint8Array(PKCS8_PREFIX.length + X25519_BYTES)
  pkcs8.set(PKCS8_PREFIX)
  pkcs8.set(privateKey, PKCS8_PREFIX.length)
  try {
    const secret = await crypto.subtle.importKey('pkcs8', pkcs8, X25519, false, ['deriveBits'])
    const peer = await crypto.subtle.importKey('raw', bufferSource(publicKey), X25519, false, [])
    return new Uint8Array(await crypto.subtle.deriveBits({ ...X25519, public: peer }, secret, X25519_BITS))
  } catch {
    throw openFailed()
  } finally {
    overwrite(pkcs8)
  }
}
