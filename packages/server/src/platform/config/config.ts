/** The server's settings, checked. Paths are absolute. See docs/operations.md for each variable. */
export interface Config {
  /** Public listener. */
  readonly host: string
  readonly port: number
  /** Admin API and dashboard, an address of its own. */
  readonly admin: { readonly host: string; readonly port: number }
  /** The addresses that people and apps use, if they differ from what is listened on. No trailing slash. */
  readonly adminUrl?: string
  readonly publicUrl?: string
  readonly dataDir: string
  readonly database: DatabaseConfig
  readonly redisUrl?: string
  readonly adminToken?: string
  readonly oidc?: OidcConfig
  readonly tls?: { readonly certFile: string; readonly keyFile: string }
  /** `/v1` answers only through the sealed channel. */
  readonly requireChannel: boolean
  /** 1: everything in one process. */
  readonly workers: number
  readonly masterKeyFile: string
  readonly masterPassphraseFile?: string
  /** 600 (10 minutes) to 86,400 (24 hours). */
  readonly manifestLifetimeSeconds: number
  /** Exact origins that proxy mode may forward to; the first is the default. */
  readonly upstreams: readonly string[]
  readonly logLevel: LogLevel
  readonly directory: DirectoryConfig
  readonly objects: ObjectsConfig
  /** Where wrapped conversation keys lie. */
  readonly conversationKeys: 'database' | 'objects'
  /** Bytes that the files of one conversation may have. */
  readonly conversationFileBytes: number
  /** Undefined: the identity capability is off, and none of its code is loaded. */
  readonly identity?: IdentityConfig
}

export type LogLevel = 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'

export type DatabaseConfig =
  | { readonly dialect: 'sqlite'; readonly file: string }
  | { readonly dialect: 'postgres'; readonly url: string }

/** Of the directory of users' keys, and its log. */
export interface DirectoryConfig {
  /** Folder of the log's files, beside the anchor. */
  readonly logDir: string
  /** In place of `keyhaven.local/…` in the names of new logs. */
  readonly logOrigin?: string
  readonly witnesses: readonly WitnessConfig[]
  /** Where users sign in with an id token whose `sub` is their name. */
  readonly oidc?: { readonly issuer: string; readonly clientId: string }
  /** Whether `rsa1024-legacy` may be registered. */
  readonly legacyProfile: boolean
  /** How long after its end a record may still be renewed. */
  readonly renewalGraceDays: number
}

/** Where files lie, and what else is too large for the database. */
export type ObjectsConfig = { readonly kind: 'disk'; readonly dir: string } | S3Config

export interface S3Config {
  readonly kind: 's3'
  readonly bucket: string
  readonly region: string
  /** Of another store than AWS. No trailing slash. */
  readonly endpoint?: string
  /** Names the KMS key that the store encrypts every object with; without it the bucket's own rule holds. */
  readonly kmsKey?: string
  /** `ENDPOINT/BUCKET` in place of `BUCKET.ENDPOINT`. */
  readonly pathStyle: boolean
  /** Without them those that AWS' tools find: variables, profile, role of the machine. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** Of the identity capability: what this process is, and whom it talks to. URLs have no trailing slash. */
export interface IdentityConfig {
  /**
   * `main`: registration, repository, partners, credentials; `ida`: authentication; `oprf`: the oblivious
   * PRF. Each is a process with a database, a data folder and an admin address of its own.
   */
  readonly role: 'main' | 'ida' | 'oprf'
  /** Plain HTTP(S) with MOSIP's paths. */
  readonly listen: { readonly host: string; readonly port: number }
  /** The address that others use for it, if it differs from what is listened on. */
  readonly url?: string
  readonly profile: 'mosip' | 'keyhaven'
  /** Where partners sign in, and the claim that names their organisation. */
  readonly oidc?: { readonly issuer: string; readonly clientId: string; readonly organisationClaim: string }
  /** Webhooks may go to http addresses and to private networks. */
  readonly webhooksPrivate: boolean
  /** Rounds of PBKDF2 behind encryption with a PIN; both ends must be set alike. */
  readonly pinIterations: number
  /** A policy may allow any number of reads of a share (`transactionsAllowed` "-1"). */
  readonly unlimitedShares: boolean
  readonly smtp?: { readonly url: string; readonly from: string }
  /** The process of role `oprf`, and our API token there. */
  readonly oprf?: { readonly url: string; readonly token: string }
  /** MOSIP's Bio-SDK HTTP service; without it the built-in matcher of simulated templates. */
  readonly bioSdkUrl?: string
  /** Of role `ida`: its partner id at the issuer. */
  readonly idaPartner: string
  /** Of role `ida`: how demographics are compared, by attribute or `ATTRIBUTE.LANGUAGE`; else exactly. */
  readonly matching: Readonly<Record<string, MatchingSetting>>
  /** Of role `ida`: the main server's identity listener. */
  readonly issuerUrl?: string
  readonly pkcs11?: { readonly module: string; readonly slotLabel: string; readonly pinFile: string }
}

/** How a text is compared, and the score of a hundred from which on it is a match. */
export interface MatchingSetting {
  readonly strategy: 'exact' | 'partial' | 'phonetic'
  readonly threshold: number
}

/** Someone else's server that cosigns the logs' checkpoints. */
export interface WitnessConfig {
  /** C2SP verifier key: name, hash and key. */
  readonly verifierKey: string
  /** No trailing slash. */
  readonly url: string
}

export interface OidcConfig {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret?: string
  /** The id token's claim that names roles; a string or a list. */
  readonly roleClaim: string
  /** What the sign-in button says. */
  readonly name: string
  readonly scopes: string
  /**
   * Values of the claim → roles of ours; without an entry a value that is a role's name counts as that role.
   */
  readonly roleMap: Readonly<Record<string, string>>
}
