import { type Command, Option } from 'commander'
import { collectThumbprints } from '../admin/server-options.ts'
import { usageError } from '../command-error.ts'
import { action, describe, type Frame } from '../frame.ts'
import { fetchManifest } from '../input/fetch-manifest.ts'
import { readInput } from '../input/read-input.ts'
import { fields, table } from '../terminal/output.ts'

const DEFAULT_PUBLIC_URL = 'http://127.0.0.1:8787'
const MILLISECONDS = 1_000

interface Options {
  application: string
  root: readonly string[]
  url: string
}

/** `keyhaven trust verify`: checks a manifest as an app would. */
export function trustVerifyCommand(frame: Frame, trust: Command): void {
  describe(trust.command('verify'), 'check a manifest as an app would', [
    [
      'keyhaven trust verify --application demo --root THUMBPRINT',
      'Fetch and check the manifest of a server',
    ],
    ['keyhaven trust verify manifest.jws --application demo --root THUMBPRINT', 'Check one from a file'],
  ])
    .argument('[manifest]', 'file with a manifest, or - for stdin; without it, it is fetched')
    .requiredOption('--application <id>', 'application that it must be for')
    .addOption(
      new Option('--root <thumbprint>', 'root thumbprint that the app ships (twice: also the spare)')
        .argParser(collectThumbprints)
        .makeOptionMandatory(),
    )
    .option('--url <url>', 'public address of the server', DEFAULT_PUBLIC_URL)
    .action(
      action<Options>(frame, async ({ context, output, options, args }) => {
        const jws =
          args[0] === undefined
            ? await fetchManifest(context, requireHttp(options.url), options.application)
            : await readInput(context, args[0])
        const { backend } = await import('@keyhaven/crypto')
        const { verifyManifest } = await import('@keyhaven/channel')
        const manifest = await verifyManifest(backend, jws, {
          application: options.application,
          rootThumbprints: options.root,
          now: Math.floor(context.now() / MILLISECONDS),
        })
        output.result({ valid: true, ...manifest }, () =>
          [
            fields([
              ['manifest', output.styledField('green', 'valid')],
              ['application', manifest.application],
              ['epoch', manifest.epoch],
              ['sequence', manifest.sequence],
              ['issued', isoTime(manifest.issued)],
              ['expires', isoTime(manifest.expires)],
            ]),
            '',
            table(
              [
                { heading: 'KEY', cell: (key) => key.id, align: 'right' },
                { heading: 'STATE', cell: (key) => key.state },
                { heading: 'SUITE', cell: (key) => `${key.suite.kem} ${key.suite.aead}` },
                { heading: 'END', cell: (key) => (key.end === undefined ? undefined : isoTime(key.end)) },
              ],
              manifest.keys,
              'no keys',
            ),
          ].join('\n'),
        )
        return undefined
      }),
    )
}

function requireHttp(url: string): string {
  if (URL.canParse(url) && /^https?:/.test(url)) return url
  throw usageError(`--url: "${url}" is not an http or https address`, 'Write it like https://keys.example.')
}

function isoTime(seconds: number): string {
  return new Date(seconds * MILLISECONDS).toISOString()
}
