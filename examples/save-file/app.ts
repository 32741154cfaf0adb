import { createConversationFiles, type FilesPort } from '@keyhaven/conversations'
import { registerSaveWorker, saveFile } from './save-file.ts'

// In an app, `conversation.files` takes the place of what follows: a server in the page's memory, so that
// this example needs no second person.
const stored = new Map<string, Uint8Array<ArrayBuffer>>()
const port: FilesPort = { server: location.origin, conversation: 'AAAAAAAAAAAAAAAAAAAAAA', call }
const files = createConversationFiles(port)

const form = document.querySelector('form')!
const output = document.querySelector('output')!
await registerSaveWorker('/save-worker.js')
form.querySelector('button')!.disabled = false

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const file = new FormData(form).get('file')
  if (!(file instanceof File)) return
  try {
    const content = await files.upload(file, { name: file.name })
    output.textContent = `${content.stored} bytes are stored, encrypted`
    await saveFile(await files.download(content))
  } catch (error) {
    output.textContent = String(error)
  }
})

async function call(...[method, path, body, headers]: Parameters<FilesPort['call']>): Promise<Response> {
  const id = 'AAAAAAAAAAAAAAAAAAAAAQ'
  if (method === 'POST') {
    stored.set(id, new Uint8Array(0))
    return new Response(null, { status: 201, headers: { location: `${path}/${id}` } })
  }
  const bytes = stored.get(id)!
  if (method === 'GET') return new Response(new Blob([bytes]))
  const whole = new Uint8Array(await new Blob([bytes, body!]).arrayBuffer())
  stored.set(id, whole)
  const offset = Number(headers['upload-offset']) + body!.length
  return new Response(null, { status: 204, headers: { 'upload-offset': String(offset) } })
}
