// `npm run build`: what is published, one folder a package, in dist/npm. `--out DIR` for another place.
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildBrowserBundle } from './build/browser-bundle.ts'
import { emitPackages } from './build/emit.ts'
import { publishedPackages, writePackage } from './build/published-package.ts'
import { ensureDashboard } from './run/dashboard.ts'
import { ROOT } from './run/step.ts'

const { values } = parseArgs({ options: { out: { type: 'string', default: 'dist/npm' } } })
const out = resolve(ROOT, values.out)

await ensureDashboard()
await emitPackages(out)
await buildBrowserBundle(out)
for (const name of await publishedPackages()) await writePackage(name, out)
console.log(`built ${(await publishedPackages()).join(', ')} into ${values.out}`)
