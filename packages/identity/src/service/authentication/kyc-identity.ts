import type { AuthPolicy } from '../../policy/policy-document.ts'
import type { OpenedRequest } from './opened-request.ts'

/** What the policy lets out and the partner asks for, of what there is. */
export function kycNames(
  policy: AuthPolicy,
  { kycAttributes }: OpenedRequest,
  available: readonly string[],
): string[] {
  const allowed = policy.allowedKycAttributes.map(({ attributeName }) => attributeName)
  const wanted =
    kycAttributes === undefined ? allowed : allowed.filter((name) => kycAttributes.includes(name))
  return wanted.filter((name) => available.includes(name))
}

/** The attributes as JSON; texts in languages only in those of the policy. */
export function kycIdentity(
  policy: AuthPolicy,
  names: readonly string[],
  values: ReadonlyMap<string, string>,
): Record<string, unknown> {
  const identity: Record<string, unknown> = {}
  for (const name of names) {
    const value = values.get(name)
    if (value !== undefined) identity[name] = inLanguages(parsed(value), policy.kycLanguages)
  }
  return identity
}

function parsed(value: string): unknown {
  if (!value.startsWith('[')) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

function inLanguages(value: unknown, languages: readonly string[] | undefined): unknown {
  if (!Array.isArray(value) || languages === undefined || languages.length === 0) return value
  return value.filter((text: { language?: unknown } | null) => languages.includes(text?.language as string))
}
