// The service worker: answers requests below /save-file/ with what the page sends, piece by piece.
const SAVE_PATH = '/save-file/'

/** @type {Map<string, { name: string, size: number, port: MessagePort }>} */
const waiting = new Map()

self.addEventListener('install', () => self.skipWaiting())
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

self.addEventListener('message', ({ data }) => {
  const { id, name, size, port } = data
  waiting.set(id, { name, size, port })
  port.postMessage('ready')
})

self.addEventListener('fetch', (event) => {
  const { origin, pathname } = new URL(event.request.url)
  if (origin !== self.location.origin || !pathname.startsWith(SAVE_PATH)) return
  const id = pathname.slice(SAVE_PATH.length)
  const file = waiting.get(id)
  waiting.delete(id)
  event.respondWith(file ? answer(file) : new Response(null, { status: 404 }))
})

/**
 * As a file to save, whatever its type: shown as a page of this origin it could read all that the app has.
 */
function answer({ name, size, port }) {
  const filename = encodeURIComponent(name).replace(/['()*]/g, escape)
  return new Response(bodyFrom(port), {
    headers: {
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename*=UTF-8''${filename}`,
      'content-length': String(size),
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
    },
  })
}

function bodyFrom(port) {
  return new ReadableStream(
    {
      pull(controller) {
        return new Promise((resolve) => {
          port.onmessage = ({ data }) => {
            if (data === 'end') controller.close()
            else if (data === 'failed')
              controller.error(new Error('the file is damaged, or its download ended'))
            else controller.enqueue(data)
            resolve()
          }
          port.postMessage('next')
        })
      },
      cancel() {
        port.postMessage('cancel')
      },
    },
    { highWaterMark: 0 },
  )
}
