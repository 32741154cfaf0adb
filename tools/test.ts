// `npm test`: lint, import rules, unused code and the dashboard's build, then every test; types beside them.
// Words after `--` go to Vitest: `npm test -- packages/crypto`.

import { spawn } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DASHBOARD_STEP } from './run/dashboard.ts'
import { ROOT, runSteps, type Step, type StepResult } from './run/step.ts'

/** It takes as long as all others together, and the tests need nothing of it. */
const TYPES: Step = { name: 'types', command: ['tsc', '--noEmit', '-p', '.'], alone: 'npm run typecheck' }
const CHECKS: readonly Step[] = [
  DASHBOARD_STEP,
  { name: 'lint', command: ['biome', 'check', '.'], alone: 'npm run lint' },
  {
    name: 'imports',
    command: [
      'depcruise',
      '--config',
      '.dependency-cruiser.cjs',
      'packages',
      'bench',
      'tools',
      'test',
      'examples',
    ],
    alone: 'npm run check:deps',
  },
  { name: 'unused', command: ['knip'], alone: 'npm run check:unused' },
]

const begun = performance.now()
const types = runSteps([TYPES], report)
const others = await runSteps(CHECKS, report)
const tests = await runVitest(process.argv.slice(2))
const checks = [...(await types), ...others]

const failed = checks.filter((result) => !result.passed)
for (const { step } of failed) console.log(`${step.name} failed. Alone: ${step.alone}`)
if (tests.failed > 0) console.log('Tests failed. One file alone: npm run vitest -- run PATH')
console.log(`checks and tests took ${((performance.now() - begun) / 1000).toFixed(0)} s`)
console.log(`${checks.length - failed.length + tests.passed} passed, ${failed.length + tests.failed} failed`)
process.exitCode = failed.length + tests.failed > 0 ? 1 : 0

function report({ step, passed, seconds, output }: StepResult): void {
  console.log(`${passed ? '✓' : '✗'} ${step.name} ${seconds.toFixed(1)} s`)
  if (!passed) console.log(output)
}

/**
 * A run that ends badly without a failed test (a worker that died, an unhandled error) counts as one
 * failure.
 */
async function runVitest(words: readonly string[]): Promise<{ passed: number; failed: number }> {
  const file = join(tmpdir(), `keyhaven-test-${process.pid}.json`)
  const code = await new Promise<number>((resolve) => {
    spawn('vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...words], {
      cwd: ROOT,
      stdio: 'inherit',
    })
      .once('error', () => resolve(1))
      .once('close', (status) => resolve(status ?? 1))
  })
  const text = await readFile(file, 'utf8').catch(() => undefined)
  await rm(file, { force: true })
  if (text === undefined) return { passed: 0, failed: 1 }
  const summary = JSON.parse(text) as { numPassedTests: number; numFailedTests: number }
  const unexplained = code !== 0 && summary.numFailedTests === 0 ? 1 : 0
  return { passed: summary.numPassedTests, failed: summary.numFailedTests + unexplained }
}
