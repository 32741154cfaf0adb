/**
 * Entries of one answer: 500 of the largest size are under 11 MiB, and a client reads no more than 16 MiB.
 * Who lacks more asks again for those after the last one.
 */
export const MAX_LOOK_UP_ENTRIES = 500

/** An accepted entry with all that proves it. Binary: base64url. */
export interface ProvenEntry {
  readonly entry: string
  readonly acceptance: string
  /** Of its leaf. */
  readonly index: number
  /** 32 bytes, hashed into the leaf before the entry. */
  readonly opening: string
  /** Inclusion in the checkpoint's tree. */
  readonly proof: readonly string[]
}

/** Body of the answer to `POST /v1/directory/look-up`. */
export interface LookUpAnswer {
  readonly checkpoint: string
  /** Leaf 0 with its inclusion proof, where the caller named no `logSize`. */
  readonly parametersProof?: { readonly leaf: string; readonly proof: readonly string[] }
  /** From the caller's `logSize` to the checkpoint's. */
  readonly consistency?: readonly string[]
  /** VRF proof of the username's label, 80 bytes. */
  readonly label: string
  /** After the sequence that the caller knew: all of them, or the first {@link MAX_LOOK_UP_ENTRIES}. */
  readonly entries: readonly ProvenEntry[]
  /** By device id: the newest encryption key statement that has not expired. */
  readonly encryptionKeys: Readonly<Record<string, string>>
  /** Of the user's newest entry, whether it is among `entries` or not. */
  readonly sequence: number
}
