import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { runCommand, temporaryFolder } from './run-command.ts'

const execute = promisify(execFile)

/** What bash offers after these words; the last one is being typed. */
async function complete(...words: string[]): Promise<string[]> {
  await using folder = await temporaryFolder()
  const script = join(folder.path, 'completion')
  await writeFile(script, (await runCommand(['completion', 'bash'])).stdout)
  const line = `source '${script}'; COMP_WORDS=(keyhaven "$@"); COMP_CWORD=$#; _keyhaven; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = await execute('bash', ['-c', line, 'bash', ...words], { cwd: folder.path })
  return stdout.split('\n').filter(Boolean)
}

test('bash completes commands', async () => {
  expect(await complete('ke')).toEqual(['keys'])
  expect(await complete('keys', 're')).toEqual(['revoke', 'rewrap'])
  expect(await complete('trust', 'root', '')).toContain('create')
})

test('bash completes options, also after the value of another one', async () => {
  expect(await complete('keys', 'revoke', 'demo', '1', '--re')).toEqual(['--reason'])
  expect(await complete('--json', 'keys', '--server', 'list', 'us')).toEqual(['usage'])
  expect(await complete('keys', 'add', 'demo', '--end')).toEqual(['--end-at'])
})

test('bash completes choices, and file names where a value is expected', async () => {
  expect(await complete('completion', '')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']))
  expect(await complete('trust', 'delegate', '--root', 'compl')).toEqual(['completion'])
})

test.each(['bash', 'zsh', 'fish'])('the script for %s names every command', async (shell) => {
  const { stdout, exitCode } = await runCommand(['completion', shell])
  expect(exitCode).toBe(0)
  for (const word of ['serve', 'apps', 'revoke', 'delegate', '--json']) {
    expect(stdout).toContain(shell === 'fish' ? word.replace('--', '-l ') : word)
  }
})
