import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { buildOpenApiDocument } from '../src/openapi/openapi-document.ts'
import { openApiPage } from '../src/openapi/openapi-page.ts'

const ROUTE = /^ {2}app\.(post|patch|delete|get)\((FILES_PATH|FILE_PATH|`\$\{FILE_PATH\}\/info`),/gm
const PATHS: Readonly<Record<string, string>> = {
  FILES_PATH: '/v1/files',
  FILE_PATH: '/v1/files/{id}',
  '`${FILE_PATH}/info`': '/v1/files/{id}/info',
}

test('the API page has every call about files, those of tus, too', async () => {
  const source = await readFile(new URL('../src/files/file-routes.ts', import.meta.url), 'utf8')
  const served = [...source.matchAll(ROUTE)].map(([, method, path]) => `${method} ${PATHS[path!]}`)
  expect(served).toHaveLength(5)
  const document = buildOpenApiDocument()
  const described = Object.entries(document.paths ?? {})
    .filter(([path]) => path.startsWith('/v1/files'))
    .flatMap(([path, item]) => Object.keys(item as object).map((method) => `${method} ${path}`))
  // HEAD is answered with GET, as the router has it.
  expect(described.sort()).toEqual([...served, 'head /v1/files/{id}'].sort())
  const page = openApiPage(document, 'nonce').replaceAll('<wbr>', '')
  for (const method of ['HEAD', 'PATCH', 'DELETE']) {
    expect(page.includes(`>${method}</span>\n<code>/v1/files/{id}</code>`), method).toBe(true)
  }
  for (const header of ['upload-offset', 'tus-resumable', 'keyhaven-conversation', 'range']) {
    expect(page.includes(header), header).toBe(true)
  }
})
