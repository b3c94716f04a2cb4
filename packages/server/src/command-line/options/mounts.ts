// What the configuration says about scripts and applications: the options of the packages that run them, with the members of
// `limits` and `concurrency` beside the others.

import { basename } from 'node:path';
import {
  type CgiConcurrency,
  type CgiLimits,
  type CgiRunOptions,
  cgiTable,
  gatewayTable,
  type Member,
  type Members,
  mountTable,
  phpTable,
  parseAddress,
  type Shape,
} from '@onezero/cgi-process/options';
import type { GatewayConcurrency, GatewayLimits, GatewayOptions, PhpOptions } from '@onezero/cgi-process/fastcgi';
import {
  type AppOptions,
  type AsgiConcurrency,
  appTable,
  asgiTable,
  type PythonLimits,
  wsgiTable,
} from '@onezero/python/options';
import type { AppMount, CgiMount, GatewayMount, PhpMount } from '../../options.ts';
import { type Configured, configuredMember, configuredShape, isWritten, keyOf, toOption } from './from-table.ts';

/** One mount: a directory of scripts, scripts by extension, or one script, and how they run. */
export interface CgiConfiguration
  extends
    Configured<Omit<CgiRunOptions, 'env' | 'limits' | 'concurrency'>>,
    Configured<CgiLimits>,
    Configured<Omit<CgiConcurrency, 'max'>> {
  readonly path?: string;
  readonly directory?: string;
  readonly root?: string;
  readonly extensions?: Readonly<Record<string, string | null>>;
  readonly index?: readonly string[];
  readonly front?: string;
  readonly script?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly maxConcurrent?: number;
}

/** What applications behind FastCGI and SCGI have in common. */
interface Asked extends Configured<GatewayLimits>, Configured<Omit<GatewayConcurrency, 'max'>> {
  readonly path?: string;
  readonly maxConcurrent?: number;
}

/** An application behind FastCGI or SCGI, and how it is asked. */
export interface GatewayConfiguration extends Asked, Configured<Omit<GatewayOptions, 'limits' | 'concurrency'>> {}

/** PHP below a root, and how it runs. */
export interface PhpConfiguration extends Asked, Configured<Omit<PhpOptions, 'limits' | 'concurrency' | 'root'>> {
  readonly root?: string;
}

/** One application and how it runs. */
export interface WsgiConfiguration
  extends
    Configured<Omit<AppOptions, 'limits' | 'concurrency' | 'application'>>,
    Configured<PythonLimits>,
    Configured<Omit<AsgiConcurrency, 'max'>> {
  readonly path?: string;
  readonly maxConcurrent?: number;
  readonly application: string;
}

/** A member that would not say what it is outside of the object that it comes from. */
const RENAMED: Readonly<Record<string, string>> = { 'concurrency.max': 'maxConcurrent' };

/** A member of a mount: its key in the configuration, and where its value goes. */
interface Place {
  readonly key: string;
  readonly outer: string | undefined;
  readonly name: string;
  readonly member: Member;
}

function placesOf(table: Members): readonly Place[] {
  return Object.entries(table).flatMap(([name, member]): readonly Place[] => {
    const { shape } = member;
    if (shape.type !== 'object') return [{ key: keyOf(name), outer: undefined, name, member }];
    return Object.entries(shape.members).map(([inner, one]) => {
      const key = RENAMED[`${name}.${inner}`] ?? keyOf(inner);
      return { key, outer: name, name: inner, member: one };
    });
  });
}

/** What a list of mounts with the options of `table` can hold. Made when it is first asked for: most starts mount nothing. */
function mountsShape(table: Members): () => Shape {
  return once((): Shape => ({ type: 'list', item: mountShape(table) }));
}

function once(make: () => Shape): () => Shape {
  let made: Shape | undefined;
  return () => (made ??= make());
}

/** What one mount can hold. */
function mountShape(table: Members): Shape {
  const members = placesOf({ ...mountTable, ...table }).flatMap(({ key, member }): [string, Member][] =>
    isWritten(member.shape) ? [[key, configuredMember(member)]] : [],
  );
  return { type: 'object', members: Object.fromEntries(members) };
}

