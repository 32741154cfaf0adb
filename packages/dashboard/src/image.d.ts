/** Vite turns an imported picture into its address. */
declare module '*.svg' {
  const address: string
  // biome-ignore lint/style/noDefaultExport: this is how Vite exports it
  export default address
}
