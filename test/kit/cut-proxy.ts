import { createConnection, createServer, type Socket } from 'node:net'

/** A TCP proxy on 127.0.0.1 that can break its connections, as a train in a tunnel does. */
export interface CutProxy {
  readonly port: number
  /** Breaks every connection now. While `blocked`, new ones are broken at once, too. */
  cut(blocked?: boolean): void
  /** Lets new connections through again. */
  restore(): void
  /** From now on what the client sends is thrown away, and it does not notice. Until the next cut. */
  swallow(): void
  stop(): Promise<void>
}

export async function startCutProxy(target: number): Promise<CutProxy> {
  const sockets = new Set<Socket>()
  let blocked = false
  let swallowing = false
  const server = createServer((client) => {
    if (blocked) {
      client.destroy()
      return
    }
    const upstream = createConnection(target, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.on('data', (chunk) => {
      if (!swallowing) upstream.write(chunk)
    })
    upstream.pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const cut = (keepBlocked = false): void => {
    blocked = keepBlocked
    swallowing = false
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: address.port,
    cut,
    restore: () => {
      blocked = false
    },
    swallow: () => {
      swallowing = true
    },
    stop: async () => {
      cut(true)
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
