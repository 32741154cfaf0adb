// `npm run soak`: scenario tests that take their length from the environment, run long. `-- --factor 10`
// for more.
import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'
import { ROOT } from './run/step.ts'

interface Scenario {
  readonly file: string
  /** The variable that the test reads, and what it is set to at factor 1. */
  readonly variable: string
  readonly amount: number
}

/** `npm test` runs the same files with less. */
const SCENARIOS: readonly Scenario[] = [
  {
    file: 'packages/channel/test/gateway/mutated-envelopes.test.ts',
    variable: 'KEYHAVEN_TEST_MUTATED_ENVELOPES',
    amount: 1_000_000,
  },
]
const TEST_TIMEOUT_MS = 4 * 60 * 60 * 1000

const { values } = parseArgs({ options: { factor: { type: 'string', default: '1' } } })
const factor = Number(values.factor)
if (!Number.isInteger(factor) || factor < 1) throw new Error('--factor is a whole number from 1')

const env = { ...process.env }
for (const { file, variable, amount } of SCENARIOS) {
  env[variable] = String(amount * factor)
  console.log(`soak: ${file}, ${variable}=${env[variable]}`)
}
const files = SCENARIOS.map(({ file }) => file)
const child = spawn('vitest', ['run', `--testTimeout=${TEST_TIMEOUT_MS}`, ...files], {
  cwd: ROOT,
  stdio: 'inherit',
  env,
})
child.once('close', (code) => {
  process.exitCode = code ?? 1
})
