// `npm run soak`: the scenario tests that take a length from the environment, run long. Words after `--` are test paths.
//   KEYHAVEN_SOAK=10 npm run soak        ten times as much of everything (default)
import { spawn } from 'node:child_process'
import { ROOT } from './run/step.ts'

/** The tests that read KEYHAVEN_SOAK. */
const SCENARIOS = ['soak', 'rotation-load', 'kill', 'mutated']
const DEFAULT_FACTOR = '10'
const TEST_TIMEOUT_MS = 4 * 60 * 60 * 1000

const words = process.argv.slice(2)
const factor = process.env.KEYHAVEN_SOAK ?? DEFAULT_FACTOR
if (!/^[1-9]\d{0,3}$/.test(factor)) throw new Error('KEYHAVEN_SOAK is a number from 1 to 9999')
console.log(`soak: ${factor} times as much`)
const child = spawn(
  'vitest',
  ['run', `--testTimeout=${TEST_TIMEOUT_MS}`, ...(words.length > 0 ? words : SCENARIOS)],
  { cwd: ROOT, stdio: 'inherit', env: { ...process.env, KEYHAVEN_SOAK: factor } },
)
child.once('close', (code) => {
  process.exitCode = code ?? 1
})
