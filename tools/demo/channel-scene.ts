import { type ChannelTrust, connect, type Keyhaven } from '@keyhaven/sdk'
import type { Interceptor } from '../../test/kit/mitmproxy.ts'
import type { TlsServer } from '../../test/kit/tls-server.ts'
import type { Tour } from './tour.ts'

export interface Scene {
  readonly tour: Tour
  readonly server: TlsServer
  readonly interceptor: Interceptor
}

/** A key as the admin API shows it. */
export interface DemoKey {
  readonly id: string
  readonly keyId: number
  readonly publicKey: string
  readonly suiteName: string
  readonly state: 'pending' | 'active' | 'retiring' | 'revoked'
}

/** What the searches look for: the marker is in the path, a header and the body of each call. */
export const MARKER = 'MARKER-IBAN-DE02120300000000202051'

/** An app whose way to the server leads through the interceptor. */
export function installApp(scene: Scene, appVersion: string, trust?: ChannelTrust): Keyhaven {
  return connect({
    url: scene.interceptor.url,
    applicationId: 'demo',
    appVersion,
    trust: trust ?? { rootThumbprints: scene.server.rootThumbprints },
  })
}

/** @returns the code of the KeyhavenError that the call ended with, or what it ended with instead. */
export async function codeOf(call: Promise<Response>): Promise<string> {
  try {
    const answer = await call
    await answer.arrayBuffer()
    return `HTTP ${answer.status}`
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}
