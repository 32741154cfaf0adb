import { type LookupAddress, lookup } from 'node:dns'
import { type RequestOptions, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { KeyhavenError } from '@keyhaven/crypto'
import type { WebhookSender } from '@keyhaven/identity/service'
import { isPrivateAddress } from './private-networks.ts'

/** For the whole call, from the look-up of the name to the end of the answer. */
export const WEBHOOK_TIMEOUT_MS = 10_000
/** Nothing in an answer counts but its status. */
export const WEBHOOK_ANSWER_BYTES = 65_536
const MAX_URL_CHARS = 1_024

export interface WebhookSenderOptions {
  /** Allows http and addresses of private networks: for set-ups of one's own. */
  readonly privateNetworks: boolean
  /** @internal For tests: what a name resolves to. */
  readonly resolve?: (host: string) => Promise<readonly LookupAddress[]>
  /** Authorities besides the usual ones, PEM. */
  readonly ca?: string
  readonly timeoutMs?: number
}

/** @throws KeyhavenError `INPUT_INVALID` for an address that nothing is ever sent to. */
export function checkWebhookUrl(text: string, privateNetworks: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const bad = (why: string) => new KeyhavenError('INPUT_INVALID', `webhook: ${why}`)
  if (url === undefined || text.length > MAX_URL_CHARS) throw bad('must be an https address')
  if (url.protocol !== 'https:' && !(privateNetworks && url.protocol === 'http:'))
    throw bad('must be an https address')
  if (url.username !== '' || url.password !== '' || url.hash !== '')
    throw bad('no user, password or fragment in it')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (!privateNetworks && isIP(host) !== 0 && isPrivateAddress(host)) throw bad('it is in a private network')
  return url
}

/**
 * Posts with no redirect followed. The address that a name resolves to is the one that is connected to, so a
 * name that points elsewhere a moment later leads nowhere (DNS rebinding).
 */
export function createWebhookSender(options: WebhookSenderOptions): WebhookSender {
  const { privateNetworks } = options
  const resolve = options.resolve ?? resolveAll

  const checkedLookup: LookupFunction = (host, lookupOptions, callback) => {
    resolve(host).then(
      (addresses) => {
        const refused = !privateNetworks && addresses.some(({ address }) => isPrivateAddress(address))
        const [first] = addresses
        if (refused || first === undefined) callback(new PrivateAddress(), '')
        else if (lookupOptions.all) callback(null, [...addresses])
        else callback(null, first.address, first.family)
      },
      (error: Error) => callback(error as NodeJS.ErrnoException, ''),
    )
  }

  return {
    async post(address, headers, body) {
      let url: URL
      try {
        url = checkWebhookUrl(address, privateNetworks)
      } catch (cause) {
        throw new KeyhavenError('UPSTREAM_REFUSED', (cause as Error).message, { cause })
      }
      const request: RequestOptions & { ca?: string } = {
        ...{ method: 'POST', lookup: checkedLookup, agent: false },
        headers: { ...headers, 'content-length': body.length, 'user-agent': 'keyhaven' },
        ...(options.ca === undefined ? {} : { ca: options.ca }),
      }
      try {
        return { status: await send(url, request, body, options.timeoutMs ?? WEBHOOK_TIMEOUT_MS) }
      } catch (cause) {
        if (cause instanceof PrivateAddress) {
          throw new KeyhavenError('UPSTREAM_REFUSED', 'the webhook’s name leads into a private network', {
            cause,
          })
        }
        throw new KeyhavenError('UPSTREAM_FAILED', 'the webhook did not answer', { cause })
      }
    },
  }
}

class PrivateAddress extends Error {}

function send(url: URL, options: RequestOptions, body: Uint8Array, timeoutMs: number): Promise<number> {
  return new Promise((succeed, fail) => {
    const call = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options, (answer) => {
      let bytes = 0
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > WEBHOOK_ANSWER_BYTES) call.destroy(new Error('the answer is too long'))
      })
      answer.once('end', () => finish(() => succeed(answer.statusCode ?? 0)))
      answer.once('error', (error) => finish(() => fail(error)))
    })
    const timer = setTimeout(() => call.destroy(new Error('no answer in time')), timeoutMs)
    const finish = (work: () => void) => {
      clearTimeout(timer)
      work()
    }
    call.once('error', (error) => finish(() => fail(error)))
    call.end(body)
  })
}

function resolveAll(host: string): Promise<readonly LookupAddress[]> {
  return new Promise((succeed, fail) => {
    lookup(host, { all: true, verbatim: true }, (error, addresses) =>
      error ? fail(error) : succeed(addresses),
    )
  })
}
