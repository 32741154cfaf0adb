import { connect, indexedDbStorage, KeyhavenError } from '@keyhaven/sdk'

/** Vite puts these in: an app has them in its own settings. */
declare const KEYHAVEN: { url: string; applicationId: string; rootThumbprints: string[] }

const { url, applicationId, rootThumbprints } = KEYHAVEN
const storage = indexedDbStorage()
const keyhaven = connect({ url, applicationId, trust: { rootThumbprints }, storage, appVersion: '1.0.0' })

const form = document.querySelector('form')!
const output = document.querySelector('output')!

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const { message, file } = Object.fromEntries(new FormData(form))
  const body = file instanceof File && file.size > 0 ? file : String(message)
  try {
    const response = await keyhaven.fetch('/v1/echo', { method: 'POST', body })
    output.textContent = await response.text()
  } catch (error) {
    output.textContent = error instanceof KeyhavenError ? `${error.code}: ${error.message}` : String(error)
  }
})
