import type { CSSVariablesResolver } from '@mantine/core'

/** Filled red under white text, in both schemes. */
const FILLED_RED = { '--mantine-color-red-filled': '#c02525', '--mantine-color-red-filled-hover': '#a81f1f' }

/**
 * Colours that Mantine's defaults leave under WCAG's 4.5 to 1: the text of light badges and alerts, dimmed
 * and placeholder text, filled red. Light backgrounds are quieter than Mantine's besides.
 */
export const contrastVariables: CSSVariablesResolver = (theme) => {
  const light: Record<string, string> = {
    ...FILLED_RED,
    '--mantine-color-dimmed': '#586268',
    '--mantine-color-placeholder': '#6a747a',
    '--mantine-color-error': '#c02525',
    '--mantine-color-body': '#ffffff',
    '--kh-canvas': '#f5f7f8',
    '--kh-line': '#dde3e5',
  }
  const dark: Record<string, string> = {
    ...FILLED_RED,
    '--mantine-color-placeholder': '#8d9a9e',
    '--mantine-color-error': '#ff8787',
    '--kh-canvas': 'var(--mantine-color-dark-8)',
    '--kh-line': 'var(--mantine-color-dark-5)',
  }
  for (const name of Object.keys(theme.colors)) {
    const shade = (index: number): string => `var(--mantine-color-${name}-${index})`
    light[`--mantine-color-${name}-light`] = `color-mix(in srgb, ${shade(6)} 11%, white)`
    light[`--mantine-color-${name}-light-color`] = `color-mix(in srgb, ${shade(9)}, black 32%)`
    dark[`--mantine-color-${name}-light`] = `color-mix(in srgb, ${shade(6)} 17%, var(--mantine-color-dark-7))`
    dark[`--mantine-color-${name}-light-color`] = shade(2)
  }
  return { variables: {}, light, dark }
}
