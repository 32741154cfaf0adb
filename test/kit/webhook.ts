import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { selfSignedCertificate } from './self-signed-certificate.ts'

interface Received {
  readonly headers: Record<string, string>
  readonly body: Buffer
}

export type TestWebhook = Awaited<ReturnType<typeof startWebhook>>

/** A partner's webhook that answers as it is told. */
export async function startWebhook() {
  const { certificate, privateKey } = selfSignedCertificate()
  const received: Received[] = []
  const state = { status: 200, location: '', body: 'ok' }
  let arrived: () => void = () => {}
  const server = createServer({ cert: certificate, key: privateKey }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      received.push({ headers: request.headers as Record<string, string>, body: Buffer.concat(chunks) })
      response.writeHead(state.status, state.location === '' ? {} : { location: state.location })
      response.end(state.body)
      arrived()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    ...{ received, state, certificate },
    url: `https://localhost:${(server.address() as AddressInfo).port}/events`,
    /** Resolves once so many have come. */
    async until(count: number): Promise<void> {
      while (received.length < count) {
        await new Promise<void>((resolve) => {
          arrived = resolve
        })
      }
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(resolve)
      }),
  }
}
