// Unpack the Chromium of @sparticuz/chromium into os.tmpdir(), which the caller sets.
// The system libraries in the package come along for machines that lack them (see chromium.py).

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import chromium, { inflate } from '@sparticuz/chromium';

const entry = fileURLToPath(import.meta.resolve('@sparticuz/chromium'));
await chromium.executablePath();
await inflate(join(dirname(entry), '..', 'bin', 'al2023.tar.br'));
