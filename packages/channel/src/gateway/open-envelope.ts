import { type CryptoBackend, KeyhavenError } from '@keyhaven/crypto'
import { OHTTP_CHUNKED_REQUEST_TYPE, OHTTP_REQUEST_TYPE } from '../wire/media-types.ts'
import type { EncapsulationForm } from '../wire/request-header.ts'
import { byteSource } from './byte-source.ts'
import { EnvelopeReader, infoOf } from './envelope-reader.ts'
import type { GatewayLimits } from './limits.ts'
import type { GatewayKey, GatewayKeys, OuterRequest } from './ports.ts'
import type { Exchange } from './seal-response.ts'

/** An envelope whose key is found and whose HPKE context is set up; nothing of it is authenticated yet. */
export interface OpenEnvelope {
  readonly reader: EnvelopeReader
  readonly key: GatewayKey
  readonly exchange: Omit<Exchange, 'ownClient'>
}

/** Media type, parameters aside. */
function formOf(contentType: string | null | undefined): EncapsulationForm | undefined {
  if (contentType === OHTTP_CHUNKED_REQUEST_TYPE) return 'chunked'
  const type = (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase()
  if (type === OHTTP_CHUNKED_REQUEST_TYPE) return 'chunked'
  return type === OHTTP_REQUEST_TYPE ? 'whole' : undefined
}

/**
 * Everything up to the first use of the private key's result.
 *
 * @throws KeyhavenError `UNSUPPORTED` (media type), `WIRE_TOO_LARGE`, `NOT_FOUND` (application),
 *   `KEY_UNKNOWN`, `KEY_REVOKED`, `STORE_UNAVAILABLE`: facts that are public. Everything else is
 *   `OPEN_FAILED`.
 */
export async function openEnvelope(
  backend: CryptoBackend,
  keys: GatewayKeys,
  limits: GatewayLimits,
  request: OuterRequest,
): Promise<OpenEnvelope> {
  const form = formOf(request.contentType)
  if (form === undefined) throw new KeyhavenError('UNSUPPORTED', 'media type')
  const maxBytes = form === 'whole' ? limits.maxWholeRequestBytes : limits.maxChunkedRequestBytes
  const source = byteSource(request.body, request.contentLength, maxBytes)
  const reader = new EnvelopeReader(backend, form, source, limits.maxChunkBytes)
  try {
    const reading = reader.readHeader()
    const header = reading instanceof Promise ? await reading : reading
    const key = await findKey(keys, request.applicationId, header.keyId)
    if (key.state === 'revoked' || key.privateKey === undefined) throw new KeyhavenError('KEY_REVOKED', 'key')
    const { aead } = header
    if (header.kem !== key.privateKey.kem || aead === undefined || !key.aeads.includes(aead)) {
      throw new KeyhavenError('KEY_UNKNOWN', 'algorithms')
    }
    const info = infoOf(key, form, header)
    const { enc, context } = await reader.setup({ privateKey: key.privateKey }, aead, info)
    return { reader, key, exchange: { form, aead, enc, context } }
  } catch (error) {
    reader.cancel()
    throw error
  }
}

async function findKey(keys: GatewayKeys, applicationId: string, keyId: number): Promise<GatewayKey> {
  let known: readonly unknown[] | undefined
  try {
    const finding = keys.find(applicationId, keyId)
    const key = finding instanceof Promise ? await finding : finding
    if (key !== undefined) return key
    known = await keys.keyConfigs(applicationId)
  } catch (cause) {
    throw new KeyhavenError('STORE_UNAVAILABLE', 'keys', { cause })
  }
  throw known === undefined
    ? new KeyhavenError('NOT_FOUND', 'application')
    : new KeyhavenError('KEY_UNKNOWN', 'key')
}
