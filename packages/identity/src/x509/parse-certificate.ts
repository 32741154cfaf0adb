import { KeyhavenError, toHex } from '@keyhaven/crypto'
import { sha256 } from '@noble/hashes/sha2.js'
import type { Certificate, KeyUsageName } from './certificate.ts'
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  X509Certificate,
} from './peculiar.ts'
import { isStrictCertificate } from './strict-der.ts'

/** A certificate of an RSA-4096 key with long names has about 2.5 kB. */
export const MAX_CERTIFICATE_BYTES = 16_384
const MAX_PEM_CHARACTERS = 32_768
const MAX_CACHED_CERTIFICATES = 1_024
const USAGES: readonly KeyUsageName[] = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
]

interface Parsed {
  readonly certificate: Certificate
  readonly x509: X509Certificate
}

/** By thumbprint, the least recently used out first: parsing takes as long as ten verifications. */
const cache = new Map<string, Parsed>()
const x509Of = new WeakMap<Certificate, X509Certificate>()

/**
 * @param derOrPem - one certificate; of a PEM with several the first.
 * @throws KeyhavenError `CERTIFICATE_INVALID` if it does not parse or is over {@link MAX_CERTIFICATE_BYTES}.
 */
export function parseCertificate(derOrPem: Uint8Array | string): Certificate {
  const der = typeof derOrPem === 'string' ? firstOfPem(derOrPem) : derOrPem
  if (der.length > MAX_CERTIFICATE_BYTES) throw invalid()
  const thumbprint = sha256(der)
  const name = toHex(thumbprint)
  const known = cache.get(name)
  const parsed = known ?? parse(Uint8Array.from(der), thumbprint)
  if (known !== undefined) cache.delete(name)
  else if (cache.size >= MAX_CACHED_CERTIFICATES) cache.delete(cache.keys().next().value!)
  cache.set(name, parsed)
  return parsed.certificate
}

/** Every certificate of a PEM bundle. Throws as {@link parseCertificate}. */
export function parseCertificates(pem: string): Certificate[] {
  if (pem.length > MAX_PEM_CHARACTERS * 8) throw invalid()
  try {
    return PemConverter.decode(pem).map((der) => parseCertificate(new Uint8Array(der)))
  } catch (error) {
    throw error instanceof KeyhavenError ? error : invalid()
  }
}

/** PEM (RFC 7468), a line feed at its end. */
export function certificateToPem(certificate: Certificate): string {
  return `${PemConverter.encode(Uint8Array.from(certificate.der), PemConverter.CertificateTag)}\n`
}

/** @internal The library's object of a certificate that {@link parseCertificate} made. */
export function x509CertificateOf(certificate: Certificate): X509Certificate {
  const known = x509Of.get(certificate)
  if (known === undefined) throw new TypeError('not a certificate that parseCertificate made')
  return known
}

function parse(der: Uint8Array<ArrayBuffer>, thumbprint: Uint8Array): Parsed {
  try {
    if (!isStrictCertificate(der)) throw invalid()
    const x509 = new X509Certificate(der)
    const constraints = x509.getExtension(BasicConstraintsExtension)
    const usage = x509.getExtension(KeyUsagesExtension)
    const algorithm = x509.publicKey.algorithm as Partial<RsaKeyAlgorithm> & Algorithm
    const isRsa = algorithm.name.startsWith('RSA')
    const certificate: Certificate = {
      der,
      thumbprint,
      subject: x509.subject,
      issuer: x509.issuer,
      commonName: x509.subjectName.getField('CN')[0] ?? '',
      organisations: x509.subjectName.getField('O'),
      serial: x509.serialNumber,
      notBefore: x509.notBefore.getTime(),
      notAfter: x509.notAfter.getTime(),
      publicKey: {
        modulusBits: isRsa ? (algorithm.modulusLength ?? 0) : 0,
        spki: new Uint8Array(x509.publicKey.rawData),
      },
      keyUsage:
        usage === null ? undefined : USAGES.filter((name) => (usage.usages & KeyUsageFlags[name]) !== 0),
      isCa: constraints?.ca ?? false,
      pathLength: constraints?.pathLength,
    }
    x509Of.set(certificate, x509)
    return { certificate, x509 }
  } catch {
    throw invalid()
  }
}

function firstOfPem(pem: string): Uint8Array {
  if (pem.length > MAX_PEM_CHARACTERS) throw invalid()
  try {
    return new Uint8Array(PemConverter.decodeFirst(pem))
  } catch {
    throw invalid()
  }
}

function invalid(): KeyhavenError {
  return new KeyhavenError('CERTIFICATE_INVALID', 'this is not a certificate')
}
