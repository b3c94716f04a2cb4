// What fingers know from other servers and what means nothing here, or something else: a sentence says what does the same.

const HABITS: Readonly<Record<string, string>> = {
  '--clipboard': 'nothing is copied here; the address is printed',
  '--coop': 'say it with --header "Cross-Origin-Opener-Policy: same-origin"',
  '--ext': 'clean URLs are --clean-urls, and their extensions --extensions',
  '--gzip-static': 'files that lie beside as .gz, .br or .zst are sent without a flag',
  '--http2': 'HTTP/2 is not spoken here',
  '--log-ip': 'every log line has the address; --log-format chooses the form',
  '--no-clipboard': 'nothing is copied here; leave it out',
  '--no-request-logging': 'the flag is --no-access-log',
  '--proxy-options': '--proxy has one upstream for each path and no other options',
  '--qr': 'no QR code is printed; --host prints the addresses of this machine',
  '--qrcode': 'no QR code is printed; --host prints the addresses of this machine',
  '--robots': 'put a robots.txt into the directory',
  '--timeout': 'the limits are --idle-timeout, --answer-timeout and others; see --help',
  '--upload': 'uploads are --writable',
  '--upload-files': 'uploads are --writable',
  '--utc': 'logs have UTC where their format has it',
  '--zip': 'a folder can be downloaded from its listing',
};

/** What to do in place of a flag of another server; undefined where there is nothing to say. */
export function habitOf(rawName: string): string | undefined {
  return HABITS[rawName];
}
