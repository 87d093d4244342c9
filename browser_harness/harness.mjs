// One page opens one model in one configuration, in its main thread or in a worker: see runner.mjs and in_worker.mjs.
// Python calls the functions of `globalThis.harness`; each returns plain JSON or throws.

import '/memory.mjs'; // before any runtime
import * as animating from '/animating.mjs';
import { fetchBytes } from '/fetching.mjs';
import * as inWorker from '/in_worker.mjs';
import { now } from '/loading.mjs';
import { normalise } from '/normalise.mjs';
import * as main from '/runner.mjs';

const RUNNERS = { main, worker: inWorker };

let runner;
let prepared;
const laid = new Map(); // inputs by what they were fetched as
let part; // of the images that are classified, the latest
const unsent = new Map(); // the bytes of the last outputs that were too large for an answer, by name

const REST = 250; // milliseconds after which a page that classifies lets the browser draw, and take messages

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

/**
 * Load the runtime and open the model, `files` being pairs of a name and a URL, in the `main` thread or a `worker`; return
 * what is in force, how long it took in milliseconds, and what was seen of it. What this browser cannot do at all is
 * returned as `unavailable`.
 */
async function open({ where = 'main', ...argument }) {
  runner = RUNNERS[where];
  try {
    const start = now();
    const seen = await runner.open(argument);
    const load = now() - start;
    return { load, loading: since(start, seen), ...(await runner.inEffect()), clockResolution: clockResolution() };
  } catch (error) {
    if (error.name === 'Unavailable') return { unavailable: error.message };
    throw error;
  }
}

/** Return what was seen of a load, with times since it began; what came with the page is none of it. */
function since(start, { began, requests, compiled }) {
  return {
    began: began - start,
    requests: requests.filter((request) => request.start >= start).map((one) => shifted(one, ['start', 'response', 'end'])),
    compiled: compiled.map((one) => shifted(one, ['begin', 'end'])),
  };

  function shifted(one, times) {
    return { ...one, ...Object.fromEntries(times.map((name) => [name, one[name] - start])) };
  }
}

/**
 * Return `rounds` samples in milliseconds, each from the call until all outputs can be read, and the outputs of the
 * last: up to `inline` bytes of them as base64 of little-endian numbers, the others for `send`. A sample is the mean of
 * `iterations` inferences in a row.
 */
async function time({ feeds, rounds, iterations = 1, inline }) {
  return timed(await givenOf(feeds), rounds, iterations, inline);
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
  prepared = runner.given([[runner.inputName(), await runner.lay(values, 'float32', [size, ...shape])]]);
}

/**
 * Classify the images at URL `pixels`, of `shape` each, in batches of `size`, and send what the model answers, images in
 * their order, to `url` in one piece. Return how long each part of it took, in milliseconds. One call for many images:
 * going there and back for every batch would take longer than a quick inference. Zeros fill the last batch; what is
 * answered for them is not sent.
 */
async function classify({ pixels, shape, size, mean, std, url }) {
  const watch = stopwatch();
  const bytes = new Uint8Array(await fetchBytes(pixels, { cache: 'no-store' }));
  watch.ends('fetching');
  const values = normalise(bytes, shape, mean, std);
  watch.ends('normalising');
  const { answers, inferring } = await answered(values, shape, size);
  watch.ends('answering');
  await put(url, new Blob(answers));
  watch.ends('sending');
  return { ...watch.took, inferring };
}

/** Return the bytes of the first output for each batch, and how long the inferences took. */
async function answered(values, shape, size) {
  const length = shape.reduce((product, side) => product * side);
  const answers = [];
  let inferring = 0;
  const rest = rests();
  for (let start = 0; start < values.length; start += size * length) {
    const batch = values.slice(start, start + size * length); // a copy, which a worker can be handed
    const laid = await runner.lay(filled(batch, size * length), 'float32', [size, ...shape]);
    const given = runner.given([[runner.inputName(), laid]]);
    const asked = performance.now();
    const results = await runner.infer(given);
    inferring += performance.now() - asked;
    answers.push(firstOf(runner.outputs(results), batch.length / length, size));
    await rest();
  }
  runner.told();
  return { answers, inferring };
}

