// One page opens one model in one configuration: threads and runtime cannot be changed once a session exists.
// Python calls the functions of `globalThis.harness`; each returns plain JSON or throws.
//
// The runtime is a module under engines/, which has
//   load(configuration)            import and start the runtime
//   open(files, configuration)     open the model; files are [name, ArrayBuffer], the model's own first
//   inputName()                    the name of the first input
//   tensor(values, type, shape)    what infer takes for an input, made outside the clock
//   infer(feeds)                   run from inputs on the host until all outputs can be read there
//   outputs(results)               [name, {type, dims, data}] of what infer returned
//   inEffect(lines)                what is found in force; lines are what was logged while it was opened
//   told()                         what a server said of the inferences since it was last asked for; where there is one

import { wasmBytes } from '/memory.mjs';
import { normalise } from '/normalise.mjs';

let engine;
let prepared;
const tensors = new Map();
let part; // of the images that are classified, the latest
const unsent = new Map(); // the bytes of the last outputs that were too large for an answer, by name

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: self.Float16Array ?? Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

// (module (func (result v128) i32.const 0 i8x16.splat i8x16.popcnt)): valid only where SIMD is.
const SIMD_MODULE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/**
 * Load the runtime and open the model, `files` being pairs of a name and a URL; return what is in force, and how long
 * it took in milliseconds. What this browser cannot do at all is returned as `unavailable`.
 */
async function open({ engine: url, files, configuration }) {
  const log = listen();
  try {
    const start = performance.now();
    engine = await import(url);
    await engine.load(configuration);
    const loaded = performance.now();
    const fetched = await Promise.all(files.map(async ([name, file]) => [name, await fetchBytes(file)]));
    const received = performance.now();
    await engine.open(fetched, configuration);
    const end = performance.now();
    const loadParts = { runtime: loaded - start, fetch: received - loaded, session: end - received };
    return { load: end - start, loadParts, ...(await engine.inEffect(log.lines)), ...inPage() };
  } catch (error) {
    if (error.name === 'Unavailable') return { unavailable: error.message };
    throw error;
  } finally {
    log.end();
  }
}

function inPage() {
  return {
    crossOriginIsolated: self.crossOriginIsolated,
    simd: WebAssembly.validate(SIMD_MODULE),
    loaded: performance.getEntriesByType('resource').map((entry) => new URL(entry.name).pathname),
    clockResolution: clockResolution(),
  };
}

/** Keep what is logged until `end` is called; a runtime may hold on to the console's functions beyond that. */
function listen() {
  const log = { lines: [], end: () => { log.ended = true; } };
  for (const level of ['debug', 'log', 'info', 'warn', 'error']) {
    const original = console[level].bind(console);
    console[level] = (...words) => (log.ended ? original(...words) : log.lines.push(words.join(' ')));
  }
  return log;
}

/**
 * Return `rounds` samples in milliseconds, each from the call until all outputs can be read, and the outputs of the
 * last: up to `inline` bytes of them as base64 of little-endian numbers, the others for `send`. A sample is the mean of
 * `iterations` inferences in a row.
 */
async function time({ feeds, rounds, iterations = 1, inline }) {
  const given = Object.fromEntries(await Promise.all(feeds.map(async (feed) => [feed.name, await tensorOf(feed)])));
  return timed(given, rounds, iterations, inline);
}

/**
 * Normalise `count` images of `shape` from `start` on, of those at URL `pixels`, for `timePrepared`; zeros fill them up to
 * a batch of `size`.
 */
async function prepare({ pixels, shape, start, count, size, mean, std }) {
  const length = shape.reduce((product, side) => product * side);
  const bytes = (await partAt(pixels)).subarray(start * length, (start + count) * length);
  const values = new Float32Array(size * length);
  values.set(normalise(bytes, shape, mean, std));
  prepared = engine.tensor(values, 'float32', [size, ...shape]);
}

/** Return one sample, and the outputs, of the images that were prepared. */
function timePrepared({ inline }) {
  return timed({ [engine.inputName()]: prepared }, 1, 1, inline);
}

async function timed(feeds, rounds, iterations, inline) {
  unsent.clear();
  engine.told?.();
  const samples = new Array(rounds).fill(0);
  const results = await (iterations === 1 ? oneByOne(feeds, samples) : inRows(feeds, samples, iterations));
  return { samples, outputs: portable(engine.outputs(results), inline), told: engine.told?.() };
}

/** Fill `samples`, with nothing but the inference between two readings of the clock; return the last results. */
async function oneByOne(feeds, samples) {
  let results;
  for (let index = 0; index < samples.length; index++) {
    const start = performance.now();
    results = await engine.infer(feeds);
    samples[index] = performance.now() - start;
  }
  return results;
}

/** Fill `samples` with means of `iterations` inferences in a row; return the last results. */
async function inRows(feeds, samples, iterations) {
  let results;
  for (let index = 0; index < samples.length; index++) {
    const start = performance.now();
    for (let count = 0; count < iterations; count++) results = await engine.infer(feeds);
    samples[index] = (performance.now() - start) / iterations;
  }
  return results;
}

/** Fetch an input once; later calls with the same type and shape reuse the tensor. */
async function tensorOf({ url, type, shape }) {
  const key = `${url} ${type} ${shape}`;
  if (!tensors.has(key)) {
    if (!ARRAYS[type]) throw new Error(`inputs of type ${type} cannot be fed in a page`);
    tensors.set(key, engine.tensor(new ARRAYS[type](await fetchBytes(url)), type, shape));
  }
  return tensors.get(key);
}

/** Fetch a part of the images once, in place of the part before. */
async function partAt(url) {
  if (part?.url !== url) part = { url, bytes: new Uint8Array(await fetchBytes(url, { cache: 'no-store' })) };
  return part.bytes;
}

/** Describe outputs for an answer, with their numbers as long as there is room; the others wait for `send`. */
function portable(outputs, room) {
  return outputs.map(([name, { type, dims, data }]) => {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (bytes.length <= room) {
      room -= bytes.length;
      return [name, { type, dims: [...dims], data: base64(bytes) }];
    }
    unsent.set(name, bytes);
    return [name, { type, dims: [...dims] }];
  });
}

/**
 * Send the bytes from `start` to `end` of an output that had no room in the answer to `url`, which waits for them.
 * As a Blob: a browser's driver is told every other body, byte by byte, which is 30 times slower.
 */
async function send({ output, url, start, end }) {
  const response = await fetch(url, { method: 'PUT', body: new Blob([unsent.get(output).slice(start, end)]) });
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
}

/** Ask for what this engine alone can tell. */
function ask({ what }) {
  return engine[what]();
}

function base64(bytes) {
  let text = '';
  for (let start = 0; start < bytes.length; start += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  }
  return btoa(text);
}

async function fetchBytes(url, options) {
  const response = await fetch(url, options);
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return response.arrayBuffer();
}

/** Return the smallest step of performance.now() seen in 50 of them, in milliseconds. */
function clockResolution() {
  let smallest = Infinity;
  for (let steps = 0; steps < 50; steps++) {
    const start = performance.now();
    let now = start;
    while (now === start) now = performance.now();
    smallest = Math.min(smallest, now - start);
  }
  return smallest;
}

// What the page's policy keeps from leaving it is an error too: nothing may even try.
addEventListener('securitypolicyviolation', (violation) => {
  reportError(new Error(`blocked by the page's policy: ${violation.effectiveDirective} ${violation.blockedURI}`));
});

globalThis.harness = { open, ask, time, prepare, timePrepared, send, wasmBytes };
