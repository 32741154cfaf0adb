/** What sealed calls reach instead of `/v1`; given in a form that worker processes can be sent. */
export interface ProxyMode {
  /** Only this application; otherwise all. */
  readonly applicationId?: string
}
