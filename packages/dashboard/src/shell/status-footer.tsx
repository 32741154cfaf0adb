import { useStatus } from '../api/status.ts'
import { Time } from '../parts/time.tsx'

const DATABASES: Readonly<Record<string, string>> = { sqlite: 'SQLite', postgres: 'PostgreSQL' }
const REPLAY_STORES: Readonly<Record<string, string>> = {
  memory: 'memory',
  database: 'database',
  redis: 'Redis',
}

/** What runs here, at a glance. Its height is kept while it loads. */
export function StatusFooter() {
  const { data: status, isError } = useStatus()
  return (
    <footer className="kh-footer">
      {isError && <span>The server's status cannot be read.</span>}
      {status !== undefined && (
        <>
          <span>Keyhaven {status.version}</span>
          <span>{DATABASES[status.database] ?? status.database}</span>
          <span>Replay protection in {REPLAY_STORES[status.replay] ?? status.replay}</span>
          <span>{status.workers > 1 ? `${status.workers} workers` : 'One process'}</span>
          <span>Node {status.node.replace(/^v/, '')}</span>
          <span>
            Started <Time at={status.startedAt} />
          </span>
        </>
      )}
    </footer>
  )
}
