import type { DistinguishedName, KeyUsageName } from '../../packages/identity/src/index.ts'
import { type TestHolder, testHolder } from '../../packages/identity/test/kit/test-keys.ts'

const HOUR_MS = 3_600_000
/** Of the fixed test keys: an authority that nobody trusts. */
const STRANGER_KEY = 6

export interface FaultyOptions {
  /** Of the fixed test keys. */
  readonly key: number
  readonly authority: TestHolder
  readonly subject: DistinguishedName
  /** Milliseconds since the epoch: when the certificate is looked at. */
  readonly now: number
  /** A use that is not the one that it is wanted for. */
  readonly wrongUse: readonly KeyUsageName[]
}

/** Certificates for one key and subject, each with one thing wrong that makes it unusable. */
export async function faultyCertificates({
  key,
  authority,
  subject,
  now,
  wrongUse,
}: FaultyOptions): Promise<readonly (readonly [what: string, holder: TestHolder])[]> {
  const make = (over: Parameters<typeof testHolder>[1]) =>
    testHolder(key, { issuedBy: authority, subject, ...over })
  const stranger = await testHolder(STRANGER_KEY, {
    ca: true,
    subject: { commonName: authority.certificate.subject, organisation: 'Nobody' },
  })
  return [
    ['expired', await make({ notAfter: now - HOUR_MS })],
    ['not valid yet', await make({ notBefore: now + HOUR_MS })],
    ['for another purpose', await make({ keyUsage: wrongUse })],
    ['of an authority that is not trusted', await make({ issuedBy: stranger })],
  ]
}
