import { connect, type Socket } from 'node:net'

const MICROSECONDS_PER_MILLISECOND = 1_000
const HEAD_END = Buffer.from('\r\n\r\n')
const STATUS_AT = 'HTTP/1.1 '.length

export interface LoadResult {
  readonly seconds: number
  /** Of each request, in microseconds, ascending. */
  readonly latencies: readonly number[]
}

/**
 * Sends every request once over a few kept-alive connections, each with one request under way at a time. It
 * parses as little as it can, so that the server is what is measured.
 *
 * @param requests - whole HTTP/1.1 requests as bytes; whatever is expensive to make was made before.
 * @throws Error on any status but 200.
 */
export async function sendAll(
  port: number,
  requests: readonly Uint8Array[],
  connections: number,
): Promise<LoadResult> {
  const latencies: number[] = []
  let next = 0
  const start = performance.now()
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect(port, '127.0.0.1')
      socket.setNoDelay(true)
      try {
        const answers = answersOf(socket)
        for (let index = next++; index < requests.length; index = next++) {
          const sentAt = performance.now()
          socket.write(requests[index]!)
          await answers.next()
          latencies.push((performance.now() - sentAt) * MICROSECONDS_PER_MILLISECOND)
        }
      } finally {
        socket.destroy()
      }
    }),
  )
  const seconds = (performance.now() - start) / 1_000
  return { seconds, latencies: latencies.sort((a, b) => a - b) }
}

/** One `next()` for each answer that has come in whole. */
function answersOf(socket: Socket): { next(): Promise<void> } {
  let pending: Buffer = Buffer.alloc(0)
  let wake: { resolve: () => void; reject: (error: Error) => void } | undefined
  socket.on('data', (piece: Buffer) => {
    pending = pending.length === 0 ? piece : Buffer.concat([pending, piece])
    const length = answerLength(pending)
    if (length === undefined || pending.length < length) return
    const status = pending.toString('latin1', STATUS_AT, STATUS_AT + 3)
    if (status !== '200') wake?.reject(new Error(`the server answered ${pending.toString('latin1')}`))
    pending = pending.subarray(length)
    wake?.resolve()
  })
  socket.on('error', (error) => wake?.reject(error))
  socket.on('close', () => wake?.reject(new Error('the server closed the connection')))
  return {
    next: () =>
      new Promise((resolve, reject) => {
        wake = { resolve, reject }
      }),
  }
}

/** Head and declared body; undefined until the head is there. */
function answerLength(bytes: Buffer): number | undefined {
  const end = bytes.indexOf(HEAD_END)
  if (end < 0) return undefined
  const length = /\r\ncontent-length: (\d+)/i.exec(bytes.toString('latin1', 0, end))?.[1]
  if (length === undefined) throw new Error('an answer of no declared length')
  return end + HEAD_END.length + Number(length)
}

/** A request of HTTP/1.1 as bytes. */
export function httpPost(path: string, contentType: string, body: Uint8Array): Uint8Array {
  const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: ${contentType}\r\ncontent-length: ${body.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), body])
}

/** @param share - 0.5 for the median. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
