import { KeyhavenError } from '@keyhaven/crypto'
import { NS_DATA, NS_MAM, NS_RSM } from '../codec/namespaces.ts'
import { childNamed, type QualifiedElement, qualify, textOf, type XmlElement } from '../codec/xml-element.ts'
import { type Forwarded, readForwarded } from './forwarded.ts'
import { isFrom, type Jid } from './jid.ts'
import { requestError } from './stanza-error.ts'
import type { XmlFactory, XmppClient, XmppElement } from './xmpp-client.ts'

const DEFAULT_PAGE_SIZE = 50
const MAX_PAGE_SIZE = 1_000
const QUERY_TIMEOUT_MS = 60_000

export interface ArchiveOptions {
  /** A room's archive; the own one if left out. */
  readonly room?: string
  /** Only what was exchanged with this address. */
  readonly with?: string
  readonly start?: Date
  readonly end?: Date
  /** `backward`: the newest page first; within a page the order is always that of the archive. */
  readonly direction?: 'forward' | 'backward'
  /** Archive id to continue behind, in the direction of reading; from the very end if left out. */
  readonly after?: string
  /** 50 if left out; servers may give fewer. */
  readonly pageSize?: number
  /** Ends the reading, after the page that is being read. */
  readonly signal?: AbortSignal
}

/** One `<result/>` of the archive asked. */
export interface ArchivedStanza {
  readonly archiveId: string
  readonly forwarded: Forwarded
}

export interface StanzaPage {
  readonly stanzas: readonly ArchivedStanza[]
  /** Archive ids of the page's ends, undefined for an empty page. */
  readonly first: string | undefined
  readonly last: string | undefined
  /** Nothing follows, in the direction of reading. */
  readonly complete: boolean
}

interface OpenQuery {
  /** Bare address of the archive asked. */
  readonly archive: string
  readonly limit: number
  readonly stanzas: ArchivedStanza[]
}

/**
 * Message archive (XEP-0313). A result counts only from the archive asked, and only while its query is open.
 */
export class Archive {
  readonly #client: XmppClient
  readonly #xml: XmlFactory
  readonly #newId: () => string
  readonly #open = new Map<string, OpenQuery>()

  constructor(parts: { client: XmppClient; xml: XmlFactory; newId: () => string }) {
    this.#client = parts.client
    this.#xml = parts.xml
    this.#newId = parts.newId
  }

  /** @returns why the result is refused, undefined if it was asked for. */
  onResult(message: QualifiedElement, result: QualifiedElement, own: Jid): string | undefined {
    const { queryid, id } = result.element.attrs
    const query = this.#open.get(queryid ?? '')
    if (!query) return 'an archive result that was not asked for'
    if (!isFrom(message.element.attrs.from, query.archive, own)) return 'an archive result from elsewhere'
    const forwarded = readForwarded(result)
    if (!forwarded || !id) return 'an archive result without a message'
    if (query.stanzas.length >= query.limit) return 'more archive results than asked for'
    query.stanzas.push({ archiveId: id, forwarded })
    return undefined
  }

  /** @throws KeyhavenError `UPSTREAM_REFUSED` with the server's condition, `UPSTREAM_FAILED`. */
  async *pages(archive: Jid, own: Jid, options: ArchiveOptions): AsyncGenerator<StanzaPage, void> {
    const backward = options.direction === 'backward'
    const size = options.pageSize ?? DEFAULT_PAGE_SIZE
    if (!Number.isInteger(size) || size < 1 || size > MAX_PAGE_SIZE) throw new TypeError('page size')
    let { after } = options
    while (!options.signal?.aborted) {
      const page = await this.#page(archive, own, { ...options, after, backward, size })
      yield page
      const next = backward ? page.first : page.last
      if (page.complete || next === undefined) return
      // Else it would go round for ever.
      if (next === after) throw new KeyhavenError('UPSTREAM_FAILED', 'the archive repeats itself')
      after = next
    }
  }

  async #page(archive: Jid, own: Jid, range: Range): Promise<StanzaPage> {
    const queryId = this.#newId()
    const query: OpenQuery = { archive: archive.bare, limit: range.size, stanzas: [] }
    this.#open.set(queryId, query)
    try {
      const request = this.#request(archive, queryId, range)
      const answer = await this.#client.iqCaller
        .request(request, QUERY_TIMEOUT_MS)
        .catch((error: unknown) => Promise.reject(requestError(error, 'the archive')))
      return { stanzas: query.stanzas, ...readFin(answer, archive, own) }
    } finally {
      this.#open.delete(queryId)
    }
  }

  #request(archive: Jid, queryId: string, { backward, size, after, ...range }: Range): XmppElement {
    const xml = this.#xml
    const field = (name: string, value: string) => xml('field', { var: name }, xml('value', {}, value))
    const fields = [xml('field', { var: 'FORM_TYPE', type: 'hidden' }, xml('value', {}, NS_MAM))]
    if (range.with !== undefined) fields.push(field('with', range.with))
    if (range.start) fields.push(field('start', range.start.toISOString()))
    if (range.end) fields.push(field('end', range.end.toISOString()))
    const set = [xml('max', {}, String(size))]
    const from = after === undefined ? [] : [after]
    // An empty `before` is the last page (XEP-0059 §2.5).
    if (backward || after !== undefined) set.push(xml(backward ? 'before' : 'after', {}, ...from))
    const query = xml(
      'query',
      { xmlns: NS_MAM, queryid: queryId },
      xml('x', { xmlns: NS_DATA, type: 'submit' }, ...fields),
      xml('set', { xmlns: NS_RSM }, ...set),
    )
    return xml('iq', { type: 'set', to: archive.bare, id: this.#newId() }, query)
  }
}

interface Range extends Pick<ArchiveOptions, 'with' | 'start' | 'end'> {
  readonly after: string | undefined
  readonly backward: boolean
  readonly size: number
}

function readFin(answer: XmlElement, archive: Jid, own: Jid): Omit<StanzaPage, 'stanzas'> {
  const iq = qualify(answer)
  // The client looks at the answer's id alone.
  if (!isFrom(answer.attrs.from, archive.bare, own)) {
    throw new KeyhavenError('UPSTREAM_FAILED', 'an answer from elsewhere than the archive')
  }
  const fin = childNamed(iq, 'fin', NS_MAM)
  if (!fin) throw new KeyhavenError('UPSTREAM_FAILED', 'the archive did not say how the page ends')
  const set = childNamed(fin, 'set', NS_RSM)
  const value = (name: string): string | undefined => {
    const element = set && childNamed(set, name, NS_RSM)
    return (element && textOf(element)) || undefined
  }
  return { first: value('first'), last: value('last'), complete: fin.element.attrs.complete === 'true' }
}
