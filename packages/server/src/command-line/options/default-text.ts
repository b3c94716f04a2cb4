// How the default of an option is written in the help, the README and the schema.

import type { Option } from './option.ts';

/** The default as a user would write it, or nothing where there is none. */
export function defaultText({ default: value, shape }: Option): string {
  if (value === true) return 'on';
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.join(',');
  if (typeof value !== 'number') return '';
  if (value === Number.POSITIVE_INFINITY) return 'unlimited';
  return shape.type === 'size' ? sizeText(value) : shape.type === 'duration' ? durationText(value) : String(value);
}

function sizeText(bytes: number): string {
  const units = ['', 'k', 'm', 'g'];
  let scale = 0;
  while (scale < 3 && bytes >= 1024 ** (scale + 1) && bytes % 1024 ** (scale + 1) === 0) scale++;
  return `${bytes / 1024 ** scale}${units[scale]}`;
}

function durationText(seconds: number): string {
  if (seconds === 0) return '0';
  return Number.isInteger(seconds) ? `${seconds}s` : `${seconds * 1000}ms`;
}
