import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('../fixtures/slixmpp-client.py', import.meta.url))

export interface SlixmppClient {
  /** What it writes next: one JSON object a line. */
  next(): Promise<Record<string, unknown>>
  stop(): Promise<void>
}

/** Starts a client that we did not write. @param words - see the script. */
export function startSlixmpp(words: readonly string[]): SlixmppClient {
  const child = spawn(findPython(), [SCRIPT, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  let errors = ''
  child.stderr!.on('data', (chunk) => {
    errors += String(chunk)
  })
  return {
    async next() {
      const { value, done } = await lines.next()
      if (done) throw new Error(`slixmpp has ended: ${errors}`)
      return JSON.parse(value)
    },
    stop: () => end(child, exited),
  }
}

async function end(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  child.kill('SIGKILL')
  await exited
}

/** Debian's own Python has the package; another one on the PATH may not. */
function findPython(): string {
  const found = ['/usr/bin/python3', 'python3'].find(
    (python) => spawnSync(python, ['-c', 'import slixmpp']).status === 0,
  )
  if (found === undefined) throw new Error('slixmpp is not installed: apt-get install python3-slixmpp')
  return found
}
