import { KeyhavenError } from '@keyhaven/crypto'
import type { Config } from '../platform/config/config.ts'
import type { RunningServer } from '../serve.ts'
import { startServing } from '../serve.ts'
import type { ProxyMode } from './proxy-mode.ts'

/**
 * Starts proxy mode: a gateway in front of existing backends (`config.upstreams`), which need no change.
 * Keys, admin address and dashboard are those of {@link startServer}; several of both can share one
 * PostgreSQL.
 *
 * @throws KeyhavenError `CONFIG_INVALID` and what `startServer` throws.
 */
export function startGateway(config: Config, mode: ProxyMode = {}): Promise<RunningServer> {
  if (config.upstreams.length === 0) {
    throw new KeyhavenError(
      'CONFIG_INVALID',
      'name a backend: --upstream http://127.0.0.1:3000 or KEYHAVEN_UPSTREAMS',
    )
  }
  return startServing(config, mode)
}
