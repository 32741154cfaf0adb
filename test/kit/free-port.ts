import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Below the ports that systems choose by themselves (from 32,768 on Linux): until whoever asked listens on it, nobody
 * else is given it.
 */
const FIRST_PORT = 10_000
/** Of each worker of the tests. */
const PORTS = 2_000
const MAX_WORKERS = 10

let next = randomInt(PORTS)

/** A TCP port of 127.0.0.1 that nobody listens on now, and that no other worker of the tests takes. */
export async function freePort(): Promise<number> {
  const worker = Number(process.env.VITEST_POOL_ID ?? 0) % MAX_WORKERS
  for (let tried = 0; tried < PORTS; tried++) {
    const port = FIRST_PORT + worker * PORTS + (next++ % PORTS)
    if (await isFree(port)) return port
  }
  throw new Error('no port')
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
