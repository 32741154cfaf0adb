import { type KeyEntry, validityYears } from '../../keys/key-tree.ts'
import type { Certificate } from '../../x509/certificate.ts'

const DAY_MS = 86_400_000
const DAYS_PER_YEAR = 365
/** The next generation is made so long before a key ends, so that everybody has its certificate in time. */
export const RENEW_BEFORE_MS = 60 * DAY_MS
/** A new certificate is valid this much earlier, for whoever's clock is behind. */
const BACKDATED_MS = 300_000

/** From when until when a certificate made now is valid: never before nor beyond its issuer's. */
export function datesOf(
  entry: KeyEntry,
  now: number,
  issuer: Certificate | undefined,
): { notBefore: number; notAfter: number } {
  return {
    notBefore: Math.max(now - BACKDATED_MS, issuer?.notBefore ?? 0),
    notAfter: Math.min(now + validityMs(entry), issuer?.notAfter ?? Number.POSITIVE_INFINITY),
  }
}

export function validityMs(entry: KeyEntry): number {
  return validityYears(entry) * DAYS_PER_YEAR * DAY_MS
}

/** Whether a key shall get its next generation now. */
export function isDue({ certificate }: { readonly certificate: Certificate }, now: number): boolean {
  return certificate.notAfter - now <= RENEW_BEFORE_MS
}
