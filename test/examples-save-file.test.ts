import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Browser } from 'playwright-core'
import { afterEach, expect, test } from 'vitest'
import { launchChromium } from './kit/chromium.ts'

const ROOT = join(import.meta.dirname, '..')
const MEBIBYTE = 1_024 * 1_024

let browser: Browser | undefined
let program: ChildProcess | undefined

afterEach(async () => {
  await browser?.close()
  if (program !== undefined && program.exitCode === null) {
    program.kill('SIGINT')
    await once(program, 'exit')
  }
})

test('examples/save-file encrypts in the browser and saves what it decrypts through a service worker', async () => {
  program = spawn(process.execPath, [join(ROOT, 'examples/save-file/main.ts')], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [address] = (await once(createInterface(program.stdout!), 'line')) as [string]
  browser = await launchChromium()
  const page = await browser.newPage()
  await page.goto(address)
  const buffer = randomBytes(20 * MEBIBYTE + 321)
  const name = "Ferien – Straße's (1).bin"
  await page.getByLabel('File').setInputFiles({ name, mimeType: 'application/x-test', buffer })
  const downloading = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Encrypt' }).click()
  const download = await downloading
  expect(download.suggestedFilename()).toBe(name)
  const saved = readFileSync(await download.path())
  const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
  expect(hash(saved)).toBe(hash(buffer))
  expect(await page.locator('output').textContent()).toMatch(/^\d+ bytes are stored, encrypted$/)
})
