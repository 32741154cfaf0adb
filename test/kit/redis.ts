import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'

export interface TestRedis {
  readonly url: string
  /** Kills it as a crash would. */
  stop(): Promise<void>
}

/** A real Redis that keeps nothing, for one test file. */
export async function startRedis(): Promise<TestRedis> {
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven-redis-'))
  const parameters = ['--port', String(port), '--save', '', '--bind', '127.0.0.1', '--dir', folder]
  const child = spawn('redis-server', parameters, { stdio: ['ignore', 'pipe', 'ignore'] })
  const kill = (): void => {
    child.kill('SIGKILL')
  }
  process.once('exit', kill)
  await new Promise<void>((resolve, reject) => {
    let output = ''
    child.once('error', () => reject(new Error('Redis is not installed: apt-get install redis-server')))
    child.once('exit', () => reject(new Error(`Redis did not start: ${output}`)))
    child.stdout.on('data', (chunk) => {
      output += String(chunk)
      if (output.includes('Ready to accept connections')) resolve()
    })
  })
  return {
    url: `redis://127.0.0.1:${port}`,
    stop: async () => {
      process.off('exit', kill)
      const exited = once(child, 'exit')
      kill()
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}
