// Which files hold the text of scripts, by their names: those with an extension that is run, in any letter case, and what
// editors, tools and people leave beside them, which nothing runs: config.php~, report.cgi.bak, index.py.1.

/** Behind the name of a file that was kept. */
const LEFT_OVER = String.raw`(?:~|[._-]?(?:bak|backup|copy|dist|off|old|orig|rej|sample|sav|save|swo|swp|tmp)|[._-]\d+)?[. ~]*`;
/** PHP by other names, and parts that PHP includes. */
const PHP = String.raw`\.ph(?:p[3-8]?|tml|ar|ps)`;
const PHP_PARTS = String.raw`\.inc`;

/** A test for the names of files, or of their paths, whose text belongs to scripts with these extensions (with their dots). */
export function sourceNames(extensions: readonly string[]): (file: string) => boolean {
  const names = extensions.map((extension) =>
    extension.toLowerCase().replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`),
  );
  if (extensions.some((extension) => extension.toLowerCase() === '.php')) names.push(PHP, PHP_PARTS);
  if (names.length === 0) return () => false;
  const pattern = new RegExp(`(?:${names.join('|')})${LEFT_OVER}$`, 'i');
  return (file) => pattern.test(file);
}
