import type { AeadName, CryptoBackend, HpkeSuite, Jwk } from '@keyhaven/crypto'
import type { ChannelStorage } from './channel-storage.ts'
import type { SignRequest } from './sign-request.ts'

/** A server key that ships inside the app, in either of two spellings. */
export type PinnedKey =
  | {
      /** 0 to 255. */
      readonly keyId: number
      /** base64url of the key as HPKE serialises it. */
      readonly publicKey: string
      /** @defaultValue the KEM that has keys of this length, with AES-256-GCM. */
      readonly suite?: HpkeSuite
    }
  | {
      /** 0 to 255. */
      readonly keyId: number
      readonly jwk: Jwk
      /** @defaultValue `aes-256-gcm` */
      readonly aead?: AeadName
    }

/** The app ships thumbprints of root keys and fetches signed manifests: keys rotate with no app release. */
export interface ManifestTrust {
  /** RFC 7638 thumbprints, base64url; two, one of them of a spare root key. */
  readonly rootThumbprints: readonly string[]
}

/** The app ships the server's keys themselves: keys rotate with app releases. */
export interface PinnedTrust {
  /** From the oldest to the newest; the client moves forward in this list and never back. */
  readonly pinnedKeys: readonly PinnedKey[]
}

export type ChannelTrust = ManifestTrust | PinnedTrust

export interface ChannelOptions {
  /** Where the gateway is, such as `https://keys.example.com`; relative URLs of `fetch` start from it too. */
  readonly url: string | URL
  readonly applicationId: string
  readonly trust: ChannelTrust
  /**
   * Shown in the usage of keys, by which an operator decides when to revoke: 1 to 64 of
   * `A-Z a-z 0-9 . _ + -`.
   */
  readonly appVersion?: string
  /** @defaultValue memory, which forgets with the process. */
  readonly storage?: ChannelStorage
  /** Carries the sealed bytes. @defaultValue the platform's `fetch` */
  readonly fetch?: typeof fetch
  /** @defaultValue the backend of this runtime */
  readonly backend?: CryptoBackend
  /** Milliseconds since the epoch. @defaultValue `Date.now` */
  readonly clock?: () => number
  /** Milliseconds from any start. @defaultValue `performance.now` */
  readonly monotonic?: () => number
  /** From 0 to 1, spreads refreshes over time. @defaultValue `Math.random` */
  readonly jitter?: () => number
  /**
   * Whether uploads go out while they are read. Browsers cannot do so over HTTP/1.1, and collect the sealed
   * upload in a Blob first. @defaultValue true outside browsers
   */
  readonly streamUploads?: boolean
}

export interface ChannelStatus {
  readonly trust: 'manifest' | 'pinned'
  /** The key that the next call is sealed to, once one is known. */
  readonly keyId: number | undefined
  /** The manifest in use; its end in seconds since the epoch. */
  readonly manifest:
    | { readonly epoch: number; readonly sequence: number; readonly expires: number }
    | undefined
  /** Milliseconds that the server's clock is ahead of the device's, as far as a sealed answer has said so. */
  readonly clockOffset: number
}

export interface Channel {
  /** As the platform's `fetch`; relative URLs start from the channel's `url`. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>
  /**
   * As `fetch`, with fields that `sign` makes for each attempt anew, because a signature holds for one seal
   * only. The body is read into memory first, and no redirect is followed: a signature is made for one
   * address.
   *
   * @throws KeyhavenError `WIRE_TOO_LARGE` on a body over 8 MiB; TypeError if the server redirects.
   */
  readonly signedFetch: (
    input: string | URL | Request,
    init: RequestInit | undefined,
    sign: SignRequest,
  ) => Promise<Response>
  /** Fetches the manifest now. A client of pinned keys has nothing to fetch. */
  refresh(): Promise<void>
  status(): ChannelStatus
  /** Ends what runs in the background; later calls are refused. */
  close(): void
}
