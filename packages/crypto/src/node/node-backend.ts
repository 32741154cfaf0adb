import type { CryptoBackend } from '../backend.ts'
import { importAeadKey } from './aead.ts'
import { aes256Gcm } from './aes-256-gcm.ts'
import { hkdfExpand, hkdfExtract, sha256 } from './hkdf.ts'
import { hmacSha256 } from './hmac.ts'
import { nodeHpke } from './hpke.ts'
import { nodeKem } from './kem.ts'
import { nodeLegacyRsa } from './legacy-rsa.ts'
import { randomBytes } from './random-bytes.ts'
import { nodeRsa } from './rsa.ts'
import { nodeRsaOaep } from './rsa-oaep.ts'
import { nodeSignatures } from './signatures.ts'
import { x25519 } from './x25519.ts'

/** Synchronous node:crypto, for Node 26 and later: its methods return values, not promises. */
export const nodeBackend: CryptoBackend = {
  name: 'node',
  deterministicEncapsulation: true,
  randomBytes,
  sha256,
  hmacSha256,
  hkdfExtract,
  hkdfExpand,
  x25519,
  importAeadKey,
  kem: nodeKem,
  hpke: nodeHpke,
  signatures: nodeSignatures,
  rsaOaep: nodeRsaOaep,
  legacyRsa: nodeLegacyRsa,
  rsa: nodeRsa,
  aes256Gcm,
}
