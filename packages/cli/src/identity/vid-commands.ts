import { type Command, Option } from 'commander'
import { connectAdmin } from '../admin/admin-client.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { fields, table } from '../terminal/output.ts'
import { APPLICATION, identityPath, RID, type Vid } from './registration-api.ts'

const EXAMPLE = '10001100770000120260301120000'

/** `keyhaven identity vid`: numbers that stand for a UIN. */
export function identityVidCommand(frame: Frame, identity: Command): void {
  const vid = describe(
    identity.command('vid'),
    'virtual ids: numbers that stand for a UIN until they are revoked',
    [[`keyhaven identity vid create demo ${EXAMPLE}`, 'A perpetual one, of the person of a registration']],
  )
  listCommand(frame, vid)
  createCommand(frame, vid)
  revokeCommand(frame, vid)
}

function listCommand(frame: Frame, vid: Command): void {
  const list = describe(vid.command('list'), 'list the active VIDs of a person; the server audits it', [
    [`keyhaven identity vid list demo ${EXAMPLE}`, 'With their numbers'],
  ])
    .argument(...APPLICATION)
    .argument(...RID)
  withServerOptions(list).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      using admin = await connectAdmin(context, options)
      const path = identityPath(args[0]!, 'registrations', args[1]!, 'vids')
      const found = await admin.get<{ readonly items: readonly Vid[] }>(path)
      output.result(found, () =>
        table(
          [
            { heading: 'VID', cell: (row) => row.vid },
            { heading: 'TYPE', cell: ({ type }) => type },
            { heading: 'EXPIRES', cell: ({ expiresAt }) => expiresAt },
            { heading: 'USES ALLOWED', cell: ({ transactionLimit }) => transactionLimit, align: 'right' },
          ],
          found.items,
          'no active VIDs',
        ),
      )
      return undefined
    }),
  )
}

function createCommand(frame: Frame, vid: Command): void {
  const create = describe(vid.command('create'), 'make a VID of a person', [
    [`keyhaven identity vid create demo ${EXAMPLE}`, 'Perpetual: valid until it is revoked'],
    [
      `keyhaven identity vid create demo ${EXAMPLE} --type Temporary`,
      'For 30 minutes and one use at each IDA',
    ],
  ])
    .argument(...APPLICATION)
    .argument(...RID)
    .addOption(
      new Option('--type <type>', 'kind of VID').choices(['Perpetual', 'Temporary']).default('Perpetual'),
    )
  withServerOptions(create).action(
    action<ServerOptions & { type: string }>(frame, async ({ context, output, options, args }) => {
      using admin = await connectAdmin(context, options)
      const path = identityPath(args[0]!, 'registrations', args[1]!, 'vids')
      const made = await admin.call<Vid>('POST', path, { body: { type: options.type } })
      output.result(made, () =>
        fields([
          ['VID', made.vid],
          ['type', made.type],
          ['expires', made.expiresAt ?? 'when it is revoked'],
          ['uses', made.transactionLimit ?? 'no limit'],
        ]),
      )
      return undefined
    }),
  )
}

function revokeCommand(frame: Frame, vid: Command): void {
  const revoke = describe(vid.command('revoke'), 'revoke a VID, for ever', [
    [`keyhaven identity vid revoke demo ${EXAMPLE} 5274918630527491`, 'The person gets another with create'],
  ])
    .argument(...APPLICATION)
    .argument(...RID)
    .argument('<vid>', 'as `keyhaven identity vid list` shows it')
  withServerOptions(revoke).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      using admin = await connectAdmin(context, options)
      const [application, rid, number] = args as unknown as [string, string, string]
      const path = identityPath(application, 'registrations', rid, 'vids', 'revocation')
      await admin.call('POST', path, { body: { vid: number } })
      output.result({ revoked: number }, () => `revoked ${number}`)
      return undefined
    }),
  )
}
