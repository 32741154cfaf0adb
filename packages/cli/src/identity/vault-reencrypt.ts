import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { connectAdmin } from '../admin/admin-client.ts'
import { type ServerOptions, withServerOptions } from '../admin/server-options.ts'
import { action, describe, type Frame } from '../frame.ts'
import { fields } from '../terminal/output.ts'
import { createProgress } from '../terminal/progress.ts'
import { type Reencryption, VAULT_PATH } from './vault-api.ts'

const AT_ONCE = 200
const ASK_AGAIN_MS = 1_000
/** Nothing was done for so long: what is left needs somebody to look at it. */
const STALLED_MS = 60_000

/** `keyhaven vault reencrypt`: every credential under the newest keys. */
export function vaultReencryptCommand(frame: Frame, vault: Command): void {
  const reencrypt = describe(
    vault.command('reencrypt'),
    'issue every credential for an IDA again that lies under older keys; a run that was cut is finished by the ' +
      'next, and the server goes on by itself',
    [['keyhaven vault reencrypt', 'After `keyhaven vault rotate`, on the issuer']],
  )
  withServerOptions(reencrypt).action(
    action<ServerOptions>(frame, async ({ context, output, options }) => {
      using admin = await connectAdmin(context, options)
      const progress = createProgress(context, 'reencrypt', output.json)
      let last: Reencryption = { done: 0, left: 0 }
      let movedAt = context.now()
      for (;;) {
        const answer = await admin.call<Reencryption & { readonly planned: number }>(
          'POST',
          `${VAULT_PATH}/reencryption`,
          { body: { limit: AT_ONCE } },
        )
        if (answer.done !== last.done || answer.planned > 0) movedAt = context.now()
        last = { done: answer.done, left: answer.left }
        progress.update(last.done, last.done + last.left)
        if (last.left === 0 || context.now() - movedAt > STALLED_MS) break
        if (answer.planned === 0) await delay(ASK_AGAIN_MS)
      }
      progress.finish()
      output.result(last, () =>
        fields([
          ['re-encrypted', last.done],
          ['left', last.left],
        ]),
      )
      if (last.left > 0)
        output.note('What is left failed: `keyhaven audit list --action credential.fail` says why.')
      return undefined
    }),
  )
}
