import { createTheme, type MantineColorsTuple } from '@mantine/core'

const HAVEN: MantineColorsTuple = [
  '#eef7f8',
  '#d8ecef',
  '#b2d8de',
  '#8ac3cc',
  '#62acb8',
  '#4292a1',
  '#2d7683',
  '#1f5f6b',
  '#184c56',
  '#113a42',
]

const DARK: MantineColorsTuple = [
  '#dfe5e6',
  '#bcc6c8',
  '#9ba7aa',
  '#66737a',
  '#3f4b50',
  '#303a3f',
  '#262f33',
  '#1c2427',
  '#151b1e',
  '#0f1416',
]

const SYSTEM_FONT =
  'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif'
const SYSTEM_MONO = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace'

/** One quiet colour, system fonts, small radii. Contrast is mended in contrast.ts. */
export const theme = createTheme({
  primaryColor: 'haven',
  primaryShade: { light: 7, dark: 6 },
  colors: { haven: HAVEN, dark: DARK },
  fontFamily: SYSTEM_FONT,
  fontFamilyMonospace: SYSTEM_MONO,
  headings: { fontFamily: SYSTEM_FONT, fontWeight: '600' },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Badge: {
      defaultProps: { variant: 'light', tt: 'none', fw: 600, radius: 'sm', style: { flexShrink: 0 } },
    },
    Button: { defaultProps: { fw: 550 } },
    Modal: {
      defaultProps: {
        centered: true,
        size: 'lg',
        overlayProps: { backgroundOpacity: 0.45 },
        closeButtonProps: { 'aria-label': 'Close' },
        transitionProps: { duration: 120 },
        // Mantine's <header> in a dialog would count as a second banner of the page.
        attributes: { header: { role: 'presentation' } },
      },
    },
    Tooltip: { defaultProps: { withArrow: true, events: { hover: true, focus: true, touch: true } } },
    Alert: { defaultProps: { variant: 'light' } },
    Paper: { defaultProps: { withBorder: true, radius: 'md' } },
  },
})
