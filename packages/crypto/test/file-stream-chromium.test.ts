import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { bundleForBrowser } from '../../../test/kit/bundle.ts'
import { launchChromium } from '../../../test/kit/chromium.ts'
import { serveFiles } from '../../../test/kit/serve-files.ts'
import { vectorText } from './vector-suite/load-vectors.ts'

const ENTRY = fileURLToPath(new URL('browser/run-file-suite.ts', import.meta.url))
const VECTORS = '/vectors/'
const PAGE = `<!doctype html><meta charset="utf-8"><title>files</title>
<script type="module">
  import { runFileSuite } from '/entry.js'
  Object.assign(globalThis, { runFileSuite })
</script>`

test('files in Chromium pass every vector, with nothing of Node in the bundle', async () => {
  const bundle = await bundleForBrowser(ENTRY)
  expect(Object.values(bundle).join('\n')).not.toMatch(/["']node:/)
  const server = await serveFiles((path) => {
    if (path === '/index.html') return PAGE
    return path.startsWith(VECTORS) ? vectorText(path.slice(VECTORS.length)) : bundle[path.slice(1)]
  })
  const browser = await launchChromium()
  try {
    const page = await browser.newPage()
    await page.goto(server.origin)
    expect(await page.evaluate('runFileSuite()')).toEqual({ passed: 35, failures: [] })
  } finally {
    await browser.close()
    await server.close()
  }
})
