/** Why an upstream has no response for a request: 502, or 504 where it was too slow. */
export class ProxyError extends Error {
  override readonly name: string = 'ProxyError';
  readonly status: 502 | 504;

  constructor(status: 502 | 504, message: string) {
    super(message);
    this.status = status;
    // The mistake is not in this program: one line says all that there is to say.
    this.stack = `${this.name}: ${message}`;
  }
}
