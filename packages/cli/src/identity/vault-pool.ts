import type { Command } from 'commander'
import { connectAdmin } from '../admin/admin-client.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { fields } from '../terminal/output.ts'
import { VAULT_PATH } from './vault-api.ts'

interface Made {
  readonly generation: number
  readonly keys: number
}

/** `keyhaven vault create-pool` and `keyhaven vault rotate`. */
export function vaultPoolCommands(frame: Frame, vault: Command): void {
  const create = describe(
    vault.command('create-pool'),
    'make the first 10,000 keys, at the issuer, ahead of the first credential, which makes them otherwise; refused where ' +
      'there are some, as an index keeps its key for ever',
    [['keyhaven vault create-pool', 'So that the first credential need not wait for it']],
  )
  const rotate = describe(
    vault.command('rotate'),
    'make a new generation of 10,000 keys under new numbers; the old ones go on opening what lies under them',
    [
      ['keyhaven vault rotate', 'New credentials take new keys at once'],
      ['keyhaven vault reencrypt', 'Then: issue the old credentials again'],
    ],
  )
  const run = (path: string, note: string) =>
    action<ServerOptions>(frame, async ({ context, output, options }) => {
      using admin = await connectAdmin(context, options)
      const made = await admin.call<Made>('POST', `${VAULT_PATH}/${path}`)
      output.result(made, () =>
        fields([
          ['generation', made.generation],
          ['keys', made.keys],
        ]),
      )
      output.note(note)
      return undefined
    })
  withServerOptions(create).action(run('pool', 'Credentials for IDAs can be issued now.'))
  withServerOptions(rotate).action(
    run(
      'rotation',
      'An IDA encrypts a person again when he authenticates; `keyhaven vault reencrypt` does all.',
    ),
  )
}
