// The JSON schema (draft 2020-12) of the configuration file, for editors. Written out of the table of options into
// `onezero.schema.json`, which ships with the package.

import type { Members, Shape } from './option.ts';
import { optionEntries } from './table.ts';
import { defaultText } from './default-text.ts';

type Schema = Readonly<Record<string, unknown>>;

interface Limitable {
  readonly isUnlimited?: boolean;
}

/** The schema as a value. */
export function configurationSchema(): Schema {
  const properties: Record<string, Schema> = { $schema: { type: 'string' } };
  for (const [key, option] of optionEntries) {
    if (option.only === 'command') continue;
    const text = defaultText(option);
    properties[key] = {
      description: `${option.summary}.${text === '' ? '' : ` Default: ${text}.`}`,
      ...schemaOf(option.shape),
      ...(option.default !== undefined && { default: option.default }),
    };
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration of onezero',
    type: 'object',
    additionalProperties: false,
    properties,
  };
}

function schemaOf(shape: Shape): Schema {
  switch (shape.type) {
    case 'boolean':
      return { type: 'boolean' };
    case 'nothing':
      return { type: 'null' };
    case 'integer':
      return orUnlimited(shape, {
        type: 'integer',
        minimum: shape.minimum,
        ...(shape.maximum !== undefined && { maximum: shape.maximum }),
      });
    case 'text':
      return {
        type: 'string',
        ...(shape.pattern === undefined ? { minLength: 1 } : { pattern: shape.pattern.source }),
      };
    case 'path':
    case 'program':
      return { type: 'string', minLength: 1 };
    case 'choice':
      return { enum: shape.values };
    case 'duration':
      return withUnit(shape, '\\d+(\\.\\d+)? ?(ms|s|m|min|h|d|w|y)?');
    case 'size':
      return withUnit(shape, '\\d+(\\.\\d+)? ?([bB]|[kKmMgGtT]([iI]?[bB])?)?');
    case 'list':
      return {
        type: 'array',
        items: schemaOf(shape.item),
        ...(shape.minimum !== undefined && { minItems: shape.minimum }),
      };
    case 'map':
      return {
        type: 'object',
        additionalProperties: schemaOf(shape.value),
        ...(shape.key !== undefined && { propertyNames: { pattern: shape.key.source } }),
      };
    case 'object':
      return {
        type: 'object',
        additionalProperties: false,
        properties: memberSchemas(shape.members),
        ...requiredOf(shape.members),
      };
    case 'either':
      return { anyOf: shape.shapes.map(schemaOf) };
    case 'number':
      return { type: 'number' };
    default:
      throw new Error(`no file can hold a value of the shape ${shape.type}`);
  }
}

function withUnit({ isUnlimited }: Limitable, pattern: string): Schema {
  const text = isUnlimited === true ? `(${pattern}|unlimited)` : pattern;
  return { type: ['number', 'string'], minimum: 0, pattern: `^${text}$` };
}

function orUnlimited({ isUnlimited }: Limitable, schema: Schema): Schema {
  return isUnlimited === true ? { anyOf: [schema, { const: 'unlimited' }] } : schema;
}

function requiredOf(members: Members): Schema {
  const required = Object.keys(members).filter((name) => members[name]?.isRequired);
  return required.length === 0 ? {} : { required };
}

function memberSchemas(members: Members): Record<string, Schema> {
  return Object.fromEntries(
    Object.entries(members).map(([name, { shape, summary }]) => [
      name,
      isOption(name, shape) ? { $ref: `#/properties/${name}` } : { description: summary, ...schemaOf(shape) },
    ]),
  );
}

/** Whether this is an option of its own, which a site may have too: described once. */
function isOption(name: string, shape: Shape): boolean {
  return optionEntries.some(([key, option]) => key === name && option.shape === shape);
}
