import { resolve } from 'node:path'
import type { Command } from 'commander'
import { usageError } from '../command-error.ts'
import { action, describe, type Frame } from '../frame.ts'
import { serveUntilStopped } from '../local/serve-until-stopped.ts'
import { fields, type Output, printable } from '../terminal/output.ts'
import type { RunningWitness } from '../witness/start-witness.ts'
import type { WitnessEvent } from '../witness/witness-server.ts'

const DEFAULT_LISTEN = '127.0.0.1:8789'
/** Not the server's: a witness on the same machine and disk vouches for little. */
const DEFAULT_FOLDER = '.keyhaven-witness'
const MAX_PORT = 65_535

interface Options {
  listen: string
  data: string
  log: readonly string[]
  name?: string
  publicUrl?: string
}

/** `keyhaven witness`: cosigns the checkpoints of logs that only grow, until it is told to stop. */
export function witnessCommand(frame: Frame, program: Command): void {
  describe(
    program.command('witness'),
    'cosign the checkpoints of logs that only grow, for servers run by somebody else',
    [
      ['keyhaven witness --log VERIFIER_KEY', 'For one log, on this machine only'],
      [
        'keyhaven witness --log VERIFIER_KEY --listen 127.0.0.1:9000 --data /var/lib/witness --public-url https://witness.example',
        'Behind a proxy that speaks TLS',
      ],
    ],
  )
    .requiredOption(
      '--log <vkey>',
      'verifier key of a log that it cosigns; more than once for several',
      (key: string, previous: readonly string[] = []) => [...previous, key],
    )
    .option('--listen <address>', 'HOST:PORT; port 0 takes a free one', DEFAULT_LISTEN)
    .option('--data <dir>', 'folder of its key and of what it cosigned', DEFAULT_FOLDER)
    .option(
      '--name <name>',
      'name of the key of a new witness, such as witness.example/w1; else a random one',
    )
    .option('--public-url <url>', 'address that servers reach it at, if it is another one')
    .addHelpText('after', EXPLANATION)
    .action(
      action<Options>(frame, async ({ context, output, options }) => {
        const address = parseListen(options.listen)
        const publicUrl = options.publicUrl && requireHttp(options.publicUrl)
        const { startWitness } = await import('../witness/start-witness.ts')
        const witness = await startWitness(
          {
            folder: resolve(context.cwd, options.data),
            logs: options.log,
            name: options.name,
            now: context.now,
          },
          address,
          publicUrl,
          (event) => showEvent(output, event),
        )
        await serveUntilStopped(output, witness, () => describeWitness(output, witness))
        return undefined
      }),
    )
}

const EXPLANATION = `
A server that shows one user another log than the rest cannot get both of them cosigned: a witness signs a
checkpoint only if the log grew from the last one that it signed. It speaks C2SP tlog-witness, so it works
for other logs too, and needs no token: what it is given and what it answers is public and signed.

Run it on another machine than the server, best by somebody else. On first use it makes its key, in
witness.db in the data folder (mode 0600), together with what it cosigned. Never restore that file from a
backup: the witness would forget what it promised. If it is lost, start in an empty folder: that is a new
witness, with a new key.

Give the server the line that it prints (KEYHAVEN_WITNESSES=VERIFIER_KEY@URL; with commas between several)
and the app the verifier key: trust.witnesses { keys, threshold }. GET / at its address shows its key and
its logs, GET /SHA256_OF_THE_ORIGIN_IN_HEX/checkpoint the last checkpoint that it cosigned.`

function describeWitness(output: Output, witness: RunningWitness): string {
  const { verifierKey, url, logs } = witness
  return [
    output.style('bold', witness.isNew ? 'The new witness is ready.' : 'The witness is ready.'),
    '',
    fields([
      ['address', url],
      ['verifier key', verifierKey],
      ...logs.map((origin) => ['log', origin] as const),
    ]),
    '',
    'For the server:',
    `  ${witness.setting}`,
    'For apps:',
    `  trust: { …, witnesses: { keys: ['${verifierKey}'], threshold: 1 } }`,
    '',
  ].join('\n')
}

function showEvent(output: Output, event: WitnessEvent): void {
  const { origin = '', size = 0, reason = '', checkpoint = '' } = event
  output.line(event, () => {
    switch (event.event) {
      case 'cosigned':
        return `cosigned ${printable(origin)} at ${size} entries`
      case 'refused':
        return [
          `${output.style('red', 'REFUSED')} ${printable(origin)} at ${size} entries: ${printable(reason)}`,
          'The log signed this; if it does not continue what was cosigned, it is proof. Keep it:',
          ...checkpoint.trimEnd().split('\n').map(printable),
        ].join('\n')
      case 'failed':
        return `${output.style('red', 'failed')} ${printable(reason)}`
    }
  })
}

function parseListen(text: string): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:\s]+):(\d{1,5})$/.exec(text)
  const port = Number(match?.[2])
  if (match === null || port > MAX_PORT) {
    throw usageError(`--listen: "${text}" is not HOST:PORT`, `Write it like ${DEFAULT_LISTEN}.`)
  }
  return { host: match[1]!.replace(/^\[(.*)\]$/, '$1'), port }
}

function requireHttp(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const plain = parsed && parsed.username + parsed.password + parsed.search + parsed.hash === ''
  if (plain && /^https?:$/.test(parsed.protocol)) return parsed.href.replace(/\/$/, '')
  throw usageError(
    `--public-url: "${url}" is not an http or https address`,
    'Write it like https://witness.example.',
  )
}
