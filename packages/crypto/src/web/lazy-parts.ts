import type { LegacyRsa, RsaOaep } from '../backend.ts'
import type { Aes256Gcm, Rsa } from '../rsa.ts'

/** Functions that load their code when one of them is first called. */
function lazily<T extends object>(load: () => Promise<T>, ...names: (keyof T & string)[]): T {
  const call =
    (name: keyof T) =>
    async (...given: unknown[]) =>
      ((await load())[name] as (...given: unknown[]) => unknown)(...given)
  return Object.fromEntries(names.map((name) => [name, call(name)])) as T
}

// Few apps have a profile with RSA.
export const lazyRsaOaep = lazily<RsaOaep>(
  async () => (await import('./rsa-oaep.ts')).webRsaOaep,
  ...(['generateKeyPair', 'encrypt', 'decrypt'] as const),
)

export const lazyLegacyRsa = lazily<LegacyRsa>(
  async () => (await import('./legacy-rsa.ts')).webLegacyRsa,
  ...(['generateKeyPair', 'signSha256', 'verifySha256', 'signSha1', 'verifySha1'] as const),
  ...(['encrypt', 'decrypt'] as const),
)

export const lazyRsa = lazily<Rsa>(
  async () => (await import('./rsa.ts')).webRsa,
  ...(['generateKeyPair', 'importPublicKey', 'importPrivateKey', 'exportPrivateKey'] as const),
  ...(['encryptOaep', 'decryptOaep', 'signPkcs1', 'verifyPkcs1'] as const),
)

/** What MOSIP's formats need beside RSA. @param key - 32 bytes; must not change before a call is through. */
export function lazyAes256Gcm(key: Uint8Array): Aes256Gcm {
  return lazily<Aes256Gcm>(async () => (await import('./aes-256-gcm.ts')).aes256Gcm(key), 'seal', 'open')
}
