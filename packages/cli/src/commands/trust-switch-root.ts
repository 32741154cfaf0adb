import type { Command } from 'commander'
import type { SwitchedRoot, TrustStatus } from '../admin/admin-api.ts'
import { connectAdmin } from '../admin/admin-client.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { printable } from '../terminal/output.ts'
import { confirmTyped } from '../terminal/prompt.ts'
import { describeTrust } from './trust-server.ts'

interface Options extends ServerOptions {
  reason: string
  yes: boolean
}

/** `keyhaven trust switch-root`: revokes a root that is on the server, and goes on with its spare. */
export function trustSwitchRootCommand(frame: Frame, trust: Command): void {
  const switchRoot = describe(
    trust.command('switch-root'),
    'revoke the root key for ever and go on with the spare one, which apps ship already; a new spare is made',
    [
      [
        'keyhaven trust switch-root demo --reason "root key leaked"',
        'Shows both roots and asks you to type the application id',
      ],
      ['keyhaven trust switch-root demo --reason "yearly change" --yes --json', 'In a script'],
    ],
  )
    .argument('<application>', 'application id; its root keys must be on the server')
    .requiredOption('--reason <text>', 'why; it goes into the audit log')
    .option('--yes', 'do not ask')
  withServerOptions(switchRoot).action(
    action<Options>(frame, async ({ context, output, options, args }) => {
      const applicationId = args[0]!
      using admin = await connectAdmin(context, options)
      const path = `/applications/${encodeURIComponent(applicationId)}/trust`
      const before = await admin.get<TrustStatus>(path)
      const [root, spare] = before.rootThumbprints
      // With an offline root the server refuses, and says what to do instead.
      if (before.mode === 'online') {
        output.note(`Revoked for ever: root ${root}`)
        output.note(`Signs from now on: ${spare}. Apps that do not ship it will refuse this server.`)
        const question = `Switch ${printable(applicationId)} to its spare root?`
        await confirmTyped({ context, output, options }, question, applicationId)
      }
      // Names the root to leave: if somebody switched meanwhile, the new spare is not used up.
      const body = { reason: options.reason, rootThumbprint: root }
      const switched = await admin.call<SwitchedRoot>('POST', `${path}/switch-root`, { body })
      output.result(switched, () => describeTrust(switched))
      output.note(switched.text)
      return undefined
    }),
  )
}
