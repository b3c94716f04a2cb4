// Flags and words of other servers that do not exist here, or mean something else: a sentence says what does the same.

const HOST = 'the address is --host, without a value for all addresses';
const TITLE = 'the title of a listing is the path, and cannot be changed';
const PRECOMPRESSED = 'files that lie beside as .gz, .br or .zst are sent without a flag';
const PROXIED = 'requests are passed on with --proxy /path=http://host:port';
const KEY = 'the private key is --tls-key';
const DIRECTORY = 'the directory is the first argument: onezero ./site';
const DEVELOPMENT =
  'files are served as they are and nothing is built; onezero dist serves what was built, --live reloads pages';

/** Sentences, and the names of one letter or more that they are about. */
const HABITS: Readonly<Record<string, string>> = {
  'uploads are --writable': 'allow-all allow-delete allow-upload mkdir upload upload-files A',
  'downloads of folders are --listing=archives': 'allow-archive enable-tar enable-tar-gz enable-zip zip z',
  'names that begin with a dot are served with --dotfiles': 'allow-hidden hidden',
  'the listing has a search already': 'allow-search',
  'links that lead out of the root are followed with --symlinks=all': 'allow-symlink',
  'the interpreter is --python, and a virtual environment --virtualenv': 'asgi-python venv wsgi-python',
  'pages for errors are --error-page 404=file, or a 404.html in the directory': 'assets page404 page50x',
  'names and passwords are --auth-file': 'basic-auth',
  'directories are listed already; --no-listing switches it off': 'browse directory-listing autoIndex showDir D',
  'a cache lifetime is --max-age, such as --max-age 1h': 'cache cacheTtl',
  'nothing is copied here; the address is printed': 'clipboard',
  'the configuration file is --config': 'config-file',
  'say it with --header "Cross-Origin-Opener-Policy: same-origin"': 'coop',
  'origins are --cors=origin, and headers --cors-headers': 'cors-allow-headers cors-allow-origins',
  'files are revalidated each time already, and --live reloads pages': 'dev',
  'HTTPS with a certificate made on the spot is --https; host names are --hosts': 'domain',
  'for single-page applications there is --fallback': 'entry-file page-fallback render-spa onNoMatch f',
  'clean URLs are --clean-urls, and their extensions --extensions': 'ext e',
  'live reload is --live, and other directories are --live=directory': 'files',
  'the time that a stop waits is --close-timeout': 'grace-period graceful-timeout timeout-graceful-shutdown',
  [PRECOMPRESSED]: 'gzip-static g',
  'a response header is --header "Name: value"': 'headers security-headers',
  'HTTP/2 is not spoken here': 'http2',
  'the certificate is --tls-cert, and its key --tls-key': 'http2-tls-cert tls-cert-path ssl-certfile certfile',
  [KEY]: 'http2-tls-key K ssl-keyfile keyfile',
  'files are kept from visitors with --hide; live reload looks only at what is served': 'ignore ignorePattern',
  'files are kept from visitors with --hide; dotfiles are not served unless --dotfiles says so': 'ignores',
  [HOST]: 'interface interfaces 6',
  'requests are logged already; --log-format and --log-file change how':
    'log log-level logs verbose logLevel L access-logfile error-logfile log-config',
  'every log line has the address; --log-format chooses the form': 'log-ip',
  'functions of your own go into a program: createServer({ routes: [{ responder }] })': 'middleware',
  'leave it out, as that is the default here':
    'no-browser no-dot-files no-ui clearScreen no-notify no-panic preload lifespan loop ws',
  'nothing is copied here; leave it out': 'no-clipboard n',
  'the flag is --no-access-log': 'no-request-logging',
  [DIRECTORY]: 'outDir server',
  'a path below which everything is served is --base /path': 'path-prefix pathprefix route-prefix base-dir root-path',
  '--proxy has one upstream for each path and no other options': 'proxy-options',
  'no QR code is printed; --host prints the addresses of this machine': 'qr qrcode',
  'index.html answers for its directory already; --index names other files': 'render-index render-try-index',
  'put a robots.txt into the directory': 'robots',
  'to print nothing but errors there is --quiet': 'silent-logging',
  'the flag is --strict-port': 'strictPort',
  'templates are not rendered here': 'templates',
  'processes are --workers': 'threads-multiplier',
  'the limits are --idle-timeout, --answer-timeout and others; see --help': 'timeout',
  [TITLE]: 'title',
  [PROXIED]: 'upstream from to',
  'logs have UTC where their format has it': 'utc U',
  'the browser that this machine prefers is opened with --open': 'browser',
  'long listings have pages': 'file-limit',
  [DEVELOPMENT]: 'filter force mode',
  'names and passwords are --auth-file, or --auth user:password': 'htpasswd password username',
  'HTTPS is --https, or --tls-cert and --tls-key': 'https-module',
  'pages reload at once, once for many changes, and style sheets without a reload':
    'no-css-inject reload-debounce reload-delay wait',
  'changes are told by the system, without polling': 'poll',
  'say it with --header "Access-Control-Allow-Private-Network: true"': 'private-network-access',
  'HTTP/1.0 and 1.1 are spoken, each client in its own version': 'protocol',
  'requests are passed on with --proxy http://localhost:3000, without rules for single ones': 'proxy-all',
  'which links are followed is --symlinks': 'reveal-symlinks',
  'another directory is --mount /path=directory': 'serveStatic ss',
  'a path for the browser is --open=/path': 'startPath',
  'no tunnel is opened; --host lets machines of this network connect': 'tunnel',
  'to run a command there is no flag; applications are --wsgi, --asgi, --php and --proxy': 'E',
  'search engines are told by a robots.txt in the directory': 'I',
  [`${TITLE}; ${KEY}`]: 'T',
  [`${HOST}; ${PRECOMPRESSED}`]: 'b',
  'put a robots.txt into the directory; the realm of passwords is --auth-realm': 'r',
  [`${DIRECTORY}; the limits are --idle-timeout, --answer-timeout and others; see --help`]: 't',
  'uploads are --writable, compression ends with --no-compression, and another user is for su or systemd':
    'u user group daemon',
  'live reload is --live; processes are --workers': 'w',
  'a factory is a call: --app module:create_app()': 'factory',
  [`${KEY}; whether it is WSGI or ASGI is found out`]: 'k',
  'whether it is WSGI or ASGI is found out': 'worker-class',
  'proxies in front are --trusted-proxy': 'forwarded-allow-ips proxy-headers',
  'a socket is --listen unix:path': 'uds unix-socket',
  'modules are looked for in --cwd': 'app-dir pythonpath',
  'that is maxRequests of app in the configuration file': 'max-requests limit-max-requests max-requests-jitter',
  'source files are found by themselves': 'reload-dir reload-include reload-extra-file',
  'the limit is --idle-timeout': 'keep-alive timeout-keep-alive',
  'the limit is --max-connections': 'limit-concurrency worker-connections',
  'variables are env of app in the configuration file': 'env env-file',
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
  const name = rawName.replace(/^--?/, '');
  return Object.keys(HABITS).find((sentence) => HABITS[sentence]!.split(' ').includes(name));
}
