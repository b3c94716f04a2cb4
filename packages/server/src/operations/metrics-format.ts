// One family of the Prometheus text exposition format.

/** A family of samples; a sample is what follows the name, and a value. */
export function family(
  name: string,
  type: string,
  help: string,
  samples: readonly (readonly [string, number])[],
): string {
  const lines = samples.map(([suffix, value]) => `onezero_${name}${suffix} ${value}\n`);
  return `# HELP onezero_${name} ${help}\n# TYPE onezero_${name} ${type}\n${lines.join('')}`;
}

/** Labels as they stand behind a name. */
export function labels(values: Readonly<Record<string, string>>): string {
  const words = Object.entries(values).map(([name, value]) => `${name}="${value.replaceAll(/[\\"\n]/g, escape)}"`);
  return `{${words.join(',')}}`;
}

function escape(character: string): string {
  return character === '\n' ? '\\n' : `\\${character}`;
}
