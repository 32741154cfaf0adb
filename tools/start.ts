// `npm start`: builds the dashboard's page if need be, then is `keyhaven serve` with the same words.
import { fileURLToPath } from 'node:url'
import { ensureDashboard } from './run/dashboard.ts'

if (await ensureDashboard()) console.error('built the dashboard')

// The command itself, in this process: one program to signal, and worker processes start from the same file.
const command = fileURLToPath(new URL('../packages/cli/bin/keyhaven.mjs', import.meta.url))
process.argv = [process.execPath, command, 'serve', ...process.argv.slice(2)]
await import(command)
