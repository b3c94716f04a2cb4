// Everything `php` can be told: the options of `fastcgi` that concern files, and which PHP.

import type { CgiRequest, CgiResponse } from '../message.ts';
import type { GatewayOptions, GatewayResponder } from '../fastcgi/options.ts';
import { gatewayTable } from '../fastcgi/options.ts';
import type { PhpState } from '../fastcgi/state.ts';
import type { Shape, Table } from '../options/shape.ts';

/** PHP below a root. */
export interface PhpOptions extends Omit<GatewayOptions, 'address' | 'root' | 'directory' | 'front'> {
  readonly root: string;
  /**
   * An address of php-fpm, or a program: php-fpm or php-cgi, by name or path.
   * @default a php-fpm that listens, may be asked and can read the root; else the newest php-fpm installed; else php-cgi
   */
  readonly server?: string | undefined;
  /** The script for every path where nothing is, where it is there; false for none. @default 'index.php' */
  readonly front?: string | false | undefined;
  /** Processes of a PHP of our own: requests that it answers at once. @default four for each processor, at least 8 */
  readonly children?: number | undefined;
  /** Settings as in php.ini, for a PHP of our own: `{ upload_max_filesize: '64M' }`. */
  readonly ini?: Readonly<Record<string, string>> | undefined;
  /** The user that a PHP of our own runs as. @default that of this process */
  readonly uid?: number | undefined;
  /** @default the own group of `uid` */
  readonly gid?: number | undefined;
}

/** Answers requests by PHP. */
export interface PhpResponder extends Omit<GatewayResponder, 'state'> {
  (request: CgiRequest): Promise<CgiResponse>;
  /** Which PHP answers, in words: `php-fpm at /run/php/php-fpm.sock`, `/usr/sbin/php-fpm8.2`. */
  readonly php: string;
  /** The same, with the processes of a PHP of our own. */
  readonly state: () => PhpState;
  /** Where it listens, or will. */
  readonly address: string;
  /** Starts a PHP of our own, and resolves when it accepts connections. Rejects with what it said instead. */
  readonly ready: () => Promise<void>;
}

const count: Shape = { type: 'integer', minimum: 0 };
const text = { type: 'text', pattern: /^[^\0\n]*$/, expects: 'a text of one line' } as const;
const { address: _address, root: _root, directory: _directory, front, ...shared } = gatewayTable;

/** Every option of `php`. */
export const phpTable: Table<PhpOptions> = {
  root: { shape: { type: 'path' }, summary: 'the directory of the PHP files', isRequired: true },
  server: {
    shape: { type: 'text', pattern: /^[^\0]+$/, expects: 'an address, or php-fpm or php-cgi' },
    summary: 'which PHP: an address of php-fpm, or a program',
  },
  front: {
    shape: { type: 'either', shapes: [front.shape, { type: 'choice', values: [false] }] },
    summary: 'the front controller: a script that answers paths without a file; false for none',
    default: 'index.php',
  },
  children: { shape: { type: 'integer', minimum: 1 }, summary: 'processes of a PHP that is started here' },
  ini: {
    shape: { type: 'map', key: /^[\w.]+$/, expects: 'the name of a setting', value: text },
    summary: 'php.ini settings of a PHP that is started here',
  },
  uid: { shape: count, summary: 'the user that a PHP started here runs as' },
  gid: { shape: count, summary: 'the group that a PHP started here runs as' },
  ...shared,
};
