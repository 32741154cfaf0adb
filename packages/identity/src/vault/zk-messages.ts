/** One attribute of a `zkEncrypt` or `zkDecrypt` call. */
export interface ZkAttribute {
  readonly identifier: string
  /** Plain text, or URL-safe Base64 of the attribute's layout. */
  readonly value: string
}

/** `request` of `/v1/keymanager/zkEncrypt` and `/zkDecrypt`. */
export interface ZkRequest {
  /** UIN, VID or handle, in plain text. */
  readonly id: string
  readonly zkDataAttributes: readonly ZkAttribute[]
}

/** `response` of `zkEncrypt`. The misspelt name is MOSIP's, on the wire. */
export interface ZkEncryptResponse {
  readonly zkDataAttributes: readonly ZkAttribute[]
  /** For each key of the IDA: Base64url(TP(32) ‖ OAEP(ZKn)), joined by dots. */
  readonly encryptedRandomKey: string
  readonly rankomKeyIndex: string
}

/** `response` of `zkDecrypt`. */
export interface ZkDecryptResponse {
  readonly zkDataAttributes: readonly ZkAttribute[]
}

/** `response` of `zkReEncryptRandomKey`: standard Base64 of the pool key under our own master key, by ECB. */
export interface ZkReEncryptResponse {
  readonly encryptedKey: string
}
