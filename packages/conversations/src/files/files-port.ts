/** What files need of the device: one conversation, and calls to its key server. */
export interface FilesPort {
  /** Address of the key server, as apps were given it; addresses of files begin with it. */
  readonly server: string
  readonly conversation: string
  /**
   * One call inside the seal, signed by the device. A call that fails may have had its effect.
   *
   * @param path - begins with `/v1/files`.
   * @param body - at most 8 MiB.
   * @returns an answer of 2xx; its body is read as a stream.
   * @throws KeyhavenError with the server's code on any other; on a network that fails whatever the platform
   * throws.
   */
  readonly call: (
    method: 'POST' | 'HEAD' | 'PATCH' | 'DELETE' | 'GET',
    path: string,
    body: Uint8Array<ArrayBuffer> | undefined,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ) => Promise<Response>
  /** Waits before a call is tried again. @defaultValue a timer */
  readonly wait?: (milliseconds: number) => Promise<void>
}
