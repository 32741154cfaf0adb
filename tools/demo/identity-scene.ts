import { join } from 'node:path'
import type { Profile } from '@keyhaven/identity'
import type { TestOidcProvider } from '../../test/kit/oidc.ts'
import { signInForIdToken } from '../../test/kit/oidc-sign-in.ts'
import type { TestMailServer } from '../../test/kit/smtp.ts'
import type { TestHsm } from '../../test/kit/softhsm.ts'
import { type KeyServer, startKeyServer } from './key-server.ts'
import type { Tour } from './tour.ts'

export const APPLICATION = 'demo'
export const IDENTITY = `/applications/${APPLICATION}/identity`
export const IDA_PARTNER = 'mpartner-default-auth'
export const OPRF_PARTNER = 'oprf-1'
export const REDIRECT = 'http://127.0.0.1:9/callback'
const WAIT_MS = 30_000
const POLL_MS = 50

/** What both profiles have in common. */
export interface IdentityPlace {
  readonly tour: Tour
  readonly folder: string
  readonly oidc: TestOidcProvider
  readonly mail: TestMailServer
  /** Undefined where none is installed. */
  readonly hsm: TestHsm | undefined
  /** Ended with the tour, the last first. */
  readonly opened: { close(): unknown }[]
}

export type RoleName = 'main' | 'ida' | 'oprf'

/** The processes of one profile, each with its own database and, where there is one, its own HSM token. */
export interface IdentityScene extends IdentityPlace {
  readonly profile: Profile
  readonly main: KeyServer
  readonly ida: KeyServer
  /** Profile `keyhaven` only. */
  readonly oprf: KeyServer | undefined
}

/** @throws Error with the log of a server that does not start. */
export async function startScene(place: IdentityPlace, profile: Profile): Promise<IdentityScene> {
  const start = async (role: RoleName, more: Readonly<Record<string, string>>): Promise<KeyServer> => {
    const server = await startKeyServer(join(place.folder, profile, role), {
      KEYHAVEN_ROLE: role,
      KEYHAVEN_IDENTITY_LISTEN: '127.0.0.1:0',
      KEYHAVEN_IDENTITY_PROFILE: profile,
      ...hsmSettings(place.hsm, `${profile}-${role}`),
      ...more,
    })
    place.opened.push({ close: server.stop })
    return server
  }
  const oprf =
    profile === 'keyhaven' ? await start('oprf', { KEYHAVEN_IDA_PARTNER: OPRF_PARTNER }) : undefined
  const asks = async (name: string) =>
    oprf === undefined
      ? {}
      : { KEYHAVEN_OPRF_URL: oprf.identityUrl, KEYHAVEN_OPRF_TOKEN: await serviceToken(oprf, name) }
  const main = await start('main', {
    KEYHAVEN_IDENTITY_OIDC_ISSUER: place.oidc.issuer,
    KEYHAVEN_IDENTITY_OIDC_CLIENT_ID: place.oidc.clientId,
    KEYHAVEN_WEBHOOKS_PRIVATE: 'on',
    ...(await asks('issuer')),
  })
  const ida = await start('ida', {
    KEYHAVEN_ISSUER_URL: main.identityUrl,
    KEYHAVEN_IDA_PARTNER: IDA_PARTNER,
    KEYHAVEN_SMTP_URL: place.mail.url,
    KEYHAVEN_SMTP_FROM: 'ida@example.org',
    ...(await asks('ida')),
  })
  return { ...place, profile, main, ida, oprf }
}

/** An API token of one of the identity system's services. */
export function serviceToken(server: KeyServer, name: string): Promise<string> {
  return apiToken(server, name, 'identity-service')
}

export async function apiToken(server: KeyServer, name: string, role: string): Promise<string> {
  return (await server.admin<{ token: string }>('POST', '/tokens', { name, roles: [role] })).token
}

function hsmSettings(hsm: TestHsm | undefined, label: string): Readonly<Record<string, string>> {
  if (hsm === undefined) return {}
  hsm.addToken(label)
  return {
    KEYHAVEN_PKCS11_MODULE: hsm.location.module,
    KEYHAVEN_PKCS11_SLOT_LABEL: label,
    KEYHAVEN_PKCS11_PIN_FILE: hsm.location.pinFile,
  }
}

/** Signs somebody in at the OpenID provider. @returns the id token. */
export function signIn(
  { oidc }: IdentityPlace,
  id: string,
  role: string,
  organisation?: string,
): Promise<string> {
  oidc.person = { id, roles: [role], ...(organisation && { organisation }) }
  return signInForIdToken(oidc, REDIRECT, { nonce: crypto.randomUUID(), scope: 'openid profile' })
}

/** The answer, once it is so. @returns undefined if it does not become so within half a minute. */
export async function until<T>(
  ask: () => Promise<T> | T,
  isSo: (answer: T) => boolean,
): Promise<T | undefined> {
  const end = performance.now() + WAIT_MS
  for (;;) {
    const answer = await ask()
    if (isSo(answer)) return answer
    if (performance.now() > end) return undefined
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
