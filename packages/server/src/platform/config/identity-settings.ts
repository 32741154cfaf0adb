import { resolve } from 'node:path'
import { z } from 'zod'
import type { IdentityConfig } from './config.ts'
import { httpUrl, LISTEN, MATCHING, ON_OFF } from './setting-values.ts'

export const ROLES_OF_A_SERVER = ['main', 'ida', 'oprf'] as const
const DEFAULT_LISTEN = { host: '127.0.0.1', port: 8789 }
/** Settings that mean something in these roles only. */
const ROLE_OF: Readonly<Record<string, readonly string[]>> = {
  KEYHAVEN_SMTP_URL: ['ida'],
  KEYHAVEN_SMTP_FROM: ['ida'],
  KEYHAVEN_BIOSDK_URL: ['ida', 'main'],
  KEYHAVEN_PIN_ITERATIONS: ['main'],
  KEYHAVEN_ISSUER_URL: ['ida', 'oprf'],
  KEYHAVEN_AUTH_MATCHING: ['ida'],
  KEYHAVEN_IDENTITY_OIDC_ISSUER: ['main'],
  KEYHAVEN_IDENTITY_OIDC_CLIENT_ID: ['main'],
}

/** Of the identity capability, which runs in a process for each role. */
export const IDENTITY_SETTINGS = {
  KEYHAVEN_ROLE: z.enum(ROLES_OF_A_SERVER, 'must be main, ida or oprf').default('main'),
  KEYHAVEN_IDENTITY_LISTEN: LISTEN.optional(),
  KEYHAVEN_IDENTITY_URL: httpUrl.optional(),
  KEYHAVEN_IDENTITY_PROFILE: z.enum(['mosip', 'keyhaven'], 'must be mosip or keyhaven').default('mosip'),
  KEYHAVEN_IDENTITY_OIDC_ISSUER: httpUrl.optional(),
  KEYHAVEN_IDENTITY_OIDC_CLIENT_ID: z.string().min(1).optional(),
  KEYHAVEN_IDENTITY_OIDC_ORGANISATION_CLAIM: z.string().min(1).default('organization'),
  KEYHAVEN_WEBHOOKS_PRIVATE: ON_OFF.default(false),
  KEYHAVEN_SHARES_UNLIMITED: ON_OFF.default(false),
  KEYHAVEN_SMTP_URL: z
    .string()
    .regex(/^smtps?:\/\/.+$/, 'must be smtp://USER:PASSWORD@HOST:PORT or smtps://…')
    .optional(),
  KEYHAVEN_SMTP_FROM: z
    .string()
    .regex(/^[^\s<>]+@[^\s<>]+$/, 'must be an e-mail address')
    .optional(),
  KEYHAVEN_OPRF_URL: httpUrl.optional(),
  KEYHAVEN_OPRF_TOKEN: z.string().min(1).optional(),
  KEYHAVEN_BIOSDK_URL: httpUrl.optional(),
  KEYHAVEN_PIN_ITERATIONS: z.coerce
    .number('must be a whole number')
    .int('must be a whole number')
    .min(1, 'must be 1 or more')
    .max(10_000_000, 'must be 10000000 or less')
    .default(100_000),
  KEYHAVEN_ISSUER_URL: httpUrl.optional(),
  KEYHAVEN_IDA_PARTNER: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be a partner id')
    .default('mpartner-default-auth'),
  KEYHAVEN_AUTH_MATCHING: MATCHING.default({}),
  KEYHAVEN_PKCS11_MODULE: z.string().min(1).optional(),
  KEYHAVEN_PKCS11_SLOT_LABEL: z.string().min(1).optional(),
  KEYHAVEN_PKCS11_PIN_FILE: z.string().min(1).optional(),
}

type IdentitySettings = z.infer<z.ZodObject<typeof IDENTITY_SETTINGS>>