function filled(values, length) {
  if (values.length === length) return values;
  const all = new Float32Array(length);
  all.set(values);
  return all;
}

/** Return a copy of the bytes of the first output, of so many images of a batch: a runtime may write there again. */
function firstOf([[, { data }]], images, size) {
  const { buffer, byteOffset, byteLength } = data;
  return new Uint8Array(buffer, byteOffset, (byteLength / size) * images).slice();
}

/** Return what notes how long each part of a whole took, in milliseconds, one after the other. */
function stopwatch() {
  const took = {};
  let since = performance.now();
  return {
    took,
    ends(name) {
      const now = performance.now();
      [took[name], since] = [now - since, now];
    },
  };
}

/** Return what lets the browser go on with its own work for a moment, each time that REST has passed since the last. */
function rests() {
  const { port1, port2 } = new MessageChannel(); // a timer's rest would be of 4 ms at least
  let since = performance.now();
  return async () => {
    if (performance.now() - since < REST) return;
    await new Promise((resolve) => {
      port1.onmessage = resolve;
      port2.postMessage(null);
    });
    since = performance.now();
  };
}

/** Return one sample, and the outputs, of the images that were prepared. */
function timePrepared({ inline }) {
  return timed(prepared, 1, 1, inline);
}

async function timed(feeds, rounds, iterations, inline) {
  unsent.clear();
  runner.told();
  const samples = new Array(rounds).fill(0);
  const results = await (iterations === 1 ? oneByOne(feeds, samples) : inRows(feeds, samples, iterations));
  return { samples, outputs: portable(runner.outputs(results), inline), told: runner.told() };
}

/** Draw an animation for some `seconds` while nothing is computed: see animating.mjs. */
const rest = ({ seconds }) => animating.atRest(seconds);

/** Draw it while inferences run; return what was seen, and the outputs of the last as `time` does. */
async function animate({ feeds, inline, ...extent }) {
  const given = await givenOf(feeds);
  unsent.clear();
  runner.told();
  const { results, seen } = await animating.meanwhile(() => runner.infer(given), extent);
  return { ...seen, outputs: portable(runner.outputs(results), inline), told: runner.told() };
}

/** Fill `samples`, with nothing but the inference between two readings of the clock; return the last results. */
async function oneByOne(feeds, samples) {
  let results;
  for (let index = 0; index < samples.length; index++) {
    const start = performance.now();
    results = await runner.infer(feeds);
    samples[index] = performance.now() - start;
  }
  return results;
}

/** Fill `samples` with means of `iterations` inferences in a row; return the last results. */
async function inRows(feeds, samples, iterations) {
  let results;
  for (let index = 0; index < samples.length; index++) {
    const start = performance.now();
    for (let count = 0; count < iterations; count++) results = await runner.infer(feeds);
    samples[index] = (performance.now() - start) / iterations;
  }
  return results;
}

/** Return what infer takes, made outside the clock where it is made in this thread. */
async function givenOf(feeds) {
  return runner.given(await Promise.all(feeds.map(async (feed) => [feed.name, await laidOf(feed)])));
}

/** Fetch an input once; later calls with the same type and shape reuse it. */
async function laidOf({ url, type, shape }) {
  const key = `${url} ${type} ${shape}`;
  if (!laid.has(key)) {
    if (!ARRAYS[type]) throw new Error(`inputs of type ${type} cannot be fed in a page`);
    laid.set(key, await runner.lay(new ARRAYS[type](await fetchBytes(url)), type, shape));
  }
  return laid.get(key);
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
  await put(url, new Blob([unsent.get(output).slice(start, end)]));
}

async function put(url, body) {
  const response = await fetch(url, { method: 'PUT', body });
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
}

/** Ask for what this engine alone can tell. */
function ask({ what }) {
  return runner.ask(what);
}

function base64(bytes) {
  let text = '';
  for (let start = 0; start < bytes.length; start += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  }
  return btoa(text);
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

const wasmBytes = () => runner.wasmBytes();

globalThis.harness = { open, ask, time, prepare, timePrepared, classify, rest, animate, send, wasmBytes };
