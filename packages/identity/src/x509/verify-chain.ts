import { KeyhavenError } from '@keyhaven/crypto'
import type { Certificate, KeyUsageName } from './certificate.ts'
import { certificateFacts } from './parse-certificate.ts'

/** What the leaf is used for now. */
export type CertificatePurpose = 'sign' | 'encrypt' | 'issue'

export interface ChainExpectation {
  /** Certificates that may stand between; not trusted by themselves. */
  readonly intermediates: readonly Certificate[]
  readonly anchors: readonly Certificate[]
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Whether a certificate of the chain was revoked, the anchor too. */
  revoked(certificate: Certificate): boolean
  /** @defaultValue 2048 */
  readonly minRsaBits?: number
  readonly usage: CertificatePurpose
}

export const MIN_RSA_BITS = 2_048
const MAX_CHAIN_CERTIFICATES = 8
/** What a leaf's key usage must name one of (RFC 5280 §4.2.1.3), if it names any. */
const NEEDED: Readonly<Record<CertificatePurpose, readonly KeyUsageName[]>> = {
  sign: ['digitalSignature', 'nonRepudiation'],
  encrypt: ['keyEncipherment', 'dataEncipherment'],
  issue: ['keyCertSign'],
}
/** Critical extensions that are understood: any other makes a certificate unusable (RFC 5280 §4.2). */
const UNDERSTOOD = new Set([
  '2.5.29.19', // basicConstraints
  '2.5.29.15', // keyUsage
  '2.5.29.37', // extKeyUsage: it adds nothing to what is asked here
  '2.5.29.17', // subjectAltName
  '2.5.29.14', // subjectKeyIdentifier
  '2.5.29.35', // authorityKeyIdentifier
])
/** RSA with SHA-1 or MD5 is refused. */
const SIGNATURE_HASHES: readonly string[] = ['SHA-256', 'SHA-384', 'SHA-512']
const MAX_VERIFIED_LINKS = 4_096

/** Signatures found good, by the thumbprints of both ends; dates and revocation are looked at each time. */
const verifiedLinks = new Set<string>()

/**
 * Finds and checks a chain from the leaf to an anchor: signatures, dates, RSA key sizes, revocation, CA flag,
 * path length, key usage, at this moment (RFC 5280 §6.1, without policies and name constraints).
 *
 * @returns the chain, leaf first, anchor last.
 * @throws KeyhavenError `CERTIFICATE_INVALID`, whose message says which check failed.
 */
export async function verifyChain(leaf: Certificate, expected: ChainExpectation): Promise<Certificate[]> {
  checkOne(leaf, expected)
  requireUsage(leaf, expected.usage)
  const chain = await extend([leaf], expected)
  if (chain === undefined) throw invalid('no chain leads from it to a trusted authority')
  return chain
}

async function extend(
  chain: readonly Certificate[],
  expected: ChainExpectation,
): Promise<Certificate[] | undefined> {
  const last = chain[chain.length - 1]!
  if (expected.anchors.some((anchor) => isSame(anchor, last))) return [...chain]
  if (chain.length >= MAX_CHAIN_CERTIFICATES) return undefined
  for (const issuer of [...expected.anchors, ...expected.intermediates]) {
    if (chain.some((known) => isSame(known, issuer)) || !namesIssuer(last, issuer)) continue
    if (!(await isIssuedBy(last, issuer))) continue
    // Only what really stands above it is named in a refusal.
    checkOne(issuer, expected)
    requireAuthority(issuer, chain.length - 1)
    const found = await extend([...chain, issuer], expected)
    if (found !== undefined) return found
  }
  return undefined
}

/** @throws KeyhavenError `CERTIFICATE_INVALID` */
function checkOne(
  certificate: Certificate,
  { at, revoked, minRsaBits = MIN_RSA_BITS }: ChainExpectation,
): void {
  if (at < certificate.notBefore) throw invalid('it is not valid yet')
  if (at > certificate.notAfter) throw invalid('it has expired')
  if (revoked(certificate)) throw invalid('it was revoked')
  if (certificate.publicKey.modulusBits < minRsaBits) {
    throw invalid(`its key is no RSA key of at least ${minRsaBits} bits`)
  }
  for (const type of certificateFacts(certificate).critical) {
    if (!UNDERSTOOD.has(type)) throw invalid(`its critical extension ${type} is not understood`)
  }
}

function requireUsage({ keyUsage, isCa }: Certificate, purpose: CertificatePurpose): void {
  const needed = NEEDED[purpose]
  if (keyUsage !== undefined && !keyUsage.some((name) => needed.includes(name))) {
    throw invalid(`its key is not meant to ${purpose}`)
  }
  if (purpose === 'issue' && !isCa) throw invalid('it is not an authority’s')
}

/** @param below - CA certificates between it and the leaf. */
function requireAuthority(certificate: Certificate, below: number): void {
  requireUsage(certificate, 'issue')
  if (certificate.pathLength !== undefined && certificate.pathLength < below) {
    throw invalid('an authority stands too far above it')
  }
}

function namesIssuer(certificate: Certificate, issuer: Certificate): boolean {
  return certificateFacts(certificate).issuer === certificateFacts(issuer).subject
}

async function isIssuedBy(certificate: Certificate, issuer: Certificate): Promise<boolean> {
  const { x509, thumbprint } = certificateFacts(certificate)
  const above = certificateFacts(issuer)
  const link = `${thumbprint} ${above.thumbprint}`
  if (verifiedLinks.has(link)) return true
  const hash = (x509.signatureAlgorithm.hash as { readonly name?: string } | undefined)?.name
  if (hash === undefined || !SIGNATURE_HASHES.includes(hash)) return false
  try {
    const { publicKey } = above.x509
    if (!(await x509.verify({ publicKey, signatureOnly: true }, globalThis.crypto))) return false
  } catch {
    return false
  }
  if (verifiedLinks.size >= MAX_VERIFIED_LINKS) verifiedLinks.clear()
  verifiedLinks.add(link)
  return true
}

function isSame(one: Certificate, other: Certificate): boolean {
  return one === other || certificateFacts(one).thumbprint === certificateFacts(other).thumbprint
}

function invalid(reason: string): KeyhavenError {
  return new KeyhavenError('CERTIFICATE_INVALID', `the certificate is not valid: ${reason}`)
}
