// Trouble that is nobody's answer: told to the process as a warning, each text once, so that it is neither lost nor a flood.

const told = new Set<string>();

// Texts may carry what a client sent; there must be an end to them.
const MOST = 100;

export function warnOnce(where: string, error: unknown): void {
  const message = `${where}: ${error instanceof Error ? error.message : String(error)}`;
  if (told.has(message) || told.size >= MOST) return;
  told.add(message);
  process.emitWarning(message, { type: 'OnezeroWarning' });
}
