// The routes of mounts that run scripts: the scripts themselves, and a front controller behind the files.

import type { fastcgi, GatewayResponder, LendingResponder, php } from '@onezero/cgi-process/fastcgi';
import { backendStates, phpState } from './gateway-states.ts';
import type { RequestMessage } from './message/message.ts';
import type { GatewayMount, PhpMount, Route } from './options.ts';

/** The scripts of a mount, and its front controller, which comes after files. */
export interface ScriptRoutes {
  readonly script: Route;
  readonly front: readonly Route[];
}

/** The routes of an application behind FastCGI or SCGI. */
export function gatewayRoutes(make: typeof fastcgi, { path, ...rest }: GatewayMount): ScriptRoutes {
  const where = typeof rest.address === 'string' ? rest.address : rest.address.join(', ');
  const isShared = rest.root !== undefined;
  const made = make(rest);
  const place = { name: `the application at ${where}`, path, isShared, front: rest.front };
  return routesOfScripts({ ...made, workers: () => backendStates(made.state()) }, place);
}

/** The routes of PHP. Throws a TypeError without a root. */
export function phpRoutes(make: typeof php, { path, root, ...rest }: PhpMount): ScriptRoutes {
  if (root === undefined) throw new TypeError('php: root: is missing');
  const responder = make({ ...rest, root });
  const { front = 'index.php' } = rest;
  const place = { name: `PHP in ${root} by ${responder.php}`, path, isShared: true, front };
  return routesOfScripts({ ...responder, workers: () => phpState(responder) }, place);
}

/** A responder, which may have a `lend`. */
type Part = ((request: RequestMessage) => ReturnType<LendingResponder>) & Partial<Pick<LendingResponder, 'lend'>>;

type Scripts = Pick<GatewayResponder, 'explain' | 'close'> & {
  readonly scripts: Part;
  readonly front: Part | undefined;
  readonly ready?: () => Promise<void>;
  readonly workers?: Route['responder']['workers'];
};

/** The routes of what runs scripts: with `isShared` files and other routes get what is no script. */
export function routesOfScripts(
  made: Scripts,
  place: {
    readonly name: string;
    readonly path: string | undefined;
    readonly isShared: boolean;
    readonly front: string | false | undefined;
  },
): ScriptRoutes {
  const { name, path, isShared, front: script } = place;
  const { explain, ready, close, workers } = made;
  const scripts = async (request: RequestMessage): ReturnType<typeof made.scripts> => made.scripts(request);
  const responder = Object.assign(scripts, { explain, ready, close, workers, lend: made.scripts.lend });
  const front = (made.front === undefined ? [] : [made.front]).map((answer): Route => {
    const own = async (request: RequestMessage): ReturnType<typeof answer> => answer(request);
    return {
      name: `${script} for ${name}`,
      path,
      responder: Object.assign(own, { explain: () => explain(`/${script}`), lend: answer.lend }),
    };
  });
  return { script: { name, path, responder, fallThrough: isShared }, front };
}
