import { type CryptoBackend, fromHex, toBase64url } from '@keyhaven/crypto'
import { signJwt } from '../../mosip/jws.ts'
import type { RegistrationKeys, StoredRegistration } from './ports.ts'

/** K5. */
const PROCESSOR = { appId: 'REGISTRATION_PROCESSOR', refId: '' } as const

/** What the registration processor signs when it has verified a packet. */
export interface RegistrationReceipt {
  readonly rid: string
  readonly refId: string
  /** SHA-256 of the packet as it came, base64url. */
  readonly packet: string
  /** SHA-256 of the demographics as the processor's database holds them, base64url. */
  readonly demographics: string
}

/** The processor signs what it verified, so that nobody can exchange it afterwards: compact JWS, RS256. */
export async function signReceipt(
  backend: CryptoBackend,
  keys: RegistrationKeys,
  { rid, refId, packetHash }: StoredRegistration,
  demographics: Uint8Array,
): Promise<string> {
  const [certificate, ...chain] = await keys.chain(PROCESSOR)
  const receipt: RegistrationReceipt = {
    rid,
    refId,
    packet: toBase64url(fromHex(packetHash)),
    demographics: toBase64url(await backend.sha256(demographics)),
  }
  const sign = async (data: Uint8Array) => (await keys.sign(PROCESSOR, data)).signature
  return signJwt({ certificate: certificate!, chain, sign }, JSON.stringify(receipt))
}
