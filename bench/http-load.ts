import { connect, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'

const MICROSECONDS_PER_MILLISECOND = 1_000
const MILLISECONDS_PER_SECOND = 1_000
const HEAD_END = Buffer.from('\r\n\r\n')
const STATUS_AT = 'HTTP/1.1 '.length

export interface LoadResult {
  readonly seconds: number
  /** Of each request, in microseconds, ascending. */
  readonly latencies: readonly number[]
}

export interface LoadOptions {
  /**
   * How many are sent in a second, at even distances; a latency counts from when its request was due, so that
   * what waits for a free connection counts, too. Undefined: as many as are answered.
   */
  readonly perSecond?: number
  /** Text that every answer must have in it, where 200 alone says nothing. */
  readonly expected?: string
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
  { perSecond, expected = '' }: LoadOptions = {},
): Promise<LoadResult> {
  const latencies: number[] = []
  const wanted = Buffer.from(expected)
  let next = 0
  const start = performance.now()
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect(port, '127.0.0.1')
      socket.setNoDelay(true)
      try {
        const answers = answersOf(socket)
        for (let index = next++; index < requests.length; index = next++) {
          const due = perSecond && start + (index * MILLISECONDS_PER_SECOND) / perSecond
          if (due && due > performance.now()) await setTimeout(due - performance.now())
          const sentAt = due ?? performance.now()
          socket.write(requests[index]!)
          const answer = await answers.next()
          latencies.push((performance.now() - sentAt) * MICROSECONDS_PER_MILLISECOND)
          if (!answer.includes(wanted)) throw new Error(`another answer: ${answer.toString('latin1')}`)
        }
      } finally {
        socket.destroy()
      }
    }),
  )
  const seconds = (performance.now() - start) / MILLISECONDS_PER_SECOND
  return { seconds, latencies: latencies.sort((a, b) => a - b) }
}

/** One `next()` for each answer that has come in whole. */
function answersOf(socket: Socket): { next(): Promise<Buffer> } {
  let pending: Buffer = Buffer.alloc(0)
  let wake: { resolve: (answer: Buffer) => void; reject: (error: Error) => void } | undefined
  socket.on('data', (piece: Buffer) => {
    pending = pending.length === 0 ? piece : Buffer.concat([pending, piece])
    const length = answerLength(pending)
    if (length === undefined || pending.length < length) return
    const status = pending.toString('latin1', STATUS_AT, STATUS_AT + 3)
    if (status !== '200') wake?.reject(new Error(`the server answered ${pending.toString('latin1')}`))
    const answer = pending.subarray(0, length)
    pending = pending.subarray(length)
    wake?.resolve(answer)
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
export function httpPost(
  path: string,
  contentType: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Uint8Array {
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: ${contentType}\r\n${more.join('')}content-length: ${body.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), body])
}

/** @param share - 0.5 for the median. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
