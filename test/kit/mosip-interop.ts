import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('../fixtures/mosip_interop.py', import.meta.url))

/** One operation of test/fixtures/mosip_interop.py; bytes are base64url. */
export interface InteropRequest {
  readonly op: string
  readonly [field: string]: unknown
}

export type InteropAnswer = Readonly<Record<string, string | number>>

/** Has python3-cryptography do all of these, in one process. Throws with what it wrote if one fails. */
export async function runInterop(requests: readonly InteropRequest[]): Promise<InteropAnswer[]> {
  // Unbuffered, Python takes what a signal cut short for written: a process that was stopped would leave half an answer.
  const env = { ...process.env, PYTHONUNBUFFERED: '' }
  const child = spawn('python3', [SCRIPT], { stdio: ['pipe', 'pipe', 'pipe'], env })
  const output: Record<'stdout' | 'stderr', string> = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
    })
  }
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  child.stdin.end(JSON.stringify(requests))
  const code = await ended
  if (code !== 0) throw new Error(`mosip_interop.py failed: ${output.stderr}`)
  return JSON.parse(output.stdout) as InteropAnswer[]
}
