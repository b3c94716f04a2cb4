// Which files hold PHP that nobody may read.

/** PHP by its extension, parts that PHP includes, and what editors and people leave beside them: config.php~, index.php.bak. */
const SOURCE =
  /\.(?:ph(?:p[3-8]?|tml|ar|ps)(?:~|[._-]?(?:bak|backup|copy|dist|off|old|orig|rej|sample|save|sav|swo|swp|tmp|\d+))?[. ~]*|inc)$/i;

/** Whether a file is PHP source by its name, in any letter case. */
export function isPhpSource(file: string): boolean {
  return SOURCE.test(file);
}
