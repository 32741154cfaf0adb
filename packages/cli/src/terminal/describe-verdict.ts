import type { KeyUsage } from '../admin/admin-api.ts'
import { type Output, printable } from './output.ts'

/** Whether revoking is safe, in the server's words, and which app versions would break. */
export function describeVerdict(output: Output, verdict: KeyUsage['verdict']): string {
  const mark = verdict.safe
    ? output.style('green', 'safe to revoke')
    : output.style('red', 'not safe to revoke')
  const versions = verdict.byAppVersion
    .map((entry) => `\n  would break: ${entry.installations} of app version ${printable(entry.appVersion)}`)
    .join('')
  return `${mark} - ${printable(verdict.text)}${versions}`
}
