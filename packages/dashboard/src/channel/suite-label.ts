import type { SuiteName } from '../api/e2e-keys.ts'

export const SUITE_LABELS: Readonly<Record<SuiteName, string>> = {
  'x-wing': 'X-Wing (X25519 with ML-KEM-768)',
  x25519: 'X25519',
  'p-256': 'P-256',
}

const SHORT_LABELS: Readonly<Record<SuiteName, string>> = {
  'x-wing': 'X-Wing',
  x25519: 'X25519',
  'p-256': 'P-256',
}

/** For a table's cell. */
export function shortSuite(suite: SuiteName): string {
  return SHORT_LABELS[suite] ?? suite
}
