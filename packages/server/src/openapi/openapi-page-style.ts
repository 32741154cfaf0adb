/** Style of the API page: light and dark, down to 320 px. */
export const OPENAPI_PAGE_STYLE = `
:root { color-scheme: light dark; --text: #1b2430; --soft: #51606f; --line: #d5dce4; --paper: #fff; --card: #f6f8fa;
  --link: #0b57a4; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6ebf0; --soft: #a9b5c1; --line: #38424d; --paper: #14181d; --card: #1c2229; --link: #7db7f2; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; color: var(--text); background: var(--paper);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { margin: 0; } h1 small { color: var(--soft); font-size: 1rem; font-weight: normal; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
h3 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; }
h4 { margin: .75rem 0 .25rem; font-size: .875rem; color: var(--soft); }
a { color: var(--link); } a:focus-visible, .table:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; list-style: none; }
article { margin: 1rem 0; padding: 1rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--card); }
article p { margin: .25rem 0; }
code { font: .875rem/1.5 ui-monospace, monospace; }
.method { display: inline-block; min-width: 4rem; padding: 0 .5rem; margin-right: .5rem; border-radius: .25rem;
  text-align: center; font: bold .8125rem/1.6 ui-monospace, monospace; color: #fff; background: #3b4a5a; }
.method.get { background: #1b5e20; } .method.post { background: #0b4a8f; } .method.patch { background: #6a3d00; }
.method.delete { background: #8e1616; }
.lock, .about { color: var(--soft); font-size: .875rem; } .lock { white-space: nowrap; }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
td { padding: .25rem .75rem .25rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top; }
@media (max-width: 40rem) { body { padding: .75rem; } article { padding: .75rem; }
  table, tbody, tr { display: block; } tr { padding: .25rem 0; border-top: 1px solid var(--line); }
  td { display: inline; padding: 0 .5rem 0 0; border: 0; overflow-wrap: anywhere; }
  td + td + td:has(code) { display: block; }
  td .table { margin: .25rem 0 .25rem .125rem; padding-left: .625rem; border-left: 2px solid var(--line); } }
`
