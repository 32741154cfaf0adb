import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One file of the built dashboard, as the server answers it. */
export interface DashboardAsset {
  readonly contentType: string
  readonly body: Uint8Array
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

const NOT_BUILT = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Keyhaven</title></head>
<body><h1>The dashboard is not built</h1><p>Run <code>npm run build -w @keyhaven/dashboard</code> and start the
server again. The admin API works without it.</p></body></html>`

/**
 * The built dashboard, read once and kept in memory by the server.
 *
 * File names under `/assets/` carry a hash of their content, so they can be cached for ever; `/index.html`
 * cannot.
 *
 * @returns path from the root of the site, such as `/index.html`, to the file. Without a build it is one page
 * that says how to make it, so that a server from source starts all the same.
 */
export async function dashboardAssets(): Promise<Map<string, DashboardAsset>> {
  const root = fileURLToPath(new URL('../dist', import.meta.url))
  const assets = new Map<string, DashboardAsset>()
  for (const file of await listFiles(root)) {
    const contentType = CONTENT_TYPES[extname(file)] ?? 'application/octet-stream'
    assets.set(`/${relative(root, file).split(sep).join('/')}`, { contentType, body: await readFile(file) })
  }
  if (!assets.has('/index.html')) {
    assets.set('/index.html', {
      contentType: 'text/html; charset=utf-8',
      body: new TextEncoder().encode(NOT_BUILT),
    })
  }
  return assets
}

async function listFiles(root: string): Promise<string[]> {
  try {
    const entries = await readdir(root, { recursive: true, withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
