import type { OpenAPIHono } from '@hono/zod-openapi'
import { KeyhavenError, toBase64url } from '@keyhaven/crypto'
import {
  certificateToPem,
  type EnvelopeHead,
  fromAnyBase64,
  type IdentityKeys,
  mosipTime,
  NO_HEAD,
  parseKeyName,
  readEnvelope,
} from '@keyhaven/identity'
import type { Keymanager, Verification } from '@keyhaven/identity/service'
import type { Context } from 'hono'
import type { AppEnv } from '../../platform/http/call-origin.ts'
import { limitBody } from '../../platform/http/limit-body.ts'
import { mosipCallerRefusal } from '../mosip-answer.ts'
import { admitServices, admittedCaller, type MosipRouteParts } from '../mosip-routes.ts'
import { answerMosip, refuseMosip } from './keymanager-answer.ts'
import {
  readCipherRequest,
  readPinRequest,
  readSignRequest,
  readVerifyRequest,
} from './keymanager-request.ts'

export interface KeymanagerParts extends MosipRouteParts {
  readonly keymanager: Keymanager
  readonly keys: IdentityKeys
}

const PREFIX = '/v1/keymanager'
/** A face image and ten fingerprints, base64 twice. */
export const MAX_KEYMANAGER_BODY_BYTES = 16 * 1_024 * 1_024
const VALIDATION_TEXT = { true: 'Validation Successful', false: 'Validation Failed' } as const

type Operation = (request: Readonly<Record<string, unknown>>, actor: string) => Promise<object>

/**
 * MOSIP's key manager over HTTP, for services with a token that has the permission `use-identity-keys`. Answers
 * go through no schema and no template: this path is to encrypt more than a thousand times a second.
 */
export function addKeymanagerRoutes(app: OpenAPIHono<AppEnv>, parts: KeymanagerParts): void {
  const { keymanager, keys, callers, clock } = parts
  const limit = limitBody(MAX_KEYMANAGER_BODY_BYTES)

  const actorOf = async (c: Context<AppEnv>): Promise<string | Response> => {
    try {
      const { actor } = await admittedCaller(callers, admitServices, c)
      return actor
    } catch (error) {
      const refusal = mosipCallerRefusal(error, clock())
      if (refusal === undefined) throw error
      return refusal
    }
  }

  const post = (name: string, operation: Operation): void => {
    app.post(`${PREFIX}/${name}`, limit, async (c) => {
      const actor = await actorOf(c)
      if (typeof actor !== 'string') return actor
      let head: EnvelopeHead = NO_HEAD
      try {
        const envelope = readEnvelope(parseJson(await c.req.text()))
        if (envelope === undefined) throw new KeyhavenError('INPUT_INVALID', 'the body is no request')
        head = envelope.head
        const response = await operation(envelope.request as Record<string, unknown>, actor)
        return answerMosip(response, clock(), head)
      } catch (error) {
        const refusal = refuseMosip(error, clock(), head)
        if (refusal === undefined) throw error
        return refusal
      }
    })
  }

  post('encrypt', async (request) => ({
    data: toBase64url(await keymanager.encrypt(readCipherRequest(request))),
  }))
  post('decrypt', async (request, actor) => ({
    data: toBase64url(await keymanager.decrypt(readCipherRequest(request), actor)),
  }))
  post('jwtSign', async (request, actor) => ({
    jwtSignedData: await keymanager.sign(readSignRequest(request), actor),
    timestamp: mosipTime(clock()),
  }))
  post('jwtVerify', async (request) =>
    verificationAnswer(await keymanager.verify(readVerifyRequest(request)), request),
  )
  post('encryptWithPin', async (request) => {
    const { pin, data } = readPinRequest(request)
    return { data: toBase64url(await keymanager.encryptWithPin(pin, data)) }
  })
  post('decryptWithPin', async (request) => {
    const { pin, data } = readPinRequest(request)
    return { data: await keymanager.decryptWithPin(pin, fromAnyBase64(data)) }
  })

  app.get(`${PREFIX}/getCertificate`, async (c) => {
    // The root is for everybody: an IDA asks for it before it has anything else of this server.
    const isRoot = c.req.query('applicationId') === 'ROOT' && !c.req.query('referenceId')
    const actor = isRoot ? '' : await actorOf(c)
    if (typeof actor !== 'string') return actor
    try {
      const name = parseKeyName(c.req.query('applicationId'), c.req.query('referenceId'))
      const certificate = await keys.certificate(name)
      const response = {
        certificate: certificateToPem(certificate),
        certSignRequest: null,
        issuedAt: mosipTime(certificate.notBefore),
        expiryAt: mosipTime(certificate.notAfter),
        timestamp: mosipTime(clock()),
      }
      return answerMosip(response, clock(), NO_HEAD)
    } catch (error) {
      const refusal = refuseMosip(error, clock(), NO_HEAD)
      if (refusal === undefined) throw error
      return refusal
    }
  })
}

function verificationAnswer(
  { valid, trusted }: Verification,
  request: Readonly<Record<string, unknown>>,
): object {
  return {
    signatureValid: valid,
    message: VALIDATION_TEXT[`${valid}`],
    trustValid: trustText(trusted, typeof request.domain === 'string' && request.domain !== ''),
  }
}

function trustText(trusted: boolean | undefined, hasDomain: boolean): string {
  if (trusted === undefined) return 'TRUST_NOT_VERIFIED'
  if (trusted) return 'TRUST_CERT_PATH_VALID'
  return hasDomain ? 'TRUST_CERT_PATH_NOT_VALID' : 'TRUST_NOT_VERIFIED_NO_DOMAIN'
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new KeyhavenError('INPUT_INVALID', 'the body is not JSON')
  }
}
