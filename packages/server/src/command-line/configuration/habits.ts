// Flags and words of other servers that do not exist here, or mean something else: a sentence says what does the same.

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
const DIRECTORY = 'the directory is the first argument: onezero ./site';
const PASSWORDS = 'names and passwords are --auth-file, or --auth user:password';
const PLAIN_LINKS = 'which links are followed is --symlinks';
const DEVELOPMENT =
  'files are served as they are and nothing is built; onezero dist serves what was built, --live reloads pages';
const OTHER_USER =
  'uploads are --writable, compression ends with --no-compression, and another user is for su or systemd';
const UPSTREAM = 'requests are passed on with --proxy http://localhost:3000, without rules for single ones';
const RELOADS = 'pages reload at once, once for many changes, and style sheets without a reload';
const RENDERED = 'index.html answers for its directory already; --index names other files';
const MOUNTED = 'another directory is --mount /path=directory';
const UTC = 'logs have UTC where their format has it';
const EXTENSIONS = 'clean URLs are --clean-urls, and their extensions --extensions';
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
  '--ext': EXTENSIONS,
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
  '--outDir': DIRECTORY,
  '--page-fallback': FALLBACK,
  '--page404': PAGES,
  '--page50x': PAGES,
  '--path-prefix': BASE,
  '--pathprefix': BASE,
  '--proxy-options': '--proxy has one upstream for each path and no other options',
  '--qr': QR,
  '--qrcode': QR,
  '--render-index': RENDERED,
  '--render-spa': FALLBACK,
  '--render-try-index': RENDERED,
  '--robots': 'put a robots.txt into the directory',
  '--route-prefix': BASE,
  '--security-headers': HEADER,
  '--server': DIRECTORY,
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
  '--utc': UTC,
  '--venv': PYTHON,
  '--verbose': LOGGED,
  '--wsgi-python': PYTHON,
  '--zip': ARCHIVES,
  '--autoIndex': LISTED,
  '--base-dir': BASE,
  '--browser': 'the browser that this machine prefers is opened with --open',
  '--clearScreen': NOTHING,
  '--file-limit': 'long listings have pages',
  '--filter': DEVELOPMENT,
  '--force': DEVELOPMENT,
  '--from': PROXIED,
  '--htpasswd': PASSWORDS,
  '--https-module': 'HTTPS is --https, or --tls-cert and --tls-key',
  '--ignorePattern': 'files are kept from visitors with --hide; live reload looks only at what is served',
  '--logLevel': LOGGED,
  '--mode': DEVELOPMENT,
  '--no-css-inject': RELOADS,
  '--no-notify': NOTHING,
  '--no-panic': NOTHING,
  '--onNoMatch': FALLBACK,
  '--password': PASSWORDS,
  '--poll': 'changes are told by the system, without polling',
  '--private-network-access': 'say it with --header "Access-Control-Allow-Private-Network: true"',
  '--protocol': 'HTTP/1.0 and 1.1 are spoken, each client in its own version',
  '--proxy-all': UPSTREAM,
  '--reload-debounce': RELOADS,
  '--reload-delay': RELOADS,
  '--reveal-symlinks': PLAIN_LINKS,
  '--serveStatic': MOUNTED,
  '--showDir': LISTED,
  '--ss': MOUNTED,
  '--startPath': 'a path for the browser is --open=/path',
  '--to': PROXIED,
  '--tunnel': 'no tunnel is opened; --host lets machines of this network connect',
  '--username': PASSWORDS,
  '--wait': RELOADS,
  '-6': HOST,
  '-A': WRITABLE,
  '-D': LISTED,
  '-E': 'to run a command there is no flag; applications are --wsgi, --asgi, --php and --proxy',
  '-K': KEY,
  '-L': LOGGED,
  '-I': 'search engines are told by a robots.txt in the directory',
  '-T': `${TITLE}; ${KEY}`,
  '-U': UTC,
  '-b': `${HOST}; ${PRECOMPRESSED}`,
  '-e': EXTENSIONS,
  '-f': FALLBACK,
  '-g': PRECOMPRESSED,
  '-k': KEY,
  '-n': 'nothing is copied here; leave it out',
  '-r': 'put a robots.txt into the directory; the realm of passwords is --auth-realm',
  '-t': `${DIRECTORY}; the limits are --idle-timeout, --answer-timeout and others; see --help`,
  '-u': OTHER_USER,
  '-w': 'live reload is --live',
  '-z': ARCHIVES,
};

/** Flags that stand alone elsewhere and need a value here. */
const WITHOUT_VALUE: Readonly<Record<string, string>> = {
  '--cgi': '; a directory of scripts is --cgi-bin directory',
  '--proxy': '; the upstream has to be named',
};

/** What is added to the complaint about a value that is missing. */
export function habitWithoutValue(rawName: string): string {
  return (Object.hasOwn(WITHOUT_VALUE, rawName) && WITHOUT_VALUE[rawName]) || '';
}

/** Commands of other servers. */
const COMMANDS: Readonly<Record<string, string>> = {
  build: DEVELOPMENT,
  dev: DEVELOPMENT,
  'file-server': DIRECTORY,
  httpd: DIRECTORY,
  'http.server': DIRECTORY,
  preview: DEVELOPMENT,
  'reverse-proxy': PROXIED,
  run: DIRECTORY,
  start: DIRECTORY,
};

/** What was meant by a word that is no file; undefined where nothing is known. */
export function habitOfWord(word: string): string | undefined {
  if (/^:?\d{1,5}$/.test(word)) return `a port is --port ${word.replace(':', '')}`;
  if (/^https?:\/\//.test(word)) return PROXIED;
  if (/^(?:\[[\da-f:]+\]|[\w.-]+):\d{1,5}$/i.test(word)) return `an address is --listen ${word}`;
  if (/^[\w./]+:[a-z_][\w.]*(?:\(.*\))?$/i.test(word)) return `a Python application is --app ${word}`;
  if (word === 'true' || word === 'false') return 'flags that switch take no value: --name, or --no-name';
  return Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined;
}

/** What to do in place of a flag of another server; undefined where there is nothing to say. */
export function habitOf(rawName: string): string | undefined {
  return Object.hasOwn(HABITS, rawName) ? HABITS[rawName] : undefined;
}
