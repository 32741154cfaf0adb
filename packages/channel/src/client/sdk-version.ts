/** Sent inside each sealed request. The version of packages/channel; a test holds the two together. */
export const SDK_VERSION = '0.1.0'
