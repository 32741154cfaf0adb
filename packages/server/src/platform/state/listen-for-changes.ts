import type { Client } from 'pg'
import { NOTIFY_CHANNEL } from './commit-effects.ts'

const RECONNECT_AFTER_MS = 1_000

/**
 * Calls `onNotify` whenever a transaction anywhere raised the version. Polling goes on beside it, so a
 * connection that is lost costs only speed until it is back.
 *
 * @returns stops listening.
 */
export async function listenForChanges(url: string, onNotify: () => void): Promise<() => Promise<void>> {
  const { default: pg } = await import('pg')
  const { postgresConfig } = await import('../database/postgres-dialect.ts')
  let client: Client | undefined
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  const connect = async (): Promise<void> => {
    const candidate = new pg.Client(postgresConfig(url))
    let lost = false
    const retry = (): void => {
      if (lost) return
      lost = true
      client = undefined
      candidate.end().catch(() => {})
      if (!stopped) timer = setTimeout(() => void connect(), RECONNECT_AFTER_MS).unref()
    }
    candidate.on('error', retry)
    candidate.on('end', retry)
    candidate.on('notification', onNotify)
    try {
      await candidate.connect()
      await candidate.query(`listen ${NOTIFY_CHANNEL}`)
    } catch {
      retry()
      return
    }
    if (stopped) await candidate.end()
    else client = candidate
    onNotify() // what was committed while nobody listened
  }

  await connect()
  return async () => {
    stopped = true
    clearTimeout(timer)
    await client?.end().catch(() => {})
  }
}