/** The options of a mount. */
function mountOptions(table: Members, mount: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const { key, outer, name, member } of placesOf({ ...mountTable, ...table })) {
    const given = mount[key];
    if (given === undefined) continue;
    const place = outer === undefined ? options : ((options[outer] ??= {}) as Record<string, unknown>);
    place[name] = toOption(member.shape, given);
  }
  return options;
}

/** The shape of the `cgi` key. */
export const cgiShape: () => Shape = mountsShape(cgiTable);

/** The shape of the `wsgi` key. */
export const wsgiShape: () => Shape = mountsShape(wsgiTable);

/** The shape of the `asgi` key. */
export const asgiShape: () => Shape = mountsShape(asgiTable);

/** The shape of the `app` key. */
export const appShape: () => Shape = mountsShape(appTable);

/** The shape of the `fastcgi` and `scgi` keys. */
export const gatewayShape: () => Shape = mountsShape(gatewayTable);

const phpMembers: Members = { ...phpTable, root: { ...phpTable.root, isRequired: false } };

/** The shape of the `php` key. */
export const phpShape: () => Shape = once(() => ({
  type: 'either',
  shapes: [{ type: 'boolean' }, phpTable.server.shape, mountShape(phpMembers)],
}));

/** An application behind FastCGI or SCGI as `createServer` takes it. */
export function gatewayMountOptions(mount: GatewayConfiguration): GatewayMount {
  return mountOptions(gatewayTable, { ...mount }) as unknown as GatewayMount;
}

/** PHP as `createServer` takes it. */
export function phpMountOptions(mount: PhpConfiguration): PhpMount {
  return mountOptions(phpMembers, { ...mount });
}

/** A CGI mount as `createServer` takes it. */
export function cgiMountOptions(mount: CgiConfiguration): CgiMount {
  return mountOptions(cgiTable, { ...mount }) as unknown as CgiMount;
}

/** A Python application as `createServer` takes it. */
export function appMountOptions(mount: WsgiConfiguration): AppMount {
  return mountOptions(appTable, { ...mount }) as unknown as AppMount;
}

/** The shape of environment variables. */
export const variablesShape: Shape = configuredShape(cgiTable.env.shape);

/** Whether `.php` files are run by php-cgi, whatever its version and place. */
export function runsPhp(extensions: NonNullable<CgiConfiguration['extensions']>): boolean {
  return Object.hasOwn(extensions, '.php') && basename(extensions['.php'] ?? '').startsWith('php');
}

/** Reads `.ext`, `.ext=program` or `/path=script`. */
export function readCgi(written: string): CgiConfiguration {
  const [, name = '', program] = /^(\.\w+|\/[^=]*)(?:=([^]+))?$/.exec(written) ?? [];
  if (name.startsWith('.')) return { extensions: { [name]: program ?? null } };
  if (name === '' || program === undefined) throw new Error('.ext, .ext=program or /path=script');
  return { path: name, script: program };
}

/** Reads `NAME=value`, or `NAME` for the value that this process has. */
export function readVariable(written: string): Readonly<Record<string, string>> {
  const separator = written.indexOf('=');
  if (separator > 0) return { [written.slice(0, separator)]: written.slice(separator + 1) };
  const value = process.env[written];
  if (separator === 0 || value === undefined) throw new Error('NAME=value, or the name of a variable that is set');
  return { [written]: value };
}

/** Reads `address` or `/path=address`. */
export function readGateway(written: string): GatewayConfiguration {
  const [, path, address] = /^(?:(\/[^=]*)=)?([^]+)$/.exec(written) ?? [];
  if (address === undefined || parseAddress(address) === undefined) {
    throw new Error('an address (host:port, unix:/path) or /path=address');
  }
  return { ...(path !== undefined && { path }), address };
}

/** Reads `/path=directory`. */
export function readInternal(written: string): Readonly<Record<string, string>> {
  const [, path, directory] = /^(\/[^=]*)=([^]+)$/.exec(written) ?? [];
  if (path === undefined || directory === undefined) throw new Error('/path=directory');
  return { [path]: directory };
}

/** Reads `module:callable` or `/path=module:callable`. */
export function readWsgi(written: string): WsgiConfiguration {
  const [, mount, application] = /^(?:(\/[^=]*)=)?(.+)$/.exec(written) ?? [];
  if (application === undefined) throw new Error('module:callable or /path=module:callable');
  return { ...(mount !== undefined && { path: mount }), application };
}
