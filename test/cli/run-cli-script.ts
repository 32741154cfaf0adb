import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { CliFolder } from './cli-folder.ts'
import { runScript } from './run-script.ts'

/** Runs a script of this folder and expects each step to print and exit as it says. */
export async function runCliScript(
  name: string,
  folder: CliFolder,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const outcomes = await runScript(fileURLToPath(new URL(name, import.meta.url)), {
    cwd: folder.path,
    env: { ...folder.env, ...env },
    names: [[folder.path, '<dir>']],
  })
  for (const { command, actual, expected } of outcomes) expect.soft(actual, command).toBe(expected)
}
