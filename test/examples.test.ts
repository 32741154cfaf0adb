import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Browser } from 'playwright-core'
import { afterEach, expect, test } from 'vitest'
import { launchChromium } from './kit/chromium.ts'
import { runProgram } from './kit/run-program.ts'

const ROOT = join(import.meta.dirname, '..')
const RUN_TIMEOUT_MS = 200_000
const MARKER = 'MARKER-typed-into-the-page'

let browser: Browser | undefined
let program: ChildProcess | undefined

afterEach(async () => {
  await browser?.close()
  if (program !== undefined && program.exitCode === null) {
    program.kill('SIGINT')
    await once(program, 'exit')
  }
  browser = undefined
  program = undefined
})

function run(example: string) {
  return runProgram(process.execPath, [join(ROOT, 'examples', example, 'main.ts')], {
    cwd: ROOT,
    timeoutMs: RUN_TIMEOUT_MS,
  })
}

test('examples/node calls, and refuses another root', async () => {
  const { code, output } = await run('node')
  expect(code, output).toBe(0)
  expect(output).toContain('200 {"method":"POST","path":"/v1/echo"')
  expect(output).toContain('"body":"hello through the channel"')
  expect(output).toContain('an app that trusts another root: SIGNATURE_INVALID')
})

test('examples/express reaches an unchanged backend through the gateway, and only through the channel', async () => {
  const { code, output } = await run('express')
  expect(code, output).toBe(0)
  expect(output).toContain("201 /orders/1 { id: 1, item: 'tea' }")
  expect(output).toContain("[ { id: 1, item: 'tea' } ]")
  expect(output).toContain('the same address without the channel: 404')
})

test('examples/browser sends what a person types, and nothing of it in clear', async () => {
  program = spawn(process.execPath, [join(ROOT, 'examples/browser/main.ts')], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [address] = (await once(createInterface(program.stdout!), 'line')) as [string]
  browser = await launchChromium()
  const page = await browser.newPage()
  const sent: string[] = []
  page.on('request', (request) => {
    sent.push(request.url(), JSON.stringify(request.headers()))
    sent.push(request.postDataBuffer()?.toString('latin1') ?? '')
  })
  await page.goto(address)
  await page.getByLabel('Message').fill(MARKER)
  await page.getByRole('button', { name: 'Send' }).click()
  const output = page.locator('output')
  await output.filter({ hasText: MARKER }).waitFor()
  expect(JSON.parse((await output.textContent())!)).toMatchObject({ body: MARKER, sealed: true })
  expect(sent.some((text) => text.includes('/gateway/demo'))).toBe(true)
  expect(sent.join('\n')).not.toContain(MARKER)
})
