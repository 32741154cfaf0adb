import { createHash, randomBytes } from 'node:crypto'
import type { Captured, Interceptor } from '../../test/kit/mitmproxy.ts'
import { installApp, MARKER, type Scene } from './channel-scene.ts'
import { entropyBits, hexLines, sightings } from './eavesdropper.ts'
import type { Tour } from './tour.ts'

const UPLOAD_BYTES = 50_000_000
const STREAM_PIECES = 8
const STREAM_DELAY_MS = 60
const BODY = JSON.stringify({ from: MARKER, amount: 100, currency: 'EUR' })
const CALL = {
  method: 'POST',
  headers: { 'content-type': 'application/json', 'x-account': MARKER },
  body: BODY,
}
/** Sealed bytes of a call have nearly 8 bits of entropy a byte; JSON has 4 to 5. */
const CIPHERTEXT_MIN_BITS = 7.7

/**
 * The same interceptor in front of the same API without the channel: TLS alone, and a CA that the app
 * trusts.
 */
export async function plainControl(tour: Tour, interceptor: Interceptor): Promise<void> {
  tour.chapter('1. Control: the call without the channel')
  const answer = await fetch(`${interceptor.url}/v1/echo?account=${MARKER}`, CALL)
  const text = await answer.text()
  const seen = await interceptor.captured()
  const found = sightings(seen, MARKER)
  tour.sideBySide(
    { title: 'The app', lines: appLines(`/v1/echo?account=${MARKER}`, answer.status, text) },
    { title: 'The interceptor', lines: interceptorText(seen[0]) },
  )
  tour.claim(answer.ok && found > 0, `over TLS alone the interceptor read the marker ${found} times`)
}

export async function sealedCalls(scene: Scene): Promise<void> {
  const { tour, interceptor } = scene
  tour.chapter('2. The same call through the channel')
  const app = installApp(scene, '1.0.0')
  const answer = await app.fetch(`/v1/echo?account=${MARKER}`, CALL)
  const text = await answer.text()
  const json = (await interceptor.captured()).find(({ method }) => method === 'POST')
  tour.sideBySide(
    { title: 'The app', lines: appLines(`/v1/echo?account=${MARKER}`, answer.status, text) },
    { title: 'The interceptor', lines: interceptorHex(json) },
  )
  tour.claim(answer.ok && text.includes(MARKER), 'JSON: the server read the call and answered')

  const { seconds, matches } = await upload(scene, app.fetch)
  const rate = UPLOAD_BYTES / 1e6 / seconds
  tour.claim(matches, `upload: 50 MB in ${seconds.toFixed(1)} s (${rate.toFixed(0)} MB/s), SHA-256 as sent`)

  const arrivals = await streamedAnswer(app.fetch)
  const spread = Math.round(arrivals.at(-1)! - arrivals[0]!)
  tour.claim(
    arrivals.length >= STREAM_PIECES / 2 && spread > STREAM_DELAY_MS,
    `streamed answer: ${arrivals.length} pieces over ${spread} ms, each handed over once authentic`,
  )

  const seen = await interceptor.captured()
  const bytes = seen.reduce((sum, one) => sum + one.requestBody.length + one.responseBody.length, 0)
  const bits = entropyBits(Buffer.concat(seen.filter(isCall).map(({ requestBody }) => requestBody)))
  const found = sightings(seen, MARKER)
  tour.claim(
    found === 0,
    `the marker in the ${(bytes / 1e6).toFixed(0)} MB that passed, as text, hex or base64: ${found} times`,
  )
  const words = ['/v1/echo', 'x-account', 'application/json'].filter((word) => sightings(seen, word) > 0)
  tour.claim(words.length === 0, 'nor are path, header names and media type of the calls')
  tour.claim(
    bits > CIPHERTEXT_MIN_BITS,
    `what it saw has ${bits.toFixed(2)} bits of entropy a byte: ciphertext`,
  )
  app.close()
}

async function upload(
  scene: Scene,
  send: typeof fetch,
): Promise<{ readonly seconds: number; readonly matches: boolean }> {
  const before = (await scene.interceptor.captured()).length
  const file = Buffer.concat([
    Buffer.from(MARKER),
    randomBytes(UPLOAD_BYTES - 2 * MARKER.length),
    Buffer.from(MARKER),
  ])
  const begun = performance.now()
  const answer = await send('/v1/echo', { method: 'POST', body: new Blob([file]) })
  const { bytes, sha256 } = (await answer.json()) as { bytes: number; sha256: string }
  const seconds = (performance.now() - begun) / 1000
  const passed = (await scene.interceptor.captured()).slice(before).filter(isCall)
  const matches =
    passed.length === 1 &&
    bytes === UPLOAD_BYTES &&
    sha256 === createHash('sha256').update(file).digest('hex')
  return { seconds, matches }
}

/** @returns when each piece of the answer came, in milliseconds. */
async function streamedAnswer(send: typeof fetch): Promise<number[]> {
  const query = `pieces=${STREAM_PIECES}&bytes=20000&delayMs=${STREAM_DELAY_MS}`
  const answer = await send(`/v1/echo/stream?${query}`)
  const arrivals: number[] = []
  for await (const _ of answer.body!) arrivals.push(performance.now())
  return arrivals
}

function isCall(exchange: Captured): boolean {
  return exchange.method === 'POST'
}

function appLines(path: string, status: number, text: string): string[] {
  return [`POST ${path}`, `x-account: ${MARKER}`, BODY, '', `HTTP ${status}`, text]
}

function interceptorText(exchange: Captured | undefined): string[] {
  if (exchange === undefined) return ['nothing']
  const account = exchange.requestHeaders.find(([name]) => name.toLowerCase() === 'x-account')
  return [
    `${exchange.method} ${exchange.path}`,
    account?.join(': ') ?? '',
    exchange.requestBody.toString(),
    '',
    `HTTP ${exchange.status}`,
    exchange.responseBody.toString(),
  ]
}

function interceptorHex(exchange: Captured | undefined): string[] {
  if (exchange === undefined) return ['nothing']
  return [
    `${exchange.method} ${exchange.path}`,
    ...hexLines(exchange.requestBody, 2),
    `… ${exchange.requestBody.length} bytes`,
    `HTTP ${exchange.status}`,
    ...hexLines(exchange.responseBody, 2),
    `… ${exchange.responseBody.length} bytes`,
  ]
}
