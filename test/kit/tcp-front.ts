import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * What stands before several processes of a server, as a load balancer does: bytes of TCP, to one of them.
 */
export interface TcpFront {
  readonly url: string
  /** New connections go here. Those that are there stay where they are. */
  to(url: string): void
  /** Cuts every connection, on both sides. */
  cut(): void
  /** Cuts once so many bytes more have gone in, and lets nobody in until the next `to`. */
  cutAfter(bytes: number): void
  close(): Promise<void>
}

/** @param url - of the process that connections go to first. */
export async function startTcpFront(url: string): Promise<TcpFront> {
  let target: URL | undefined = new URL(url)
  let bytesToCut = Number.POSITIVE_INFINITY
  const sockets = new Set<Socket>()
  const server = createServer((incoming) => {
    if (target === undefined) {
      incoming.destroy()
      return
    }
    const outgoing = connect(Number(target.port), target.hostname)
    incoming.on('data', (piece) => {
      bytesToCut -= piece.length
      if (bytesToCut > 0) return
      bytesToCut = Number.POSITIVE_INFINITY
      target = undefined
      cut()
    })
    for (const [from, into] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(from)
      // What ends on one side, whichever way, ends on the other.
      from.once('close', () => {
        sockets.delete(from)
        into.destroy()
      })
      from.on('error', () => from.destroy())
      from.pipe(into)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    to: (next) => {
      target = new URL(next)
    },
    cut,
    cutAfter: (bytes) => {
      bytesToCut = bytes
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
  }
}
