// Options of the command out of the tables of the packages. What an option takes, is for and defaults to stands there; a line
// here adds what only a command line needs: letters, aliases, a placeholder.
//
// A configuration has units in its values: `maxAgeSeconds` is `maxAge: "1h"`. So names lose their unit on the way out of a
// table, durations are in seconds, and `toOption` leads back.

import type { Member, Members, Shape } from '@onezero/static/options';
import type { Option } from './option.ts';
import { isRecord } from './value.ts';

// Names that say less, or what another option says, without their unit.
const RENAMED = {
  minBytes: 'minSize',
  maxBytes: 'maxSize',
} as const;

type Unitless<Name> = Name extends `${infer Stem}${'Ms' | 'Seconds' | 'Bytes'}` ? Stem : Name;

/** The name that an option of a package has in the configuration. */
export type KeyOf<Name> = Name extends keyof typeof RENAMED ? (typeof RENAMED)[Name] : Unitless<Name>;

/** A value of an option as the configuration has it: names without units, and nothing that a file cannot hold. */
export type Configured<Value> = Value extends (...args: never[]) => unknown
  ? never
  : Value extends readonly (infer Item)[]
    ? readonly Configured<Item>[]
    : Value extends object
      ? { readonly [Name in keyof Value as KeyOf<Name>]: Configured<Value[Name]> }
      : Value;

/** The key of an option in the configuration: `maxAge` for `maxAgeSeconds`. */
export function keyOf(name: string): string {
  return Object.hasOwn(RENAMED, name)
    ? RENAMED[name as keyof typeof RENAMED]
    : name.replace(/(?:Ms|Seconds|Bytes)$/, '');
}

/** A shape as the configuration has it. Functions and the like are left out. */
export function configuredShape(shape: Shape): Shape {
  switch (shape.type) {
    case 'list':
      return { ...shape, item: configuredShape(shape.item) };
    case 'map':
      return { ...shape, value: configuredShape(shape.value) };
    case 'object':
      return { type: 'object', members: configuredMembers(shape.members) };
    case 'either': {
      const shapes = shape.shapes.filter(isWritten).map(configuredShape);
      return shapes.length === 1 ? (shapes[0] ?? shape) : { type: 'either', shapes };
    }
    default:
      return shape;
  }
}

/** A member as the configuration has it. */
export function configuredMember({ default: value, ...member }: Member): Member {
  const fallback = value === undefined ? undefined : fromOption(member.shape, value);
  return {
    ...member,
    shape: configuredShape(member.shape),
    ...(fallback !== undefined && { default: fallback }),
    ...(member.alsoCalled !== undefined && { alsoCalled: member.alsoCalled.map(keyOf) }),
  };
}

/** Members as the configuration has them. */
function configuredMembers(members: Members): Members {
  const entries = Object.entries(members).filter(([, { shape }]) => isWritten(shape));
  return Object.fromEntries(entries.map(([name, member]) => [keyOf(name), configuredMember(member)]));
}

/** Whether a file can hold such values. */
export function isWritten({ type }: Shape): boolean {
  return type !== 'function' && type !== 'instance';
}

/** A value of the configuration as the option with this shape takes it. */
export function toOption(shape: Shape, value: unknown): unknown {
  switch (shape.type) {
    case 'duration':
      return shape.unit === 'seconds' || typeof value !== 'number' ? value : Math.round(value * 1000);
    case 'list':
      return Array.isArray(value) ? value.map((item) => toOption(shape.item, item)) : value;
    case 'map':
      return isRecord(value) ? mapped(value, (item) => toOption(shape.value, item)) : value;
    case 'object':
      return isRecord(value) ? membersToOptions(shape.members, value) : value;
    case 'either': {
      const wanted = Array.isArray(value) ? ['list'] : isRecord(value) ? ['object', 'map'] : ['duration'];
      const alike = shape.shapes.find(({ type }) => wanted.includes(type));
      return alike === undefined ? value : toOption(alike, value);
    }
    default:
      return value;
  }
}

/** The same for the members of an object; what it does not have stays out. */
function membersToOptions(members: Members, value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(members).flatMap(([name, { shape }]): [string, unknown][] => {
    const given = value[keyOf(name)];
    return given === undefined ? [] : [[name, toOption(shape, given)]];
  });
  return Object.fromEntries(entries);
}

/** The value of the configuration that an option's value stands for: the way back from `toOption`, for defaults. */
function fromOption(shape: Shape, value: unknown): unknown {
  if (isRecord(value)) return undefined;
  return shape.type === 'duration' && shape.unit === 'milliseconds' ? Number(value) / 1000 : value;
}

/** What a line of a flag says about an option that a table has. */
export interface Words extends Omit<Partial<Option>, 'shape' | 'sets' | 'toOption'> {
  /** What it takes beside what the option takes. */
  readonly also?: readonly Shape[];
  /** Makes the option's value of what `also` lets through. */
  readonly toOption?: (value: never) => unknown;
}

/** The option of the command for `member` of a table; `path` leads to it from the options of the server. */
function optionFrom(path: string, member: Member, words: Words & Pick<Option, 'group'>): Option {
  const { also = [], toOption: convert, ...rest } = words;
  const own = configuredShape(member.shape);
  const shape: Shape =
    also.length === 0 ? own : { type: 'either', shapes: [...(own.type === 'either' ? own.shapes : [own]), ...also] };
  const bare = takesTrue(shape) ? { bare: true } : {};
  return {
    shape,
    summary: member.summary.replace(/^[a-z](?![A-Z]|\S*[.:])/, (letter) => letter.toUpperCase()),
    ...(member.default !== undefined && { default: fromOption(member.shape, member.default) }),
    placeholder: placeholderOf(shape),
    ...bare,
    ...rest,
    sets: path,
    toOption: (value) => toOption(member.shape, convert === undefined ? value : convert(value as never)),
  };
}

/** The options of the command for a whole table, by their keys. */
export function optionsFrom<Key extends string>(
  table: Members,
  lines: Readonly<Record<string, Words>>,
  { part, ...common }: Words & Pick<Option, 'group'> & { readonly part: string },
): Record<Key, Option> {
  const entries = Object.entries(lines).map(([name, words]): [string, Option] => {
    const member = table[name];
    if (member === undefined) throw new Error(`there is no option ${name}`);
    return [keyOf(name), optionFrom(`${part}${name}`, member, { ...common, ...words })];
  });
  return Object.fromEntries(entries) as Record<Key, Option>;
}

function placeholderOf(shape: Shape): string | undefined {
  switch (shape.type) {
    case 'boolean':
    case 'either':
      return undefined;
    case 'integer':
    case 'number':
      return '<number>';
    case 'duration':
    case 'size':
      return `<${shape.type}>`;
    case 'path':
      return '<file>';
    case 'choice':
      return `<${shape.values.join('|')}>`;
    case 'list':
      return '<names>';
    default:
      return '<text>';
  }
}

function takesTrue(shape: Shape): boolean {
  if (shape.type === 'either') return shape.shapes.some(takesTrue);
  return shape.type === 'boolean' || (shape.type === 'choice' && shape.values.includes(true));
}

function mapped(value: Readonly<Record<string, unknown>>, change: (item: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, change(item)]));
}
