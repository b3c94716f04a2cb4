// Flags of other servers that do not exist here, or mean something else: a sentence says what does the same.

const WRITABLE = 'uploads are --writable';
const FALLBACK = 'for single-page applications there is --fallback';
const HOST = 'the address is --host, without a value for all addresses';
const ARCHIVES = 'downloads of folders are --listing=archives';
const TITLE = 'the title of a listing is the path, and cannot be changed';
const LISTED = 'directories are listed already; --no-listing switches it off';
const NOTHING = 'leave it out, as that is the default here';
const LOGGED = 'requests are logged already; --log-format and --log-file change how';
const QUIET = 'to print nothing but errors there is --quiet';
const PRECOMPRESSED = 'files that lie beside as .gz, .br or .zst are sent without a flag';
const PROXIED = 'requests are passed on with --proxy /path=http://host:port';
const HEADER = 'a response header is --header "Name: value"';
const CACHED = 'a cache lifetime is --max-age, such as --max-age 1h';
const WATCHED = 'live reload is --live, and other directories are --live=directory';
const DOTFILES = 'names that begin with a dot are served with --dotfiles';
const KEY = 'the private key is --tls-key';
const BASE = 'a path below which everything is served is --base /path';
const CERTIFICATE = 'the certificate is --tls-cert, and its key --tls-key';
const CORS = 'origins are --cors=origin, and headers --cors-headers';
const PAGES = 'pages for errors are --error-page 404=file, or a 404.html in the directory';
const PYTHON = 'the interpreter is --python, and a virtual environment --virtualenv';
const QR = 'no QR code is printed; --host prints the addresses of this machine';

const HABITS: Readonly<Record<string, string>> = {
  '--allow-all': WRITABLE,
  '--allow-archive': ARCHIVES,
  '--allow-delete': WRITABLE,
  '--allow-hidden': DOTFILES,
  '--allow-search': 'the listing has a search already',
  '--allow-symlink': 'links that lead out of the root are followed with --symlinks=all',
  '--allow-upload': WRITABLE,
  '--asgi-python': PYTHON,
  '--assets': PAGES,
  '--basic-auth': 'names and passwords are --auth-file',
  '--browse': LISTED,
  '--cache': CACHED,
  '--cacheTtl': CACHED,
  '--clipboard': 'nothing is copied here; the address is printed',
  '--config-file': 'the configuration file is --config',
  '--coop': 'say it with --header "Cross-Origin-Opener-Policy: same-origin"',
  '--cors-allow-headers': CORS,
  '--cors-allow-origins': CORS,
  '--dev': 'files are revalidated each time already, and --live reloads pages',
  '--directory-listing': LISTED,
  '--domain': 'HTTPS with a certificate made on the spot is --https; host names are --hosts',
  '--enable-tar': ARCHIVES,
  '--enable-tar-gz': ARCHIVES,
  '--enable-zip': ARCHIVES,
  '--entry-file': FALLBACK,
  '--ext': 'clean URLs are --clean-urls, and their extensions --extensions',
  '--files': WATCHED,
  '--grace-period': 'the time that a stop waits is --close-timeout',
  '--gzip-static': PRECOMPRESSED,
  '--headers': HEADER,
  '--hidden': DOTFILES,
  '--http2': 'HTTP/2 is not spoken here',
  '--http2-tls-cert': CERTIFICATE,
  '--http2-tls-key': KEY,
  '--ignore': 'files are kept from visitors with --hide; live reload looks only at what is served',
  '--ignores': 'files are kept from visitors with --hide; dotfiles are not served unless --dotfiles says so',
  '--interface': HOST,
  '--interfaces': HOST,
  '--log': LOGGED,
  '--log-ip': 'every log line has the address; --log-format chooses the form',
  '--log-level': LOGGED,
  '--logs': LOGGED,
  '--middleware': 'functions of your own go into a program: createServer({ routes: [{ responder }] })',
  '--mkdir': WRITABLE,
  '--no-browser': NOTHING,
  '--no-clipboard': 'nothing is copied here; leave it out',
  '--no-dot-files': NOTHING,
  '--no-request-logging': 'the flag is --no-access-log',
  '--no-ui': NOTHING,
  '--outDir': 'the directory is the first argument: onezero dist',
  '--page-fallback': FALLBACK,
  '--page404': PAGES,
  '--page50x': PAGES,
  '--path-prefix': BASE,
  '--pathprefix': BASE,
  '--proxy-options': '--proxy has one upstream for each path and no other options',
  '--qr': QR,
  '--qrcode': QR,
  '--render-index': 'index.html answers for its directory already; --index names other files',
  '--render-spa': FALLBACK,
  '--render-try-index': 'index.html answers for its directory already; --index names other files',
  '--robots': 'put a robots.txt into the directory',
  '--route-prefix': BASE,
  '--security-headers': HEADER,
  '--server': 'the directory is the first argument: onezero ./site',
  '--silent-logging': QUIET,
  '--strictPort': 'the flag is --strict-port',
  '--templates': 'templates are not rendered here',
  '--threads-multiplier': 'processes are --workers',
  '--timeout': 'the limits are --idle-timeout, --answer-timeout and others; see --help',
  '--title': TITLE,
  '--tls-cert-path': CERTIFICATE,
  '--upload': WRITABLE,
  '--upload-files': WRITABLE,
  '--upstream': PROXIED,
  '--utc': 'logs have UTC where their format has it',
  '--venv': PYTHON,
  '--verbose': LOGGED,
  '--wsgi-python': PYTHON,
  '--zip': ARCHIVES,
  '-6': HOST,
  '-=': 'a value stands right behind a short flag or after a blank: -p8080 or -p 8080',
  '-A': WRITABLE,
  '-D': LISTED,
  '-E': 'to run a command there is no flag; applications are --wsgi, --asgi, --php and --proxy',
  '-K': KEY,
  '-L': LOGGED,
  '-T': KEY,
  '-U': 'logs have UTC where their format has it',
  '-b': PRECOMPRESSED,
  '-e': 'clean URLs are --clean-urls, and their extensions --extensions',
  '-f': FALLBACK,
  '-g': PRECOMPRESSED,
  '-k': KEY,
  '-n': 'nothing is copied here; leave it out',
  '-r': 'put a robots.txt into the directory',
  '-t': 'the limits are --idle-timeout, --answer-timeout and others; see --help',
  '-u': WRITABLE,
  '-z': ARCHIVES,
};

/** What to do in place of a flag of another server; undefined where there is nothing to say. */
export function habitOf(rawName: string): string | undefined {
  return Object.hasOwn(HABITS, rawName) ? HABITS[rawName] : undefined;
}
