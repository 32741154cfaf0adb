import type { Command } from 'commander'
import type { TrustStatus } from '../admin/admin-api.ts'
import { connectAdmin } from '../admin/admin-client.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { usageError } from '../command-error.ts'
import { action, describe, type Frame } from '../frame.ts'
import { readInput } from '../input/read-input.ts'
import { fields } from '../terminal/output.ts'

/** Three base64url parts (RFC 7515 §7.1). */
const COMPACT_JWS = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

/** `keyhaven trust install`: hands a delegation of an offline root to the server. */
export function trustInstallCommand(frame: Frame, trust: Command): void {
  const install = describe(
    trust.command('install'),
    'give the server a delegation that the root key signed',
    [['keyhaven trust install demo delegation.jws', 'From a file; - reads it from stdin']],
  )
    .argument('<application>', 'application id')
    .argument('<delegation>', 'file with the delegation, or - for stdin')
  withServerOptions(install).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      const delegation = await readInput(context, args[1]!)
      if (!COMPACT_JWS.test(delegation)) {
        throw usageError(
          'this is not a delegation',
          'Give what `keyhaven trust delegate` printed: one line with two dots.',
        )
      }
      using admin = await connectAdmin(context, options)
      const path = `/applications/${encodeURIComponent(args[0]!)}/delegation`
      const status = await admin.call<TrustStatus>('POST', path, { body: { delegation } })
      output.result(status, () => describeTrust(status))
      return undefined
    }),
  )
}

/** `keyhaven trust status`: which roots, which epoch, until when. */
export function trustStatusCommand(frame: Frame, trust: Command): void {
  const status = describe(trust.command('status'), 'show the roots, the epoch and the manifest key', [
    ['keyhaven trust status demo', 'See when the delegation ends'],
  ]).argument('<application>', 'application id')
  withServerOptions(status).action(
    action<ServerOptions>(frame, async ({ context, output, options, args }) => {
      using admin = await connectAdmin(context, options)
      const trustStatus = await admin.get<TrustStatus>(`/applications/${encodeURIComponent(args[0]!)}/trust`)
      output.result(trustStatus, () => describeTrust(trustStatus))
      return undefined
    }),
  )
}

export function describeTrust(status: TrustStatus): string {
  return fields([
    ['root key', status.mode === 'online' ? 'on the server' : 'offline'],
    ...status.rootThumbprints.map((thumbprint) => ['root thumbprint', thumbprint] as const),
    ['epoch', status.epoch],
    ['sequence', status.sequence],
    ['manifest key', JSON.stringify(status.manifestKey)],
    ['delegation ends', status.delegationExpiresAt],
  ])
}
