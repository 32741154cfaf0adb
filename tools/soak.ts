// `npm run soak`: scenario tests that take their length from the environment, run long. `-- --factor 10`
// for ten times as long, `-- --factor 0.2` for a fifth.
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { ROOT } from './run/step.ts'

interface Scenario {
  readonly file: string
  /**
   * The variable that the test reads. Not `KEYHAVEN_…`: those are the server's, which refuses one that it
   * does not know.
   */
  readonly variable: string
  /** What it is set to at factor 1. */
  readonly amount: number
}

/** `npm test` runs the same files with less. Each sets its own time limit by its length. */
const SCENARIOS: readonly Scenario[] = [
  {
    file: 'packages/channel/test/gateway/mutated-envelopes.test.ts',
    variable: 'SOAK_MUTATED_ENVELOPES',
    amount: 1_000_000,
  },
  { file: 'test/kill-nine.test.ts', variable: 'SOAK_KILLS', amount: 500 },
  { file: 'test/directory-kill-nine.test.ts', variable: 'SOAK_DIRECTORY_KILLS', amount: 250 },
  { file: 'test/conversations-kill-nine.test.ts', variable: 'SOAK_CONVERSATION_KILLS', amount: 100 },
  { file: 'test/identity-kill-nine.test.ts', variable: 'SOAK_IDENTITY_PEOPLE', amount: 200 },
  { file: 'packages/server/test/files-kill-nine.test.ts', variable: 'SOAK_FILE_KILLS', amount: 100 },
  { file: 'packages/server/test/files-large.test.ts', variable: 'SOAK_FILE_GIBIBYTES', amount: 10 },
  { file: 'test/rotation-under-load.test.ts', variable: 'SOAK_ROTATION_PHASE_SECONDS', amount: 120 },
]

const { values } = parseArgs({ options: { factor: { type: 'string', default: '1' } } })
const factor = Number(values.factor)
if (!(factor > 0 && factor < Number.POSITIVE_INFINITY)) throw new Error('--factor is a number over 0')

// On a real disk, where the tests of every day prefer memory.
const env: NodeJS.ProcessEnv = { ...process.env, TMPDIR: tmpdir() }
for (const { file, variable, amount } of SCENARIOS) {
  env[variable] = String(Math.ceil(amount * factor))
  console.log(`soak: ${file}, ${variable}=${env[variable]}`)
}
const files = SCENARIOS.map(({ file }) => file)
// One at a time: a proof under load is none of a machine that is busy with another.
const child = spawn('vitest', ['run', '--no-file-parallelism', ...files], {
  cwd: ROOT,
  stdio: 'inherit',
  env,
})
child.once('close', (code) => {
  process.exitCode = code ?? 1
})
