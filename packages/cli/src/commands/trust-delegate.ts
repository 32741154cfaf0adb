import { resolve } from 'node:path'
import type { Command } from 'commander'
import { usageError } from '../command-error.ts'
import type { Context } from '../context.ts'
import { action, describe, type Frame } from '../frame.ts'
import { parseWhole } from '../input/parse-time.ts'
import { parseUserJson, readInput } from '../input/read-input.ts'
import { replaceFile } from '../input/write-file.ts'

const SECONDS_A_DAY = 86_400
/** Longer delegations are refused by every client. */
const DELEGATION_MAX_DAYS = 90
const DELEGATION_DEFAULT_DAYS = '30'

interface Options {
  root: string
  application: string
  epoch: string
  manifestKey: string
  days: string
  out?: string
}

/** `keyhaven trust delegate`: signs with the root key; needs no network. */
export function trustDelegateCommand(frame: Frame, trust: Command): void {
  describe(
    trust.command('delegate'),
    'sign with the root key: this manifest key may sign for that application until then',
    [
      [
        'keyhaven trust delegate --root root.json --application demo --epoch 2 --manifest-key key.json --days 60',
        'Print a delegation that ends in 60 days',
      ],
      [
        'keyhaven trust status demo --json | keyhaven trust delegate --root root.json --application demo --epoch 2 --manifest-key -',
        'Take the manifest key from the server',
      ],
    ],
  )
    .requiredOption('--root <file>', 'root key file')
    .requiredOption('--application <id>', 'application that the manifests are for')
    .requiredOption('--epoch <number>', 'one more than the present one overrides every older manifest')
    .requiredOption('--manifest-key <key>', 'public Ed25519 JWK, a file with it, or - for stdin')
    .option('--days <number>', `lifetime, 1 to ${DELEGATION_MAX_DAYS} days`, DELEGATION_DEFAULT_DAYS)
    .option('--out <file>', 'write it to a file instead of stdout')
    .action(
      action<Options>(frame, async ({ context, output, options }) => {
        const epoch = parseWhole('--epoch', options.epoch, 0, Number.MAX_SAFE_INTEGER)
        const days = parseWhole('--days', options.days, 1, DELEGATION_MAX_DAYS)
        const manifestKey = await readManifestKey(context, options.manifestKey)
        const { backend } = await import('@keyhaven/crypto')
        const { signDelegation } = await import('@keyhaven/channel')
        const { openRootKey } = await import('../root-key/root-key-file.ts')
        const { askPassphrase } = await import('../root-key/ask-passphrase.ts')
        const { key, publicPart } = await openRootKey(context, options.root, () =>
          askPassphrase(context, options.root),
        )
        const issued = Math.floor(context.now() / 1_000)
        const expires = issued + days * SECONDS_A_DAY
        const application = options.application
        const delegation = await signDelegation(backend, key, {
          application,
          epoch,
          key: manifestKey,
          issued,
          expires,
        })
        const expiresAt = new Date(expires * 1_000).toISOString()
        if (options.out !== undefined) await replaceFile(resolve(context.cwd, options.out), `${delegation}\n`)
        const result = { application, epoch, expiresAt, rootThumbprint: publicPart.thumbprint, delegation }
        output.result(result, () => (options.out === undefined ? delegation : `wrote ${options.out}`))
        output.note(`It ends at ${expiresAt}. Sign the next one before that.`)
        return undefined
      }),
    )
}

/**
 * Reads the public JWK from the argument itself, a file or stdin; also out of `keyhaven trust status --json`.
 */
async function readManifestKey(context: Context, source: string): Promise<Record<string, string>> {
  const text = source.trimStart().startsWith('{') ? source : await readInput(context, source)
  const value = parseUserJson('--manifest-key', text)
  const jwk = (
    typeof value.manifestKey === 'object' && value.manifestKey !== null ? value.manifestKey : value
  ) as {
    [member: string]: unknown
  }
  const { kty, crv, x } = jwk
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string') {
    throw usageError(
      '--manifest-key is not an Ed25519 public key as a JWK',
      'Take `manifestKey` from `keyhaven trust status APPLICATION --json`.',
    )
  }
  if ('d' in jwk) {
    throw usageError('--manifest-key holds a private key', 'Give the public part only: kty, crv and x.')
  }
  return { kty, crv, x }
}
