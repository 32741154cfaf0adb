import {
  AEAD_NONCE_BYTES,
  type CryptoBackend,
  type KemKeyPair,
  toBase64url,
  utf8,
  Writer,
} from '@keyhaven/crypto'
import { sealLayoutC } from '../../mosip/hybrid.ts'
import type { IdSchema } from '../../packet/id-schema.ts'
import { openKeyhavenPacket } from '../../packet/keyhaven/open-keyhaven-packet.ts'
import { type OpenedPacket, openPacket } from '../../packet/open-packet.ts'
import { packetInvalid } from '../../packet/packet-invalid.ts'
import type { RecordKeys } from '../repository/keyhaven-sealer.ts'
import type { RegistrationKeys, SchemaDirectory, StationDirectory, StoredRegistration } from './ports.ts'

const PACKET_KEY_LABEL = 'keyhaven packet key v1'
const DEMOGRAPHICS_KEY_LABEL = 'keyhaven demographics key v1'
const DEMOGRAPHICS_LABEL = 'keyhaven demographics v1'
const SECRET_BYTES = 32

type Named = Pick<StoredRegistration, 'rid' | 'refId'>

/** How a profile opens packets, and how it hides what the processor keeps of them. */
export interface PacketOpener {
  /** In memory. @throws KeyhavenError `OPEN_FAILED`, `PACKET_INVALID`. */
  open(registration: Named, bytes: Uint8Array): Promise<OpenedPacket>
  sealDemographics(registration: Named, json: Uint8Array): Promise<Uint8Array>
}

/** MOSIP's packets, with K11 of the station; demographics in layout C under the same. */
export function createMosipPacketOpener(
  backend: CryptoBackend,
  keys: RegistrationKeys,
  stations: StationDirectory,
  schemas: SchemaDirectory,
): PacketOpener {
  return {
    open: ({ rid, refId }, bytes) =>
      openPacket(backend, bytes, {
        opener: keys.opener({ appId: 'REGISTRATION', refId }),
        machinePublicKey: async (named) => (await stations.find(named))?.publicKey,
        expected: { rid, refId },
        schema: (version) => requireKnown(schemas, version),
      }),
    async sealDemographics({ refId }, json) {
      const to = await keys.recipient({ appId: 'REGISTRATION', refId })
      return utf8(toBase64url(await sealLayoutC(backend, to, json)))
    },
  }
}

/**
 * The X-Wing key that packets of a station are encrypted for, in the profile `keyhaven`: made of the
 * application's data key, so that there is nothing to keep for each station.
 */
export async function stationPacketKey(
  backend: CryptoBackend,
  applicationId: string,
  { dataKey }: RecordKeys,
  refId: string,
): Promise<KemKeyPair> {
  const seed = await derive(backend, dataKey, PACKET_KEY_LABEL, applicationId, refId)
  const privateKey = await backend.kem.importPrivateKey('x-wing', seed)
  return { privateKey, publicKey: privateKey.publicKey }
}

/** Packets of the profile `keyhaven`; demographics: nonce 12 | AES-256-GCM, bound to the registration. */
export function createKeyhavenPacketOpener(
  backend: CryptoBackend,
  applicationId: string,
  keys: () => Promise<RecordKeys>,
  stations: StationDirectory,
  schemas: SchemaDirectory,
): PacketOpener {
  return {
    async open({ rid, refId }, bytes) {
      const { privateKey } = await stationPacketKey(backend, applicationId, await keys(), refId)
      return openKeyhavenPacket(backend, bytes, {
        privateKey,
        machineVerifyKey: async (named) => (await stations.find(named))?.verifyKey,
        expected: { rid, refId },
        schema: (version) => requireKnown(schemas, version),
      })
    },
    async sealDemographics({ rid, refId }, json) {
      const secret = await derive(
        backend,
        (await keys()).dataKey,
        DEMOGRAPHICS_KEY_LABEL,
        applicationId,
        refId,
      )
      const key = await backend.importAeadKey('aes-256-gcm', secret)
      const nonce = backend.randomBytes(AEAD_NONCE_BYTES)
      const aad = labelled(DEMOGRAPHICS_LABEL, applicationId, rid)
      return new Writer()
        .bytes(nonce)
        .bytes(await key.seal(nonce, json, aad))
        .done()
    },
  }
}

/** Nothing is checked as long as there is no schema at all; then a packet must follow one that is here. */
async function requireKnown(schemas: SchemaDirectory, version: number): Promise<IdSchema | undefined> {
  const schema = await schemas.find(version)
  if (schema !== undefined || (await schemas.isEmpty())) return schema
  throw packetInvalid(`schema: version ${version} is not known here`)
}

async function derive(
  backend: CryptoBackend,
  dataKey: Uint8Array,
  label: string,
  applicationId: string,
  refId: string,
): Promise<Uint8Array> {
  const prk = await backend.hkdfExtract(utf8(label), dataKey)
  return backend.hkdfExpand(prk, labelled(label, applicationId, refId), SECRET_BYTES)
}

function labelled(label: string, applicationId: string, id: string): Uint8Array {
  return new Writer().bytes8(utf8(label)).bytes8(utf8(applicationId)).bytes8(utf8(id)).done()
}
