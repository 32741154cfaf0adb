import { KeyhavenError } from '@keyhaven/crypto'
import {
  type Certificate,
  fromAnyBase64,
  KERNEL_SIGN,
  type KeyName,
  parseCertificate,
  parseKeyName,
} from '@keyhaven/identity'
import type { CipherRequest, SignRequest, VerifyRequest } from '@keyhaven/identity/service'

type Fields = Readonly<Record<string, unknown>>

/** The fields of a key manager's request, checked one by one: a schema costs more than the encryption. */
export function readCipherRequest(request: Fields): CipherRequest {
  return {
    name: parseKeyName(request.applicationId, request.referenceId),
    data: fromAnyBase64(requiredText(request, 'data')),
    salt: optionalBytes(request, 'salt'),
    aad: optionalBytes(request, 'aad'),
  }
}

export function readSignRequest(request: Fields): SignRequest {
  return {
    name: signatureName(request),
    data: fromAnyBase64(requiredText(request, 'dataToSign')),
    includePayload: request.includePayload === true,
    includeCertificate: request.includeCertificate === true,
    includeCertificateHash: request.includeCertHash === true,
    certificateUrl: optionalText(request, 'certificateUrl'),
  }
}

export function readVerifyRequest(request: Fields): VerifyRequest {
  const certificate = optionalText(request, 'certificateData')
  const domain = optionalText(request, 'domain')
  return {
    name: signatureName(request),
    jws: requiredText(request, 'jwtSignatureData'),
    payload: optionalBytes(request, 'actualData'),
    certificate: certificate === undefined ? undefined : readCertificate(certificate),
    domain: request.validateTrust === true ? (domain ?? '') : undefined,
  }
}

export function readPinRequest(request: Fields): { readonly pin: string; readonly data: string } {
  return { pin: requiredText(request, 'userPin'), data: requiredText(request, 'data') }
}

/** Without a name MOSIP signs with KERNEL / SIGN. */
function signatureName(request: Fields): KeyName {
  const appId = optionalText(request, 'applicationId')
  return appId === undefined ? KERNEL_SIGN : parseKeyName(appId, request.referenceId)
}

function readCertificate(text: string): Certificate {
  return text.includes('-----BEGIN') ? parseCertificate(text) : parseCertificate(fromAnyBase64(text))
}

function requiredText(request: Fields, field: string): string {
  const text = optionalText(request, field)
  if (text === undefined) throw new KeyhavenError('INPUT_INVALID', `${field} should not be null or empty`)
  return text
}

/** MOSIP's clients write what they do not have as null or as an empty text. */
function optionalText(request: Fields, field: string): string | undefined {
  const value = request[field]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw new KeyhavenError('INPUT_INVALID', `${field} must be a text`)
  return value
}

function optionalBytes(request: Fields, field: string): Uint8Array | undefined {
  const text = optionalText(request, field)
  return text === undefined ? undefined : fromAnyBase64(text)
}
