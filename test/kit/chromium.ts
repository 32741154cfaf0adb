import { existsSync } from 'node:fs'
import { type Browser, chromium, type LaunchOptions } from 'playwright-core'

/**
 * Where Debian, other distributions and Google's own package put it. First the one without windows, where a
 * distribution has it: the same engine in half the processor time.
 */
const EXECUTABLES = [
  '/usr/bin/chromium-headless-shell',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]
/** A test browser calls nobody: no update checks, no sync, no field trials. */
const QUIET_FLAGS = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-default-browser-check',
  '--no-first-run',
]

/**
 * Starts the installed Chromium, headless. Close it after use.
 *
 * @throws Error that names the package to install if there is none: a test is never skipped silently.
 */
export function launchChromium(options: LaunchOptions = {}): Promise<Browser> {
  const executablePath = EXECUTABLES.find((path) => existsSync(path))
  if (!executablePath) {
    throw new Error('Chromium is not installed: apt-get install chromium-headless-shell, or chromium')
  }
  // Chromium refuses to run as root with its sandbox.
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return chromium.launch({
    executablePath,
    headless: true,
    ...options,
    args: [...QUIET_FLAGS, ...asRoot, ...(options.args ?? [])],
  })
}
