import { type AddressInfo, connect, createServer } from 'node:net'

export interface RecordingProxy extends AsyncDisposable {
  readonly url: string
  /** Everything that went through, in both directions. */
  seen(): Buffer
}

/** Stands for whoever owns the network: passes every byte on, and keeps it. */
export async function startRecordingProxy(target: string): Promise<RecordingProxy> {
  const { hostname, port } = new URL(target)
  const chunks: Buffer[] = []
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    const keep = (chunk: Buffer): void => void chunks.push(chunk)
    client.on('data', keep).on('error', () => upstream.destroy())
    upstream.on('data', keep).on('error', () => client.destroy())
    client.pipe(upstream).pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: () => Buffer.concat(chunks),
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
