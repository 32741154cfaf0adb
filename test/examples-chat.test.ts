import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import jsQR from 'jsqr'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchChromium } from './kit/chromium.ts'

const ROOT = join(import.meta.dirname, '..')
const STEP_TIMEOUT_MS = 60_000
const PHONE = { width: 375, height: 740 }
const SCAN_PIXELS = 600
const MARKER = 'MARKER written in the chat'

let program: ChildProcess
let address: string
let browser: Browser
let context: BrowserContext
let anna: Page
let ben: Page
const sent: string[] = []

beforeAll(async () => {
  program = spawn(process.execPath, [join(ROOT, 'examples/chat/main.ts')], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  address = ((await once(createInterface(program.stdout!), 'line')) as [string])[0]
  browser = await launchChromium()
  context = await browser.newContext({ viewport: PHONE })
  context.setDefaultTimeout(STEP_TIMEOUT_MS)
})

afterAll(async () => {
  await browser?.close()
  if (program !== undefined && program.exitCode === null) {
    program.kill('SIGINT')
    await once(program, 'exit')
  }
})

async function openTab(name: string): Promise<Page> {
  const page = await context.newPage()
  page.on('request', (request) => {
    if (request.url().includes('/gateway/')) sent.push(request.postDataBuffer()?.toString('latin1') ?? '')
  })
  await page.goto(address)
  await page.getByRole('button', { name: `I am ${name}` }).click()
  await page.getByRole('textbox', { name: 'Message' }).waitFor()
  return page
}

async function write(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Message' }).fill(text)
  await page.getByRole('button', { name: 'Send' }).click()
}

const messages = (page: Page) => page.getByRole('list', { name: 'Messages' }).getByRole('listitem')
const shows = (page: Page, text: string) => messages(page).filter({ hasText: text }).waitFor()

/** What a camera in front of the dialog would read. */
async function scan(page: Page): Promise<string> {
  const red = await page.locator('#qr svg').evaluate(async (svg, size) => {
    const image = new Image()
    image.src = `data:image/svg+xml,${encodeURIComponent(new XMLSerializer().serializeToString(svg))}`
    await image.decode()
    const canvas = new OffscreenCanvas(size, size).getContext('2d')!
    canvas.fillStyle = 'white'
    canvas.fillRect(0, 0, size, size)
    canvas.drawImage(image, 0, 0, size, size)
    const { data } = canvas.getImageData(0, 0, size, size)
    return Array.from({ length: size * size }, (_, at) => (data[4 * at]! < 128 ? '1' : '0')).join('')
  }, SCAN_PIXELS)
  const rgba = Uint8ClampedArray.from({ length: 4 * red.length }, (_, at) =>
    at % 4 < 3 && red[Math.floor(at / 4)] === '1' ? 0 : 255,
  )
  // TypeScript takes the function of this CommonJS module for its namespace.
  const decode = jsQR as unknown as typeof jsQR.default
  return decode(rgba, SCAN_PIXELS, SCAN_PIXELS)!.data
}

async function fitsThePhone(page: Page): Promise<void> {
  const width = await page.evaluate(() => document.documentElement.scrollWidth)
  expect(width).toBeLessThanOrEqual(PHONE.width)
}

test('two people in two tabs write to each other, and nothing of it leaves the page in clear', async () => {
  anna = await openTab('Anna')
  ben = await openTab('Ben')
  await write(anna, MARKER)
  await shows(ben, MARKER)
  await write(ben, 'and an answer')
  await shows(anna, 'and an answer')
  expect(sent.length).toBeGreaterThan(4)
  expect(sent.join('\n')).not.toContain('MARKER')
  await fitsThePhone(anna)
})

test('a reload shows what was written before', async () => {
  await ben.reload()
  await shows(ben, MARKER)
  await shows(ben, 'and an answer')
  await write(ben, 'after the reload')
  await shows(anna, 'after the reload')
  expect(await messages(ben).count()).toBe(3)
})

test("one scans the other's code, and both see the mark only where it was compared", async () => {
  for (const page of [anna, ben]) {
    await page.getByRole('button', { name: 'Verify' }).click()
    await page.locator('#qr svg').waitFor()
    await fitsThePhone(page)
  }
  const code = await scan(ben)
  expect(code).toMatch(/^keyhaven-verify:/)
  expect(await anna.locator('#digits').textContent()).toBe(await ben.locator('#digits').textContent())
  await anna.getByLabel("The other's code").fill('1'.repeat(60))
  await anna.getByRole('button', { name: 'Compare' }).click()
  await anna.getByText('the safety numbers differ').waitFor()
  await anna.getByLabel("The other's code").fill(code)
  await anna.getByRole('button', { name: 'Compare' }).click()
  await anna.getByText('✓ Verified').waitFor()
  await ben.getByRole('button', { name: 'Close' }).click()
  expect(await ben.locator('#trust').textContent()).toContain('not verified')
})

test('in another browser it says why nobody can join twice', async () => {
  const other = await browser.newContext({ viewport: PHONE })
  const page = await other.newPage()
  await page.goto(address)
  await page.getByRole('button', { name: 'I am Anna' }).click()
  await page.getByText('has joined in another browser').waitFor({ timeout: STEP_TIMEOUT_MS })
  await other.close()
})
