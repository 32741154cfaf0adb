import { KeyhavenError } from '@keyhaven/crypto'
import type { BhttpField } from '../wire/bhttp-message.ts'
import {
  CLIENT_FIELD,
  type ClientInfo,
  checkRequestId,
  DATE_FIELD,
  decodeClientInfo,
  REQUEST_ID_FIELD,
} from '../wire/client-header.ts'
import { parseHttpDate } from '../wire/http-date.ts'

/** What a request says to the gateway itself. */
export interface OwnFields {
  readonly requestId: string | undefined
  readonly client: ClientInfo | undefined
  /** Milliseconds since the epoch. */
  readonly date: number | undefined
}

const knownClients = new Map<string, ClientInfo>()
const KNOWN_CLIENTS_MAX = 1024

/** An installation sends the same text each time. */
function clientInfo(text: string): ClientInfo {
  let info = knownClients.get(text)
  if (info === undefined) {
    info = decodeClientInfo(text)
    if (knownClients.size >= KNOWN_CLIENTS_MAX) knownClients.clear()
    knownClients.set(text, info)
  }
  return info
}

/**
 * @throws KeyhavenError `WIRE_MALFORMED` on a field of ours that is there twice or malformed, or on two
 * dates.
 */
export function readOwnFields(fields: readonly BhttpField[]): OwnFields {
  let requestId: string | undefined
  let client: ClientInfo | undefined
  let dateText: string | undefined
  for (const [name, value] of fields) {
    if (name === REQUEST_ID_FIELD) {
      if (requestId !== undefined) throw new KeyhavenError('WIRE_MALFORMED', 'two request ids')
      requestId = checkRequestId(value)
    } else if (name === CLIENT_FIELD) {
      if (client !== undefined) throw new KeyhavenError('WIRE_MALFORMED', 'two clients')
      client = clientInfo(value)
    } else if (name === DATE_FIELD) {
      if (dateText !== undefined) throw new KeyhavenError('WIRE_MALFORMED', 'two dates')
      dateText = value
    }
  }
  return { requestId, client, date: dateText === undefined ? undefined : parseHttpDate(dateText) }
}
