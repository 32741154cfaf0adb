import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'

export interface TestOidcProvider {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** Who signs in at the next visit, and what the claims `roles` and `organization` say of them. */
  person: { id: string; roles: readonly string[]; organisation?: string }
  /** The next visitor says no. */
  refuse: boolean
  close(): Promise<void>
}

/** A real OpenID provider, whose sign-in page says yes by itself. */
export async function startOidcProvider(redirectUri: string): Promise<TestOidcProvider> {
  const clientId = 'keyhaven-dashboard'
  const clientSecret = randomBytes(24).toString('base64url')
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const kit: TestOidcProvider = {
    issuer,
    clientId,
    clientSecret,
    person: { id: 'ada', roles: ['admin'] },
    refuse: false,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }

  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    claims: { openid: ['sub'], profile: ['name', 'roles', 'organization'] },
    // Otherwise role claims come only from the userinfo address.
    conformIdTokenClaims: false,
    cookies: { keys: [randomBytes(16).toString('hex')] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: async () => ({
        ...{ sub: id, name: id, roles: [...kit.person.roles] },
        ...(kit.person.organisation && { organization: kit.person.organisation }),
      }),
    }),
    ttl: { AccessToken: 60, AuthorizationCode: 60, Grant: 60, IdToken: 60, Interaction: 60, Session: 60 },
  })
  const callback = provider.callback()

  server.on('request', (request, response) => {
    if (!request.url?.startsWith('/interaction/')) {
      callback(request, response)
      return
    }
    void (async () => {
      if (kit.refuse) {
        const result = { error: 'access_denied', error_description: 'the person said no' }
        return provider.interactionFinished(request, response, result)
      }
      const { params } = await provider.interactionDetails(request, response)
      const grant = new provider.Grant({ accountId: kit.person.id, clientId })
      grant.addOIDCScope(String(params.scope))
      const grantId = await grant.save()
      const result = { login: { accountId: kit.person.id, remember: false }, consent: { grantId } }
      return provider.interactionFinished(request, response, result)
    })()
  })
  return kit
}
