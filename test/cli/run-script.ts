import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'

/** A step of a script: a command line, what it prints (stdout and stderr together), and its exit code. */
interface Step {
  readonly line: number
  readonly command: string
  readonly expected: readonly string[]
  readonly exitCode: number
}

export interface ScriptSurroundings {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Texts of this run and the names they show under, such as the folder as `<dir>`. */
  readonly names?: ReadonlyArray<readonly [text: string, name: string]>
}

export interface StepOutcome {
  readonly command: string
  /**
   * The output, with each line that matches replaced by the expected one, so that a diff shows only what
   * differs.
   */
  readonly actual: string
  readonly expected: string
}

const STEP_TIMEOUT_MS = 180_000
const PLACEHOLDERS: Readonly<Record<string, string>> = {
  uuid: '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}',
  time: '\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(?:\\.\\d{3})?Z',
  thumbprint: '[A-Za-z0-9_-]{43}',
  base64url: '[A-Za-z0-9_-]+',
  jws: '[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+',
  token: 'kh_[A-Za-z0-9_-]+',
  signup: 'khs_[A-Za-z0-9_-]+',
  hex: '[0-9a-f]+',
  n: '\\d+',
  any: '.*',
  version: '\\d+\\.\\d+\\.\\d+',
}

/**
 * Runs a script of commands and expected output.
 *
 *     $ command            runs in a shell
 *     expected output      <uuid>, <time>, <n> … stand for what changes; <uuid:KEY> also sets $KEY
 *                          for later commands;
 *                          a line `...` stands for any lines; two or more spaces for as many as there are
 *     ? 2                  the exit code, if it is not 0
 *     # a comment
 *
 * It goes on after a step that fails, unless the step was to set a variable.
 */
export async function runScript(file: string, surroundings: ScriptSurroundings): Promise<StepOutcome[]> {
  const variables: Record<string, string> = {}
  const outcomes: StepOutcome[] = []
  for (const step of parseScript(await readFile(file, 'utf8'))) {
    const { output, exitCode } = await runShell(step.command, {
      ...surroundings,
      env: { ...surroundings.env, ...variables },
    })
    const named = (surroundings.names ?? []).reduce((text, [from, to]) => text.replaceAll(from, to), output)
    const actual = named.split('\n').map((line) => line.trimEnd())
    while (actual.at(-1) === '') actual.pop()
    const shown = matchLines(step.expected, actual, variables)
    outcomes.push({
      command: `line ${step.line}: $ ${step.command}`,
      actual: [...shown, `? ${exitCode}`].join('\n'),
      expected: [...step.expected, `? ${step.exitCode}`].join('\n'),
    })
  }
  return outcomes
}

function parseScript(text: string): Step[] {
  const steps: (Omit<Step, 'expected'> & { expected: string[]; exitCode: number })[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.startsWith('# ')) continue
    const step = steps.at(-1)
    if (line.startsWith('$ ')) {
      steps.push({ line: index + 1, command: line.slice(2), expected: [], exitCode: 0 })
    } else if (step === undefined) {
      if (line.trim() !== '') throw new Error(`line ${index + 1}: expected output before the first command`)
    } else if (line.startsWith('? ')) step.exitCode = Number(line.slice(2))
    else step.expected.push(line.trimEnd())
  }
  for (const { expected } of steps) while (expected.at(-1) === '') expected.pop()
  return steps as Step[]
}

/** Replaces the lines that match by the expected ones; `...` takes as few lines as it can. */
function matchLines(
  expected: readonly string[],
  actual: readonly string[],
  variables: Record<string, string>,
): string[] {
  const shown: string[] = []
  let next = 0
  for (const [index, pattern] of expected.entries()) {
    if (pattern === '...') {
      const stop = expected[index + 1]
      const end =
        stop === undefined
          ? actual.length
          : actual.findIndex((line, at) => at >= next && matchLine(stop, line, {}) !== undefined)
      if (end === -1) return [...shown, ...actual.slice(next)]
      shown.push(pattern)
      next = end
      continue
    }
    const line = actual[next]
    if (line === undefined) return shown
    const found = matchLine(pattern, line, variables)
    Object.assign(variables, found)
    shown.push(found === undefined ? line : pattern)
    next++
  }
  return [...shown, ...actual.slice(next)]
}

/** @returns the variables that the line sets, undefined if it does not match. */
function matchLine(
  pattern: string,
  line: string,
  variables: Readonly<Record<string, string>>,
): Record<string, string> | undefined {
  const names: string[] = []
  const source = pattern
    .split(/(<[a-z0-9]+(?::[A-Z_]+)?>|\$[A-Z_]+)/)
    .map((part) => {
      if (part.startsWith('$') && variables[part.slice(1)] !== undefined)
        return literal(variables[part.slice(1)]!)
      const placeholder = /^<([a-z0-9]+)(?::([A-Z_]+))?>$/.exec(part)
      const expression = placeholder && PLACEHOLDERS[placeholder[1]!]
      if (!expression) return literal(part).replace(/ {2,}/g, ' {2,}')
      if (placeholder[2] === undefined) return expression
      names.push(placeholder[2])
      return `(${expression})`
    })
    .join('')
  const match = new RegExp(`^${source}$`).exec(line)
  if (match === null) return undefined
  return Object.fromEntries(names.map((name, index) => [name, match[index + 1]!]))
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function runShell(
  command: string,
  { cwd, env }: ScriptSurroundings,
): Promise<{ readonly output: string; readonly exitCode: number | null }> {
  return new Promise((resolve, reject) => {
    // One pipe for both streams, so that their lines come in the order in which they were written.
    const child = spawn('bash', ['-c', `{ ${command}\n} 2>&1`], {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: STEP_TIMEOUT_MS,
    })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', reject)
    child.on('close', (exitCode) => resolve({ output: Buffer.concat(chunks).toString('utf8'), exitCode }))
  })
}
