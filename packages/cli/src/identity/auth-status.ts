import type { Command } from 'commander'
import { connectAdmin } from '../admin/admin-client.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { readInput } from '../input/read-input.ts'
import { fields, table } from '../terminal/output.ts'
import { AUTH_PATH, type AuthStatus, type IdaPartnerKey, type KnownPartner } from './auth-api.ts'

/** `keyhaven auth status`, `partners`, `partner-key` and `issuer`: what an IDA is, and whom it knows. */
export function authStatusCommands(frame: Frame, auth: Command): void {
  const status = describe(auth.command('status'), 'what this IDA is, and whom it trusts', [
    ['keyhaven auth status', 'Issuer, partners, and what compares biometrics'],
  ])
  withServerOptions(status).action(
    action<ServerOptions>(frame, async ({ context, output, options }) => {
      using admin = await connectAdmin(context, options)
      const found = await admin.get<AuthStatus>(AUTH_PATH)
      output.result(found, () =>
        fields([
          ['partner id at the issuer', found.partnerId],
          ['profile', found.profile],
          ['biometrics compared by', found.matcher],
          ['one-time passwords by', found.channels.join(', ') || 'nothing'],
          ['issuer’s root', found.issuer?.thumbprint ?? 'none is trusted yet'],
          ['partners known', found.partners],
          ['failures counted for', `${found.windowMinutes} minutes`],
        ]),
      )
      return undefined
    }),
  )

  const partners = describe(auth.command('partners'), 'partners that this IDA knows from its issuer', [
    ['keyhaven auth partners', 'With their policies'],
  ])
  withServerOptions(partners).action(
    action<ServerOptions>(frame, async ({ context, output, options }) => {
      using admin = await connectAdmin(context, options)
      const found = await admin.get<{ items: KnownPartner[] }>(`${AUTH_PATH}/partners`)
      output.result(found, () =>
        table(
          [
            { heading: 'PARTNER', cell: (one) => one.id },
            { heading: 'TYPE', cell: (one) => one.type },
            { heading: 'STATE', cell: (one) => (one.active ? 'active' : 'inactive') },
            { heading: 'CERTIFICATE', cell: (one) => one.certificate ?? 'none' },
            { heading: 'POLICIES', cell: (one) => one.policies.join(', ') },
          ],
          found.items,
          'no partners: the issuer tells of them',
        ),
      )
      return undefined
    }),
  )
  partnerKeyCommand(frame, auth)
  issuerCommand(frame, auth)
}

function partnerKeyCommand(frame: Frame, auth: Command): void {
  const command = describe(
    auth.command('partner-key'),
    'certificate of this IDA as a partner of the issuer, to be registered there; then those above it',
    [
      ['keyhaven auth partner-key > ida.pem', 'What the issuer registers'],
      ['keyhaven auth partner-key --encryption-key > ida.jws', 'What it registers too in profile keyhaven'],
      ['keyhaven auth partner-key --renew > ida.pem', 'A new key; shares under the old one still open'],
    ],
  )
    .option('--encryption-key', 'in its place the signed key that data is sealed to in profile keyhaven')
    .option('--renew', 'make a new key')
  withServerOptions(command).action(
    action<ServerOptions & { encryptionKey?: boolean; renew?: boolean }>(
      frame,
      async ({ context, output, options }) => {
        using admin = await connectAdmin(context, options)
        const found = options.renew
          ? await admin.call<IdaPartnerKey>('POST', `${AUTH_PATH}/partner-key/renewal`)
          : await admin.get<IdaPartnerKey>(`${AUTH_PATH}/partner-key`)
        output.result(found, () =>
          (options.encryptionKey ? found.encryptionKey : `${found.certificate}${found.chain}`).trimEnd(),
        )
        return undefined
      },
    ),
  )
}

function issuerCommand(frame: Frame, auth: Command): void {
  const command = describe(
    auth.command('issuer').argument('<file>', 'the issuer’s root certificate, PEM; - is stdin'),
    'believe events that this root vouches for, and no others',
    [['keyhaven auth issuer root.pem', 'Before the first event, if the issuer is not asked over TLS']],
  ).option('--replace', 'in place of the one that is trusted now')
  withServerOptions(command).action(
    action<ServerOptions & { replace?: boolean }>(frame, async ({ context, output, options, args }) => {
      const certificate = await readInput(context, args[0]!)
      using admin = await connectAdmin(context, options)
      const replace = options.replace === true
      await admin.call('PUT', `${AUTH_PATH}/issuer`, { body: { certificate, replace } })
      output.result({ pinned: true }, () => 'The issuer is trusted.')
      return undefined
    }),
  )
}
