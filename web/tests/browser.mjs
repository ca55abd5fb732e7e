/** Says whether there is a browser for the tests: exits with 0 if there is, with 1 if not. */

import { chromiumPath } from './harness.mjs';

process.exitCode = chromiumPath() ? 0 : 1;
