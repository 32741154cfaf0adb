import { createServer } from 'node:net'
import { type Check, failed, ok } from './check.ts'

/**
 * Whether the server could listen there.
 *
 * @param running - a Keyhaven server answers already, so that its ports are taken rightly.
 */
export async function checkPort(
  name: string,
  address: { readonly host: string; readonly port: number },
  running: boolean,
): Promise<Check> {
  const place = `${address.host}:${address.port}`
  const code = await tryToListen(address)
  if (code === undefined)
    return ok(name, running ? `${place} is free; the server listens elsewhere` : `${place} is free`)
  if (code === 'EADDRINUSE' && running) return ok(name, `${place} is used by the running server`)
  const advice =
    code === 'EACCES'
      ? 'Choose a port from 1024 up, or give the server the right to listen below.'
      : code === 'EADDRNOTAVAIL'
        ? 'Choose an address of this machine.'
        : 'Stop the program that uses it, or choose another port.'
  return failed(name, `cannot listen on ${place} (${code})`, advice)
}

/** @returns the error's code, undefined if it would work. */
function tryToListen(address: { host: string; port: number }): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ ...address, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}
