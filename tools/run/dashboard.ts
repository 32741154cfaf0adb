import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT, runStep, type Step } from './step.ts'

const DASHBOARD = join(ROOT, 'packages', 'dashboard')
const BUILT = join(DASHBOARD, 'dist', 'index.html')
const SOURCES = ['src', 'index.html', 'vite.config.ts', 'package.json']

export const DASHBOARD_STEP: Step = {
  name: 'dashboard',
  command: [
    process.execPath,
    join(ROOT, 'node_modules/vite/bin/vite.js'),
    'build',
    DASHBOARD,
    '--logLevel=warn',
  ],
  alone: 'npm run build -w @keyhaven/dashboard',
}

/** Builds the dashboard's page if it is missing or older than its sources. @returns whether it built. */
export async function ensureDashboard(): Promise<boolean> {
  if (await isFresh()) return false
  const { passed, output } = await runStep(DASHBOARD_STEP)
  if (!passed) throw new Error(`the dashboard does not build:\n${output}\nAlone: ${DASHBOARD_STEP.alone}`)
  return true
}

async function isFresh(): Promise<boolean> {
  if (!existsSync(BUILT)) return false
  const built = (await stat(BUILT)).mtimeMs
  const ages = await Promise.all(SOURCES.map((name) => newest(join(DASHBOARD, name))))
  return Math.max(...ages) <= built
}

/** Newest change under a path, folders included, so that a removed file counts too. */
async function newest(path: string): Promise<number> {
  if (!existsSync(path)) return 0
  const own = await stat(path)
  if (!own.isDirectory()) return own.mtimeMs
  const entries = await readdir(path, { recursive: true })
  const ages = await Promise.all(entries.map(async (entry) => (await stat(join(path, entry))).mtimeMs))
  return Math.max(own.mtimeMs, ...ages)
}
