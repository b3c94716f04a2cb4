// What the system says when an address cannot be listened on, with what to do about it.

/** `sun_path` has 108 bytes on Linux and 104 on macOS, a zero at the end included. Longer paths are cut off without a word. */
export const MAX_SOCKET_BYTES: number = process.platform === 'linux' ? 107 : 103;

/** Members of the system's errors of `listen`, `bind` and a look-up of names. */
type SystemError = NodeJS.ErrnoException & {
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
};

/** The same error with a message of one line that names the address and the remedy; other errors as they are. */
export function listenError(error: unknown): unknown {
  const message = listenProblem(error);
  if (message === undefined) return error;
  const { errno, code, syscall, address, port, hostname } = error as SystemError;
  return Object.assign(new Error(`listen: ${message}`), { errno, code, syscall, address, port, hostname });
}

/** What is wrong with an address, without flags and options; undefined for an error that is not about one. */
export function listenProblem(error: unknown): string | undefined {
  const { code, address, port, hostname } = error as SystemError;
  const isPort = port !== undefined && port >= 0;
  // Files that cannot be read have the same code, and no address.
  if (code === 'EACCES' && !isPort && address === undefined) return undefined;
  // What is handed to a worker has no name there.
  const where = isPort ? `port ${port}` : (address ?? 'the address');
  switch (code) {
    case 'EADDRINUSE':
      return isPort
        ? `${where} is in use; see by whom with: ss -ltnp 'sport = :${port}' (or lsof -i :${port})`
        : `${where} is in use by another server`;
    case 'EACCES':
      return isPort
        ? `${where} needs privileges that this user does not have; ports below 1024 are for root`
        : `${where} cannot be made: its directory does not exist, or this user may not write there`;
    case 'EADDRNOTAVAIL':
      return `${address ?? 'the address'} is not an address of this machine`;
    case 'ENAMETOOLONG':
      return `the path of the socket is longer than the ${MAX_SOCKET_BYTES} bytes that systems allow: ${where}`;
    case 'ENOTSOCK':
      return `${where} exists and is not a socket; it is left as it is`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the host ${hostname ?? ''} is unknown`;
    default:
      return undefined;
  }
}
