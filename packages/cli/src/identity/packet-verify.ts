import type { Command } from 'commander'
import { EXIT_FAILED, EXIT_OK } from '../exit-code.ts'
import { action, describe, type Frame } from '../frame.ts'
import { createProgress } from '../terminal/progress.ts'
import { type OpeningOptions, openWith, readPacket, withOpeningOptions } from './packet-options.ts'

/** What a packet that fails a check says of itself; every other error is one of the command. */
const FAILURES = ['PACKET_INVALID', 'OPEN_FAILED']

/** `keyhaven packet verify`: all checks of a registration processor, by name. */
export function packetVerifyCommand(frame: Frame, packet: Command): void {
  const verify = describe(
    packet.command('verify'),
    'check a packet as a registration processor does, and name the check that fails',
    [
      [
        'keyhaven packet verify PACKET.zip --key k11.pem --certificate k11.crt --machine-key reg.pub',
        'Exit code 1 if a check fails',
      ],
      [
        'keyhaven packet verify PACKET.zip --profile keyhaven --key packet.key --machine-key machine-public.pem',
        'Of the other profile, with a key of your own tests',
      ],
    ],
  ).argument('<packet>', 'file of the packet')
  withOpeningOptions(verify).action(
    action<OpeningOptions>(frame, async ({ context, output, options, args }) => {
      const file = args[0]!
      const bytes = await readPacket(context, file)
      const passed: string[] = []
      const progress = createProgress(context, 'verify', output.json)
      let failed: string | undefined
      try {
        await openWith(context, { file, bytes }, options, ({ done, total, step }) => {
          passed.push(step)
          progress.update(done, total)
        })
      } catch (error) {
        const { code, message } = error as { code?: string; message: string }
        if (code === undefined || !FAILURES.includes(code)) throw error
        failed = code === 'OPEN_FAILED' ? 'encryption: it does not open' : message
      } finally {
        progress.finish()
      }
      output.result({ valid: failed === undefined, passed, failed: failed ?? null }, () =>
        [
          ...passed.map((check) => `${output.style('green', 'passed')}  ${check}`),
          failed === undefined
            ? output.style('green', 'The packet is valid.')
            : `${output.style('red', 'failed')}  ${failed}`,
        ].join('\n'),
      )
      return failed === undefined ? EXIT_OK : EXIT_FAILED
    }),
  )
}
