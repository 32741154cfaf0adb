import type { Command } from 'commander'
import { connectAdmin } from '../admin/admin-client.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { fields } from '../terminal/output.ts'
import { APPLICATION, type IdentityRecord, identityPath, RID } from './registration-api.ts'

const EXAMPLE = '10001100770000120260301120000'

/** `keyhaven identity uin`: a person is named by the registration; the number itself is never shown. */
export function identityUinCommand(frame: Frame, identity: Command): void {
  const uin = describe(
    identity.command('uin'),
    'the identity that a registration made: its state, never its number',
    [
      [
        `keyhaven identity uin block demo ${EXAMPLE}`,
        'Nobody reads or shares it, nobody authenticates with it',
      ],
    ],
  )
  const show = describe(uin.command('show'), 'show the state of an identity', [
    [`keyhaven identity uin show demo ${EXAMPLE}`, 'Without number and data'],
  ])
    .argument(...APPLICATION)
    .argument(...RID)
  withServerOptions(show).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      using admin = await connectAdmin(context, options)
      const path = identityPath(args[0]!, 'registrations', args[1]!, 'identity')
      const found = await admin.get<IdentityRecord>(path)
      output.result(found, () => describeIdentity(found))
      return undefined
    }),
  )
  statusCommand(frame, uin, 'block', 'BLOCKED', 'block an identity until it is activated again')
  statusCommand(frame, uin, 'deactivate', 'DEACTIVATED', 'deactivate an identity: a person who died or left')
  statusCommand(frame, uin, 'activate', 'ACTIVATED', 'make a blocked or deactivated identity active again')
}

function statusCommand(frame: Frame, uin: Command, name: string, status: string, text: string): void {
  const command = describe(uin.command(name), text, [
    [`keyhaven identity uin ${name} demo ${EXAMPLE}`, 'By its registration id'],
  ])
    .argument(...APPLICATION)
    .argument(...RID)
  withServerOptions(command).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      using admin = await connectAdmin(context, options)
      const path = identityPath(args[0]!, 'registrations', args[1]!, 'identity', 'status')
      const changed = await admin.call<IdentityRecord>('POST', path, { body: { status } })
      output.result(changed, () => describeIdentity(changed))
      return undefined
    }),
  )
}

function describeIdentity({ record, status, version, createdAt, changedAt }: IdentityRecord): string {
  return fields([
    ['record', record],
    ['status', status],
    ['version', version],
    ['created', createdAt],
    ['changed', changedAt],
  ])
}
