import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// A test run sets NODE_ENV=test, and its build would be the slow development one, with effects run twice.
if (process.argv.includes('build')) process.env.NODE_ENV = 'production'

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // Relative addresses: the page works wherever the admin listener, or a proxy in front of it, puts it.
  base: './',
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // The page's policy is `img-src 'self' data:` and no data: elsewhere, so nothing is inlined.
    assetsInlineLimit: 0,
    // Vite's preload polyfill is not needed by the browsers that have X25519, and saves a script.
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // Libraries change less often than our pages, so a browser keeps them over an update of ours.
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/ },
            { name: 'mantine', test: /node_modules[\\/](@mantine[\\/](core|hooks)|@floating-ui)[\\/]/ },
          ],
        },
      },
    },
  },
  server: { proxy: { '/admin': 'http://127.0.0.1:8788' } },
})
