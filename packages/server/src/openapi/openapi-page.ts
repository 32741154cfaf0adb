import { escapeHtml } from '../platform/http/html-page.ts'
import type { OpenApiDocument } from './openapi-document.ts'
import { OPENAPI_PAGE_STYLE } from './openapi-page-style.ts'

const METHODS = ['head', 'get', 'post', 'put', 'patch', 'delete'] as const

/** What we read of an operation; the rest of OpenAPI is not used here. */
interface Operation {
  readonly tags?: readonly string[]
  readonly summary?: string
  readonly description?: string
  readonly security?: readonly unknown[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content?: Readonly<Record<string, { schema?: Schema }>> }
  readonly responses?: Readonly<Record<string, Answer>>
}

interface Answer {
  readonly description?: string
  readonly content?: Readonly<Record<string, { schema?: Schema }>>
}

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly schema?: Schema
}

interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly format?: string
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
}

interface Entry {
  readonly method: string
  readonly path: string
  readonly operation: Operation
}

/** The API as a page to read: no script, nothing from elsewhere. */
export function openApiPage(document: OpenApiDocument, nonce: string): string {
  const tags = byTag(document)
  const schemas = (document.components?.schemas ?? {}) as Readonly<Record<string, Schema>>
  const links = [...tags.keys(), 'Objects'].map(
    (tag) => `<li><a href="#${anchor(tag)}">${escapeHtml(tag)}</a></li>`,
  )
  const sections = [...tags].map(([tag, entries]) => tagSection(tag, entries))
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(document.info.title)} API</title>
<style nonce="${nonce}">${OPENAPI_PAGE_STYLE}</style>
</head>
<body>
<header><h1>${escapeHtml(document.info.title)} API <small>${escapeHtml(document.info.version)}</small></h1>
<p>${escapeHtml(document.info.description ?? '')}</p>
<p>For programs: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1). Errors are
<code>application/problem+json</code> (RFC 9457).</p></header>
<nav aria-label="Parts"><ul>${links.join('')}</ul></nav>
<main>
${sections.join('\n')}
${schemaSection(schemas)}
</main>
</body>
</html>
`
}

function byTag(document: OpenApiDocument): Map<string, Entry[]> {
  const tags = new Map<string, Entry[]>()
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of METHODS) {
      const operation = (item as Record<string, Operation | undefined>)[method]
      if (!operation) continue
      const tag = operation.tags?.[0] ?? 'Other'
      tags.set(tag, [...(tags.get(tag) ?? []), { method, path, operation }])
    }
  }
  return tags
}

function tagSection(tag: string, entries: readonly Entry[]): string {
  return `<section id="${anchor(tag)}"><h2>${escapeHtml(tag)}</h2>${entries.map(operationHtml).join('')}</section>`
}

function operationHtml({ method, path, operation }: Entry): string {
  const lock = operation.security ? '<span class="lock">Authorization: Bearer</span>' : ''
  const description = operation.description ? `<p>${escapeHtml(operation.description)}</p>` : ''
  return `<article><h3><span class="method ${method}">${method.toUpperCase()}</span>
<code>${breakable(path)}</code></h3>
<p>${escapeHtml(operation.summary ?? '')} ${lock}</p>${description}
${parametersHtml(operation.parameters ?? [])}${bodyHtml(operation)}${answersHtml(operation)}</article>`
}

function parametersHtml(parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return ''
  const rows = parameters.map(
    (parameter) => `<tr><td><code>${escapeHtml(parameter.name)}</code></td>
<td>${escapeHtml(parameter.in)}${parameter.required ? ', required' : ''}</td>
<td>${typeHtml(parameter.schema)}</td></tr>`,
  )
  return `<h4>Parameters</h4>${tableHtml(rows)}`
}

function bodyHtml({ requestBody }: Operation): string {
  if (!requestBody?.content) return ''
  return `<h4>Body</h4>${tableHtml(contentRows(requestBody.content))}`
}

function answersHtml({ responses = {} }: Operation): string {
  const rows = Object.entries(responses).map(([status, answer]) => {
    const types = Object.entries(answer.content ?? {})
      .filter(([type]) => type !== 'application/problem+json')
      .map(([type, { schema }]) => `<code>${escapeHtml(type)}</code> ${typeHtml(schema)}`)
    return `<tr><td>${escapeHtml(status)}</td><td>${escapeHtml(answer.description ?? '')}</td>
<td>${types.join('<br>')}</td></tr>`
  })
  return `<h4>Answers</h4>${tableHtml(rows)}`
}

function contentRows(content: Readonly<Record<string, { schema?: Schema }>>): string[] {
  return Object.entries(content).map(
    ([type, { schema }]) => `<tr><td><code>${escapeHtml(type)}</code></td><td>${typeHtml(schema)}</td></tr>`,
  )
}

function schemaSection(schemas: Readonly<Record<string, Schema>>): string {
  const items = Object.entries(schemas).map(([name, schema]) => {
    const about = schema.description ? `<p>${escapeHtml(schema.description)}</p>` : ''
    return `<article id="${anchor(`object ${name}`)}"><h3>${escapeHtml(name)}</h3>${about}${
      schema.properties ? propertiesHtml(schema) : `<p>${typeHtml(schema)}</p>`
    }</article>`
  })
  return `<section id="${anchor('Objects')}"><h2>Objects</h2>${items.join('')}</section>`
}

function propertiesHtml(schema: Schema): string {
  const rows = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const optional = schema.required?.includes(name) ? '' : ' <em>optional</em>'
    const about = property.description
      ? ` <span class="about">${escapeHtml(property.description)}</span>`
      : ''
    return `<tr><td><code>${escapeHtml(name)}</code>${optional}</td><td>${typeHtml(property)}${about}</td></tr>`
  })
  return tableHtml(rows)
}

function tableHtml(rows: readonly string[]): string {
  return `<div class="table" tabindex="0"><table>${rows.join('')}</table></div>`
}

function typeHtml(schema: Schema | undefined): string {
  if (!schema) return ''
  if (schema.$ref) {
    const name = schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1)
    return `<a href="#${anchor(`object ${name}`)}">${escapeHtml(name)}</a>`
  }
  if (schema.enum) return schema.enum.map((value) => `<code>${escapeHtml(String(value))}</code>`).join(' | ')
  if (schema.anyOf) return schema.anyOf.map(typeHtml).join(' | ')
  if (schema.items) return `list of ${typeHtml(schema.items)}`
  if (schema.properties) return propertiesHtml(schema)
  const type = Array.isArray(schema.type) ? schema.type.join(' or ') : String(schema.type ?? 'any')
  return escapeHtml(schema.format ? `${type}, ${schema.format}` : type)
}

/** Long paths may wrap after a slash on a narrow screen. */
function breakable(path: string): string {
  return escapeHtml(path).replaceAll('/', '/<wbr>')
}

function anchor(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, '-')
}
