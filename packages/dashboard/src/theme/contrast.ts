import type { CSSVariablesResolver } from '@mantine/core'

/**
 * Colours that Mantine's defaults leave under WCAG's 4.5 to 1.
 *
 * In the light scheme: the text of light badges and alerts, dimmed and placeholder text, filled red.
 */
export const contrastVariables: CSSVariablesResolver = (theme) => {
  const light: Record<string, string> = {
    '--mantine-color-dimmed': '#586268',
    '--mantine-color-placeholder': '#6a747a',
    '--mantine-color-error': '#c02525',
    '--mantine-color-body': '#ffffff',
    '--kh-canvas': '#f5f7f8',
    '--kh-line': '#dde3e5',
  }
  for (const name of Object.keys(theme.colors)) {
    light[`--mantine-color-${name}-light-color`] =
      `color-mix(in srgb, var(--mantine-color-${name}-9), black 32%)`
  }
  const dark = {
    '--mantine-color-placeholder': '#8d9a9e',
    '--mantine-color-error': '#ff8787',
    '--kh-canvas': 'var(--mantine-color-dark-8)',
    '--kh-line': 'var(--mantine-color-dark-5)',
  }
  const filledRed = { '--mantine-color-red-filled': '#c02525', '--mantine-color-red-filled-hover': '#a81f1f' }
  return { variables: {}, light: { ...light, ...filledRed }, dark: { ...dark, ...filledRed } }
}
