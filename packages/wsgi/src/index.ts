/** Which application runs, and how. */
export interface WsgiOptions {
  readonly application?: string | undefined;
}
