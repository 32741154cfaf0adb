import { resolve } from 'node:path'
import {
  backend,
  type Jwk,
  jwkThumbprint,
  KeyhavenError,
  overwrite,
  type SigningKey,
  utf8,
} from '@keyhaven/crypto'
import { CommandError } from '../command-error.ts'
import type { Context } from '../context.ts'
import { parseUserJson, readInput } from '../input/read-input.ts'
import { createPrivateFile } from '../input/write-file.ts'
import { protectWithPassphrase, readProtection, unprotect } from './passphrase.ts'

const ROOT_KEY_FORMAT = 'keyhaven-root-key'
const ROOT_KEY_VERSION = 1

/** What everybody may know of a root key. */
export interface RootKeyPublicPart {
  /** RFC 7638: what an app ships. */
  readonly thumbprint: string
  /** Public Ed25519 JWK. */
  readonly publicKey: Jwk
  readonly createdAt: string
  /** Whether the file asks for a passphrase. */
  readonly protected: boolean
}

/**
 * Makes a root key and writes it to a new file, mode 0600. Layout: docs/guides/cli.md, "The root key file".
 *
 * @param passphrase - undefined: the private key is stored as it is.
 * @throws Error `EEXIST` when the file is there already: a root key is never overwritten.
 */
export async function createRootKeyFile(
  context: Context,
  file: string,
  passphrase: string | undefined,
): Promise<RootKeyPublicPart> {
  const key = await backend.signatures.generateKeyPair('EdDSA')
  const publicKey = key.publicKey.jwk
  const thumbprint = await jwkThumbprint(backend, publicKey)
  const privateKey = await backend.signatures.exportSigningKey(key)
  const createdAt = new Date(context.now()).toISOString()
  const head = { format: ROOT_KEY_FORMAT, version: ROOT_KEY_VERSION, thumbprint, createdAt, publicKey }
  const secret =
    passphrase === undefined
      ? { privateKey }
      : {
          protected: await protectWithPassphrase(
            passphrase,
            utf8(JSON.stringify(privateKey)),
            bound(thumbprint),
          ),
        }
  const text = `${JSON.stringify({ ...head, ...secret }, undefined, 2)}\n`
  await createPrivateFile(resolve(context.cwd, file), text).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
    throw new CommandError(
      'CONFLICT',
      `${file} is there already, and a root key is never overwritten`,
      'Choose another file name.',
    )
  })
  return { thumbprint, publicKey, createdAt, protected: passphrase !== undefined }
}

/** @throws CommandError when the file is no root key, or was altered. */
export async function readRootKeyPublicPart(context: Context, file: string): Promise<RootKeyPublicPart> {
  return (await readRootKeyFile(context, file)).publicPart
}

/**
 * Reads the private key, to sign with.
 *
 * @param askPassphrase - called only for a protected file.
 * @throws KeyhavenError `OPEN_FAILED` on a wrong passphrase or an altered file.
 */
export async function openRootKey(
  context: Context,
  file: string,
  askPassphrase: () => Promise<string>,
): Promise<{ readonly key: SigningKey; readonly publicPart: RootKeyPublicPart }> {
  const { publicPart, content } = await readRootKeyFile(context, file)
  const jwk = publicPart.protected
    ? await openProtected(content.protected, publicPart.thumbprint, await askPassphrase())
    : (content.privateKey as Jwk)
  const key = await backend.signatures.importSigningKey('EdDSA', jwk)
  // The stated public key must be this private key's, or delegations would name a root that did not sign
  // them.
  if ((await jwkThumbprint(backend, key.publicKey.jwk)) !== publicPart.thumbprint) throw notRootKey(file)
  return { key, publicPart }
}

async function openProtected(value: unknown, thumbprint: string, passphrase: string): Promise<Jwk> {
  const opened = await unprotect(readProtection(value), passphrase, bound(thumbprint))
  try {
    return JSON.parse(Buffer.from(opened).toString('utf8')) as Jwk
  } finally {
    overwrite(opened)
  }
}

async function readRootKeyFile(
  context: Context,
  file: string,
): Promise<{ publicPart: RootKeyPublicPart; content: Record<string, unknown> }> {
  const content = parseUserJson(file, await readInput(context, file))
  const { format, version, thumbprint, publicKey, createdAt } = content
  if (format !== ROOT_KEY_FORMAT) throw notRootKey(file)
  if (version !== ROOT_KEY_VERSION) {
    throw new KeyhavenError('UNSUPPORTED', `${file} is a root key file of version ${String(version)}`)
  }
  const hasPrivate = typeof content.privateKey === 'object' && content.privateKey !== null
  const isProtected = typeof content.protected === 'object' && content.protected !== null
  if (hasPrivate === isProtected || typeof thumbprint !== 'string' || typeof createdAt !== 'string') {
    throw notRootKey(file)
  }
  const actual = await Promise.resolve()
    .then(() => jwkThumbprint(backend, publicKey as Jwk))
    .catch(() => undefined)
  if (actual !== thumbprint) throw notRootKey(file)
  return {
    publicPart: { thumbprint, publicKey: publicKey as Jwk, createdAt, protected: isProtected },
    content,
  }
}

/** Binds the sealed private key to its file's public part. */
function bound(thumbprint: string): Uint8Array {
  return utf8(`${ROOT_KEY_FORMAT} v${ROOT_KEY_VERSION} ${thumbprint}`)
}

function notRootKey(file: string): CommandError {
  return new CommandError(
    'INPUT_INVALID',
    `${file} is not a root key file, or it was altered`,
    'Give a file that `keyhaven trust root create` wrote.',
  )
}
