// Opens one model with one runtime and runs it, in the thread that imports this: the page's main one or a worker's.
// A runtime's threads and providers cannot be changed once a session exists, so this is done once.
//
// The runtime is a module under engines/, which has
//   load(configuration)            import and start the runtime
//   open(files, configuration)     open the model; files are [name, ArrayBuffer], the model's own first
//   inputName()                    the name of the first input
//   lay(values, type, shape)       values in the order that the runtime takes them, where that is another; plain data
//   tensor(laid)                   what infer takes for an input that was laid out
//   infer(feeds)                   run from inputs on the host until all outputs can be read there
//   outputs(results)               [name, {type, dims, data}] of what infer returned
//   inEffect(lines)                what is found in force; lines are what was logged while it was opened
//   told()                         what a server said of the inferences since it was last asked for; where there is one

import { fetchBytes } from '/fetching.mjs';
import { loaded, now, seen } from '/loading.mjs';
import { wasmBytes } from '/memory.mjs';

export { wasmBytes };

let engine;
let logged = []; // while the model was opened

// (module (func (result v128) i32.const 0 i8x16.splat i8x16.popcnt)): valid only where SIMD is.
const SIMD_MODULE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/**
 * Load the runtime and open the model, `files` being pairs of a name and a URL; return when that began, and what was seen
 * of it.
 */
export async function open({ engine: url, files, configuration }) {
  const log = listen();
  try {
    const began = now();
    engine = await import(url);
    await engine.load(configuration);
    const fetched = await Promise.all(files.map(async ([name, file]) => [name, await fetchBytes(file)]));
    await engine.open(fetched, configuration);
    return { began, ...seen() };
  } finally {
    log.end();
    logged = log.lines;
  }
}

/** Return what is in force in this thread. */
export async function inEffect() {
  return {
    ...(await engine.inEffect(logged)),
    secure: self.isSecureContext,
    crossOriginIsolated: self.crossOriginIsolated,
    sharedArrayBuffer: 'SharedArrayBuffer' in self, // without it no other thread can compute
    simd: WebAssembly.validate(SIMD_MODULE),
    loaded: loaded(),
  };
}

export const inputName = () => engine.inputName();

/** Return values in the order that the runtime takes them. */
export const lay = (values, type, shape) => (engine.lay ? engine.lay(values, type, shape) : { values, type, shape });

/** Return what infer takes, of pairs of an input's name and its laid values. */
export const given = (laid) => Object.fromEntries(laid.map(([name, values]) => [name, engine.tensor(values)]));

export const infer = (feeds) => engine.infer(feeds);

export const outputs = (results) => engine.outputs(results);

/** Return what a server told of each inference since this was last asked for; nothing where there is none. */
export const told = () => engine.told?.();

/** Ask for what this engine alone can tell. */
export const ask = (what) => engine[what]();

/** Keep what is logged until `end` is called; a runtime may hold on to the console's functions beyond that. */
function listen() {
  const log = { lines: [], end: () => { log.ended = true; } };
  for (const level of ['debug', 'log', 'info', 'warn', 'error']) {
    const original = console[level].bind(console);
    console[level] = (...words) => (log.ended ? original(...words) : log.lines.push(words.join(' ')));
  }
  return log;
}
