import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket, connect as tcpConnect } from 'node:net'

/**
 * Somebody's line to the key server, and whoever sits on it: reads every byte, and decides where the line
 * ends.
 */
export interface Wiretap {
  /** http://127.0.0.1:PORT, where the app thinks its server is. */
  readonly url: string
  /**
   * From now on the line ends at another server. Resolves when the app has noticed that its connections are
   * gone.
   */
  lead(upstream: string): Promise<void>
  /** Breaks every connection, and each new one, until the line is led somewhere. */
  cut(): void
  /** The same when so many more bytes have passed. Resolves then. */
  cutAfter(bytes: number): Promise<void>
  /** Whether what passes is kept: not while large files do. */
  keeps: boolean
  /** Everything that passed so far, both ways, as far as it was kept. */
  bytes(): Buffer
  /** How many bytes passed. */
  readonly passed: number
  close(): Promise<void>
}

/** @param upstream - http URL of the server. */
export async function startWiretap(upstream: string): Promise<Wiretap> {
  let target = new URL(upstream)
  const seen: Buffer[] = []
  const open = new Set<Socket>()
  const apps = new Set<Socket>()
  let isCut = false
  let keeps = true
  let passed = 0
  let fuse: { readonly at: number; blow(): void } | undefined
  const server = createServer((app) => {
    if (isCut) {
      app.destroy()
      return
    }
    apps.add(app)
    app.once('close', () => apps.delete(app))
    const line = tcpConnect(Number(target.port), target.hostname)
    for (const [from, to] of [
      [app, line],
      [line, app],
    ] as const) {
      open.add(from)
      from.on('data', (piece: Buffer) => {
        passed += piece.length
        if (keeps) seen.push(piece)
        if (fuse && passed >= fuse.at) fuse.blow()
      })
      from.on('error', () => to.destroy())
      from.on('close', () => {
        open.delete(from)
        to.destroy()
      })
      from.pipe(to)
    }
  })
  const cut = (): void => {
    isCut = true
    for (const socket of open) socket.destroy()
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async lead(next) {
      target = new URL(next)
      isCut = false
      const closed = [...apps].map((app) => once(app, 'close'))
      for (const app of apps) app.end()
      await Promise.all(closed)
    },
    cut,
    cutAfter: (bytes) =>
      new Promise((resolve) => {
        const blow = (): void => {
          fuse = undefined
          cut()
          resolve()
        }
        fuse = { at: passed + bytes, blow }
      }),
    get keeps() {
      return keeps
    },
    set keeps(kept) {
      keeps = kept
    },
    get passed() {
      return passed
    },
    bytes: () => Buffer.concat(seen),
    async close() {
      server.close()
      for (const socket of open) socket.destroy()
      await once(server, 'close')
    },
  }
}
