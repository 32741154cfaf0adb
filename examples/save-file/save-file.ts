import type { FileDownload } from '@keyhaven/conversations'

const READY_MS = 5_000
/** Where the service worker listens: no page and no server has this path. */
const SAVE_PATH = '/save-file/'

/**
 * Registers the worker, once, when the app starts.
 *
 * @param script - its address: beside the app, not below.
 */
export async function registerSaveWorker(script: string): Promise<void> {
  await navigator.serviceWorker.register(script, { type: 'module' })
  await navigator.serviceWorker.ready
}

/**
 * Saves a download of a conversation as the browser saves any other: straight to disk, shown in its list,
 * stopped by its button. The bytes are decrypted in this page and never lie in memory as a whole.
 *
 * @throws Error if the worker does not answer. What fails later ends the download as broken.
 */
export async function saveFile({
  stream,
  metadata,
}: Pick<FileDownload, 'stream' | 'metadata'>): Promise<void> {
  const { active } = await navigator.serviceWorker.ready
  const { port1: port, port2 } = new MessageChannel()
  const id = crypto.randomUUID()
  const { name, size } = metadata
  const ready = answerOf(port)
  active!.postMessage({ id, name, size, port: port2 }, [port2])
  await ready
  serve(port, stream.getReader())
  const frame = document.createElement('iframe')
  frame.hidden = true
  frame.src = SAVE_PATH + id
  document.body.append(frame)
}

function answerOf(port: MessagePort): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the service worker does not answer')), READY_MS)
    port.onmessage = () => {
      clearTimeout(timer)
      resolve()
    }
  })
}

/** One piece for each that the worker asks for: the disk decides how fast it goes. */
function serve(port: MessagePort, reader: ReadableStreamDefaultReader<Uint8Array>): void {
  port.onmessage = async ({ data }) => {
    if (data === 'cancel') {
      await reader.cancel()
      port.close()
      return
    }
    try {
      const { done, value } = await reader.read()
      port.postMessage(done ? 'end' : value)
    } catch {
      // Not whole, or not what was sent: what was saved so far is thrown away by the browser.
      port.postMessage('failed')
    }
  }
}
