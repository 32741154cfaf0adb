import type { AeadName, Awaitable, CryptoBackend, ErrorCode, KemPrivateKey } from '@keyhaven/crypto'
import type { ClientInfo } from '../wire/client-header.ts'
import type { KeyConfig } from '../wire/key-config.ts'
import type { GatewayLimits } from './limits.ts'

/** A key as the gateway sees it. */
export interface GatewayKey {
  /** 0 to 255. */
  readonly keyId: number
  /** A pending key opens already, a retiring one still. */
  readonly state: 'pending' | 'active' | 'retiring' | 'revoked'
  /** Absent when revoked. The same object at every call: what is derived from it is kept with it. */
  readonly privateKey?: KemPrivateKey
  /** Those that a request may use. */
  readonly aeads: readonly AeadName[]
}

/** Where the gateway finds its keys. A failure (a throw) closes the gateway: nothing is opened. */
export interface GatewayKeys {
  /** @returns undefined if there is no such key. */
  find(applicationId: string, keyId: number): Awaitable<GatewayKey | undefined>
  /** The advertised keys, newest first; undefined if there is no such application. */
  keyConfigs(applicationId: string): Awaitable<readonly KeyConfig[] | undefined>
}

/** What is remembered of one request. */
export interface ReplayEntry {
  readonly applicationId: string
  /** SHA-256 of the encapsulated key, 32 bytes. */
  readonly encapsulatedKey: Uint8Array
  /** 16 bytes in base64url, chosen by the client for all attempts of one call. */
  readonly requestId: string | undefined
  /** Milliseconds since the epoch; after it the entry may be forgotten. */
  readonly expiresAt: number
}

/** What has been seen, shared by all processes that could answer the same request. */
export interface ReplayStore {
  /**
   * Milliseconds since the epoch: a request dated earlier is refused. 0 for a store that outlives the
   * process. A store in memory says when it began, since it cannot know what ran before; requests dated in
   * the future are then held until their date, so that none can outlive a restart.
   */
  readonly refusesBefore: number
  /**
   * Atomic: inserts encapsulated key and request id, or neither, and answers false, if either is there
   * already. A failure (a throw) closes the gateway: nothing runs.
   */
  insert(entry: ReplayEntry): Awaitable<boolean>
  /**
   * As {@link insert}, for a request that is refused because its date lies ahead: the entry must also outlive
   * a loss of the store's memory, or the request could run when its date has come. A store that cannot
   * promise this has no `burn`, and one that has no room for it answers undefined: the gateway then tells the
   * client that the request may still run.
   */
  burn?(entry: ReplayEntry): Awaitable<boolean | undefined>
  /** Whether either is there; marks nothing. */
  has(entry: ReplayEntry): Awaitable<boolean>
}

/** What the handler may rely on: all of it was authenticated by opening the request. */
export interface SealedContext {
  readonly applicationId: string
  readonly keyId: number
  /** Absent for a client that is not ours. */
  readonly requestId?: string
  readonly client?: ClientInfo
  /** A value that only the two ends of this exchange know. @param length - bytes. */
  export(label: Uint8Array, length: number): Awaitable<Uint8Array>
}

export type SealedHandler = (request: Request, context: SealedContext) => Awaitable<Response>

/** One exchange, for usage figures and metrics. Holds nothing that was inside the request but who sent it. */
export interface GatewayEvent {
  readonly applicationId: string
  /** Absent if the request did not get as far as a key. */
  readonly keyId?: number
  readonly client?: ClientInfo
  /** `answered`: by the handler. Otherwise the code of the refusal, sealed or not. */
  readonly outcome: 'answered' | ErrorCode
}

export interface GatewayOptions {
  readonly keys: GatewayKeys
  readonly handler: SealedHandler
  readonly replay: ReplayStore
  /** For calls that name no application. Default `default`. */
  readonly applicationId?: string
  /** Milliseconds since the epoch. */
  readonly clock?: () => number
  /** Waits that many milliseconds. */
  readonly sleep?: (milliseconds: number) => Promise<void>
  readonly backend?: CryptoBackend
  /** Which paths (without query) can be called inside the seal. Default: all. */
  readonly allowPath?: (path: string) => boolean
  readonly limits?: Partial<GatewayLimits>
  /** How old a request may be. Default 120. */
  readonly windowSeconds?: number
  /** How far a request's date may lie ahead of our clock. Default 30. */
  readonly skewSeconds?: number
  /** Called once for each exchange; what it throws is dropped. */
  readonly onExchange?: (event: GatewayEvent) => void
}

/** A request as it came over the network, body not read yet. */
export interface OuterRequest {
  readonly applicationId: string
  /** The Content-Type field. */
  readonly contentType: string | null | undefined
  /** Whole, or as it arrives; a failure of the stream counts as a cut. */
  readonly body: Uint8Array | AsyncIterable<Uint8Array>
  /** The Content-Length field, if there is one. */
  readonly contentLength?: number | undefined
  /** Aborts when the caller goes away; a function if it is costly to make. */
  readonly signal?: (() => AbortSignal) | undefined
}

/** What goes back over the network. */
export interface OuterResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | AsyncIterable<Uint8Array>
}

export interface EnvelopeCheck {
  readonly accepted: boolean
  readonly reason?: 'unknown-key' | 'revoked' | 'not-openable' | 'replayed' | 'clock' | 'malformed'
  /** For whoever writes a client. */
  readonly detail?: string
}

export interface Gateway {
  /** A whole HTTP call: POST of an envelope, GET of the key configurations. */
  (request: Request, applicationId?: string): Promise<Response>
  /**
   * The same for an envelope, on bytes: for adapters. Never throws; a body that streams may fail while it is
   * read.
   */
  exchange(request: OuterRequest): Promise<OuterResponse>
  /** The body of `application/ohttp-keys` for one application. */
  keyConfigs(applicationId: string): Promise<OuterResponse>
  /** Whether an envelope would be accepted. Runs nothing, marks nothing as seen. */
  check(envelope: Uint8Array, contentType: string, applicationId: string): Promise<EnvelopeCheck>
  /** For calls that name no application. */
  readonly applicationId: string
}
