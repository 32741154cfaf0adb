/** Kept apart from the chart, so that its place can be held while the chart's code is loaded. */
export const CHART_HEIGHT_PX = 320
