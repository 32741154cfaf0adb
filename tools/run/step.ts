import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** One check of the repository, run as a program of its own. */
export interface Step {
  readonly name: string
  /** Program and arguments; programs of node_modules/.bin are on the PATH of npm scripts. */
  readonly command: readonly [string, ...string[]]
  /** How a person runs only this step. */
  readonly alone: string
}

export interface StepResult {
  readonly step: Step
  readonly passed: boolean
  readonly seconds: number
  /** What the program printed, both streams in order. */
  readonly output: string
}

/** Runs a step to its end. Never throws: a program that cannot start is a failed step. */
export function runStep(step: Step): Promise<StepResult> {
  const begun = performance.now()
  const [program, ...args] = step.command
  return new Promise((resolve) => {
    const chunks: string[] = []
    const finish = (passed: boolean) =>
      resolve({ step, passed, seconds: (performance.now() - begun) / 1000, output: chunks.join('') })
    const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => chunks.push(text))
    }
    child.once('error', (error) => {
      chunks.push(`${program}: ${error.message}\n`)
      finish(false)
    })
    child.once('close', (code) => finish(code === 0))
  })
}

/** Runs steps one after the other, and reports each as it ends. */
export async function runSteps(
  steps: readonly Step[],
  report: (result: StepResult) => void,
): Promise<StepResult[]> {
  const results: StepResult[] = []
  for (const step of steps) {
    const result = await runStep(step)
    results.push(result)
    report(result)
  }
  return results
}
