// Bundle the module ENTRY, a text whose imports are looked up in the harness' node_modules, into the script OUTPUT, which
// puts its exports into the global NAME. What nobody calls is left out (tree-shaking), and what is left is minified.
// LEFT_OUT is a pattern of modules that stay empty.

import commonjs from '@rollup/plugin-commonjs';
import resolve from '@rollup/plugin-node-resolve';
import terser from '@rollup/plugin-terser';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rollup } from 'rollup';

const { ENTRY, OUTPUT, NAME, LEFT_OUT } = process.env;
const HARNESS = join(dirname(fileURLToPath(import.meta.url)), '..');
const entry = join(HARNESS, 'entry.mjs'); // where the text is taken to lie
const leftOut = new RegExp(LEFT_OUT || '$^');

const minified = terser({
  // A backend's workers get the text of a function, where a name of the module is asked for with `typeof` as it is not
  // there: `x === undefined`, which is shorter, would throw.
  compress: { typeofs: false },
  format: { comments: false },
});

const given = {
  name: 'given',
  resolveId(module) {
    if (module === entry) return entry;
    // As TensorFlow.js' own tool has it: the kernels are to import the library without what registers all of it.
    return module === '@tensorflow/tfjs-core' ? this.resolve(`${module}/dist/base`, entry) : null;
  },
  load(id) {
    if (id === entry) return ENTRY;
    return leftOut.test(id) ? 'export default undefined; export const wasmWorkerContents = undefined;' : null;
  },
};

const bundle = await rollup({
  input: entry,
  plugins: [given, resolve({ browser: true, preferBuiltins: false }), commonjs(), minified],
  onwarn(warning) {
    // Its modules import each other in circles, and are compiled by a TypeScript that writes `this` at their top.
    if (['CIRCULAR_DEPENDENCY', 'THIS_IS_UNDEFINED'].includes(warning.code)) return;
    throw new Error(warning.message); // an import that was not found would only be missed in the page
  },
});
await bundle.write({ file: OUTPUT, format: 'iife', name: NAME });
await bundle.close();
