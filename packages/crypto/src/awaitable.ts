/** A value now (node:crypto, noble) or later (WebCrypto). `await` serves both. */
export type Awaitable<T> = T | Promise<T>
