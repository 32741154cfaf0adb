import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'

const WORKER = join(import.meta.dirname, '../examples/save-file/save-worker.js')
const ORIGIN = 'https://app.example'

/** The worker with the page's part of it played. */
function startWorker() {
  const listeners = new Map<string, (event: object) => void>()
  const self = {
    location: { origin: ORIGIN },
    addEventListener: (name: string, listener: (event: object) => void) => listeners.set(name, listener),
  }
  const globals = {
    self,
    URL,
    Response,
    ReadableStream,
    Map,
    Promise,
    Error,
    String,
    encodeURIComponent,
    escape,
  }
  runInNewContext(readFileSync(WORKER, 'utf8'), globals)
  return {
    message: (data: object) => listeners.get('message')!({ data }),
    fetch(path: string): Response | undefined {
      let answer: Response | undefined
      const respondWith = (response: Response) => {
        answer = response
      }
      listeners.get('fetch')!({ request: { url: ORIGIN + path }, respondWith })
      return answer
    },
  }
}

test('the worker of examples/save-file gives every file to save, and never as a page of the app', () => {
  const worker = startWorker()
  const port = { postMessage: () => {} }
  worker.message({ id: 'one', name: 'a"b\'\r\nx: y.html', size: 7, port, type: 'text/html' })
  const { headers } = worker.fetch('/save-file/one')!
  expect(headers.get('content-type')).toBe('application/octet-stream')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('content-security-policy')).toBe("default-src 'none'; sandbox")
  expect(headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''a%22b%27%0D%0Ax%3A%20y.html")
  expect(headers.has('x')).toBe(false)
  // Once, and nothing else.
  expect(worker.fetch('/save-file/one')!.status).toBe(404)
  expect(worker.fetch('/index.html')).toBeUndefined()
})
