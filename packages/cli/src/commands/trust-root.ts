import type { Command } from 'commander'
import { action, describe, type Frame } from '../frame.ts'
import type { RootKeyPublicPart } from '../root-key/root-key-file.ts'
import { fields } from '../terminal/output.ts'

/** `keyhaven trust root`: make a root key, look at one. */
export function trustRootCommand(frame: Frame, trust: Command): void {
  const root = describe(trust.command('root'), 'make a root key, or look at one', [
    ['keyhaven trust root create --out root.json', 'Make one; make a second one as the spare'],
  ])

  describe(root.command('create'), 'make a root key and write it to a new file that only you can read', [
    ['keyhaven trust root create --out root.json', 'The private key is stored as it is (mode 0600)'],
    ['keyhaven trust root create --out root.json --passphrase', 'Asks for a passphrase (Argon2id)'],
  ])
    .requiredOption('--out <file>', 'the new file; it is never overwritten')
    .option('--passphrase', 'protect it with a passphrase: typed, or from KEYHAVEN_ROOT_PASSPHRASE')
    .action(
      action<{ out: string; passphrase: boolean }>(frame, async ({ context, output, options }) => {
        const { createRootKeyFile } = await import('../root-key/root-key-file.ts')
        const { askNewPassphrase } = await import('../root-key/ask-passphrase.ts')
        const passphrase = options.passphrase ? await askNewPassphrase(context) : undefined
        const part = await createRootKeyFile(context, options.out, passphrase)
        output.result({ file: options.out, ...part }, () => describeRoot(part))
        output.note(
          part.protected
            ? `${options.out} holds the private key under your passphrase. Keep both: neither can be ` +
                'recovered.'
            : `${options.out} holds the private key as it is. Keep it offline, or make one with ` +
                '--passphrase.',
        )
        return undefined
      }),
    )

  describe(root.command('show'), 'show the public part of a root key', [
    ['keyhaven trust root show root.json', 'Its thumbprint goes into the app'],
  ])
    .argument('<file>', 'a root key file')
    .action(
      action(frame, async ({ context, output, args }) => {
        const { readRootKeyPublicPart } = await import('../root-key/root-key-file.ts')
        const part = await readRootKeyPublicPart(context, args[0]!)
        output.result({ file: args[0], ...part }, () => describeRoot(part))
        return undefined
      }),
    )
}

function describeRoot(part: RootKeyPublicPart): string {
  return fields([
    ['thumbprint', part.thumbprint],
    ['public key', JSON.stringify(part.publicKey)],
    ['created', part.createdAt],
    ['passphrase', part.protected ? 'yes' : 'no'],
  ])
}