/** What is wrong with the identity settings that were given, taken together. */
export function identityProblems(given: Readonly<Record<string, string>>): string[] {
  const role = given.KEYHAVEN_ROLE ?? 'main'
  const problems = Object.entries(ROLE_OF)
    .filter(([name, roles]) => name in given && !roles.includes(role))
    .map(([name, roles]) => `${name} needs KEYHAVEN_ROLE=${roles.join(' or ')}`)
  const needs = [
    ['KEYHAVEN_IDENTITY_OIDC_ISSUER', 'KEYHAVEN_IDENTITY_OIDC_CLIENT_ID'],
    ['KEYHAVEN_IDENTITY_OIDC_CLIENT_ID', 'KEYHAVEN_IDENTITY_OIDC_ISSUER'],
    ['KEYHAVEN_SMTP_URL', 'KEYHAVEN_SMTP_FROM'],
    ['KEYHAVEN_SMTP_FROM', 'KEYHAVEN_SMTP_URL'],
    ['KEYHAVEN_OPRF_URL', 'KEYHAVEN_OPRF_TOKEN'],
    ['KEYHAVEN_OPRF_TOKEN', 'KEYHAVEN_OPRF_URL'],
    ['KEYHAVEN_PKCS11_MODULE', 'KEYHAVEN_PKCS11_SLOT_LABEL'],
    ['KEYHAVEN_PKCS11_MODULE', 'KEYHAVEN_PKCS11_PIN_FILE'],
    ['KEYHAVEN_PKCS11_SLOT_LABEL', 'KEYHAVEN_PKCS11_MODULE'],
    ['KEYHAVEN_PKCS11_PIN_FILE', 'KEYHAVEN_PKCS11_MODULE'],
  ] as const
  for (const [name, partner] of needs) {
    if (name in given && !(partner in given)) problems.push(`${name} needs ${partner}`)
  }
  const on = role !== 'main' || 'KEYHAVEN_IDENTITY_LISTEN' in given
  if (!on && 'KEYHAVEN_PKCS11_MODULE' in given) {
    problems.push('KEYHAVEN_PKCS11_MODULE needs KEYHAVEN_IDENTITY_LISTEN: only identity has keys in an HSM')
  }
  const oblivious = on && role !== 'oprf' && given.KEYHAVEN_IDENTITY_PROFILE === 'keyhaven'
  if (oblivious && !('KEYHAVEN_OPRF_URL' in given)) {
    problems.push('KEYHAVEN_IDENTITY_PROFILE=keyhaven needs the oblivious PRF: KEYHAVEN_OPRF_URL')
  }
  return problems
}

/** @returns undefined where the capability is off. */
export function identityConfig(settings: IdentitySettings): IdentityConfig | undefined {
  const role = settings.KEYHAVEN_ROLE
  if (role === 'main' && settings.KEYHAVEN_IDENTITY_LISTEN === undefined) return undefined
  const {
    KEYHAVEN_IDENTITY_OIDC_ISSUER: issuer,
    KEYHAVEN_IDENTITY_OIDC_CLIENT_ID: clientId,
    KEYHAVEN_SMTP_URL: smtpUrl,
    KEYHAVEN_SMTP_FROM: smtpFrom,
    KEYHAVEN_OPRF_URL: oprfUrl,
    KEYHAVEN_OPRF_TOKEN: oprfToken,
    KEYHAVEN_PKCS11_MODULE: module,
    KEYHAVEN_PKCS11_SLOT_LABEL: slotLabel,
    KEYHAVEN_PKCS11_PIN_FILE: pinFile,
  } = settings
  const urls = {
    url: settings.KEYHAVEN_IDENTITY_URL,
    bioSdkUrl: settings.KEYHAVEN_BIOSDK_URL,
    issuerUrl: settings.KEYHAVEN_ISSUER_URL,
  }
  return {
    role,
    listen: settings.KEYHAVEN_IDENTITY_LISTEN ?? DEFAULT_LISTEN,
    profile: settings.KEYHAVEN_IDENTITY_PROFILE,
    idaPartner: settings.KEYHAVEN_IDA_PARTNER,
    matching: settings.KEYHAVEN_AUTH_MATCHING,
    webhooksPrivate: settings.KEYHAVEN_WEBHOOKS_PRIVATE,
    pinIterations: settings.KEYHAVEN_PIN_ITERATIONS,
    unlimitedShares: settings.KEYHAVEN_SHARES_UNLIMITED,
    ...(Object.fromEntries(Object.entries(urls).filter(([, url]) => url !== undefined)) as Pick<
      IdentityConfig,
      'url' | 'bioSdkUrl' | 'issuerUrl'
    >),
    ...(issuer === undefined || clientId === undefined
      ? {}
      : {
          oidc: { issuer, clientId, organisationClaim: settings.KEYHAVEN_IDENTITY_OIDC_ORGANISATION_CLAIM },
        }),
    ...(smtpUrl === undefined || smtpFrom === undefined ? {} : { smtp: { url: smtpUrl, from: smtpFrom } }),
    ...(oprfUrl === undefined || oprfToken === undefined ? {} : { oprf: { url: oprfUrl, token: oprfToken } }),
    ...(module === undefined || slotLabel === undefined || pinFile === undefined
      ? {}
      : { pkcs11: { module: resolve(module), slotLabel, pinFile: resolve(pinFile) } }),
  }
}
