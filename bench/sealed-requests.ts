import { createChannel } from '@keyhaven/channel'
import { httpPost } from './http-load.ts'

export interface PinnedE2eKey {
  readonly keyId: number
  readonly suite: { readonly kem: 'x-wing' | 'x25519' | 'p-256'; readonly aead: 'aes-256-gcm' }
  /** base64url */
  readonly publicKey: string
}

/**
 * What the channel's client sends for one call, caught before it goes out: padded, dated, with its own
 * request id.
 */
export function createSealer(
  applicationId: string,
  key: PinnedE2eKey,
): (path: string, body: string) => Promise<Uint8Array> {
  const caught: { type: string; body: Uint8Array }[] = []
  const channel = createChannel({
    url: 'http://127.0.0.1',
    applicationId,
    trust: { pinnedKeys: [key] },
    appVersion: '1.0.0',
    fetch: async (_url, init) => {
      const headers = new Headers(init?.headers)
      const type = headers.get('content-type') ?? ''
      caught.push({ type, body: new Uint8Array(init?.body as Uint8Array) })
      throw new TypeError('caught')
    },
  })
  return async (path, body) => {
    const headers = { 'content-type': 'application/json' }
    await channel.fetch(path, { method: 'POST', headers, body }).catch(() => undefined)
    const sent = caught.pop()
    if (sent === undefined) throw new Error('nothing was sent')
    return httpPost(`/gateway/${applicationId}`, sent.type, sent.body)
  }
}
