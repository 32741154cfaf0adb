import type { TestOidcProvider } from './oidc.ts'

/**
 * Signs `provider.person` in as a browser would.
 *
 * @returns the id token.
 */
export async function signInForIdToken(
  provider: TestOidcProvider,
  redirectUri: string,
  { nonce, scope = 'openid' }: { readonly nonce: string; readonly scope?: string },
): Promise<string> {
  const oidc = await import('openid-client')
  const configuration = await oidc.discovery(
    new URL(provider.issuer),
    provider.clientId,
    undefined,
    oidc.ClientSecretBasic(provider.clientSecret),
    { execute: [oidc.allowInsecureRequests] },
  )
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
  const parameters = {
    redirect_uri: redirectUri,
    ...{ scope, nonce, state: 'state', code_challenge_method: 'S256' },
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
  }
  let url = oidc.buildAuthorizationUrl(configuration, parameters)
  const cookies = new Map<string, string>()
  while (!url.href.startsWith(redirectUri)) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await fetch(url, { redirect: 'manual', headers: { cookie } })
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!
      cookies.set(name!, value!)
    }
    url = new URL(answer.headers.get('location')!, url)
  }
  const checks = { expectedNonce: nonce, expectedState: 'state', pkceCodeVerifier, idTokenExpected: true }
  return (await oidc.authorizationCodeGrant(configuration, url, checks)).id_token!
}
