// Which files hold PHP that nobody may read.

import { sourceNames } from '../request/source-names.ts';

/** Whether a file is PHP source by its name, in any letter case: PHP, parts that PHP includes, and what is left beside them. */
export const isPhpSource: (file: string) => boolean = sourceNames(['.php']);
