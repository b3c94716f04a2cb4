// How PHP is told what to do: a pool of php-fpm, or the environment of php-cgi. Pure but for the file of the pool.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A PHP that is to be started. */
export interface PhpProgram {
  readonly program: string;
  readonly dialect: 'fpm' | 'cgi';
  /** Processes, each of which answers one request at a time. */
  readonly children: number;
  readonly ini: Readonly<Record<string, string>>;
  /** Extensions that it runs, with their dot. */
  readonly extensions: readonly string[];
  /** Who the keeper and PHP are. */
  readonly runsAs: { readonly uid: number; readonly gid: number };
}

/** What is started, and with what beside the environment that it inherits. */
export interface PhpCommand {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Seconds after which a child of php-fpm that has nothing to do ends. */
const IDLE_SECONDS = 60;
/** Requests after which php-cgi replaces a child; what leaks in extensions is gone then. */
const CGI_REQUESTS = 1000;

/** The setting that says where uploads wait for their script. */
const UPLOAD_FOLDER = 'upload_tmp_dir';
/** The settings that say so, the second where the first does not: scripts may be let into what it names alone (open_basedir). */
export const UPLOAD_SETTINGS: readonly string[] = [UPLOAD_FOLDER, 'sys_temp_dir'];

/** Where uploads wait for their script: PHP removes them, but not those of a child that is killed. */
export function uploadsIn(folder: string): string {
  return join(folder, 'uploads');
}

/**
 * Writes what the program needs into its private folder, and says how it is started. What `ini` says wins over what is private.
 * @param ownUploads whether uploads wait in the private folder
 */
export function phpCommand(php: PhpProgram, folder: string, socket: string, ownUploads: boolean): PhpCommand {
  const ini = ownUploads ? { [UPLOAD_FOLDER]: uploadsIn(folder), ...php.ini } : php.ini;
  const settings = Object.entries(ini).flatMap(([name, value]) => ['-d', `${name}=${value}`]);
  if (php.dialect === 'cgi') {
    const env = { PHP_FCGI_CHILDREN: String(php.children), PHP_FCGI_MAX_REQUESTS: String(CGI_REQUESTS) };
    return { words: [php.program, ...settings, '-b', socket], env };
  }
  const file = join(folder, 'php-fpm.conf');
  writeFileSync(file, poolText(php, folder, socket), { mode: 0o644 });
  const words = [
    php.program,
    '--nodaemonize',
    ...(php.runsAs.uid === 0 ? ['--allow-to-run-as-root'] : []),
    '--fpm-config',
    file,
  ];
  return { words: [...words, ...settings], env: {} };
}

function poolText({ children, extensions, runsAs }: PhpProgram, folder: string, socket: string): string {
  return [
    '[global]',
    `error_log = "${join(folder, 'log')}"`,
    'log_level = warning',
    '[onezero]',
    // Quoted, as parentheses and the like are operators.
    `listen = "${socket}"`,
    'listen.mode = 0600',
    // A master that is root wants to be told who the children are, even where it is root again.
    ...(runsAs.uid === 0 ? ['user = 0', `group = ${runsAs.gid}`] : []),
    'pm = ondemand',
    `pm.max_children = ${children}`,
    `pm.process_idle_timeout = ${IDLE_SECONDS}s`,
    // The environment is ours already.
    'clear_env = no',
    `security.limit_extensions = ${extensions.join(' ')}`,
    '',
  ].join('\n');
}
