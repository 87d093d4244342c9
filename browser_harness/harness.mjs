// One page opens one model in one configuration: threads and runtime cannot be changed once a session exists.
// Python calls the functions of `globalThis.harness`; each returns plain JSON or throws.

let runtime;
let session;
const batches = new Map();

// (module (func (result v128) i32.const 0 i8x16.splat i8x16.popcnt)): valid only where SIMD is.
const SIMD_MODULE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/** Load the runtime and open the model at URL `model`; return what is in force. */
async function open({ bundle, wasmPaths, model, providers, threads }) {
  runtime = await import(bundle);
  runtime.env.wasm.wasmPaths = wasmPaths;
  runtime.env.wasm.numThreads = threads;
  const bytes = new Uint8Array(await fetchBytes(model));
  session = await runtime.InferenceSession.create(bytes, { executionProviders: providers });
  return {
    version: runtime.env.versions.web,
    threads: runtime.env.wasm.numThreads,
    crossOriginIsolated: self.crossOriginIsolated,
    simd: WebAssembly.validate(SIMD_MODULE),
    loaded: performance.getEntriesByType('resource').map((entry) => new URL(entry.name).pathname),
    clockResolution: clockResolution(),
  };
}

/**
 * Return `rounds` samples in milliseconds, each from the call until the logits can be read, and the logits of the last,
 * as base64 of little-endian float32.
 */
async function time({ input, shape, rounds }) {
  const feeds = await feedsFor(input, shape);
  const samples = new Array(rounds).fill(0);
  let logits;
  for (let index = 0; index < rounds; index++) {
    const start = performance.now();
    logits = await infer(feeds);
    samples[index] = performance.now() - start;
  }
  return { samples, logits: base64(logits) };
}

async function infer(feeds) {
  const results = await session.run(feeds);
  return results[session.outputNames[0]].data;
}

/** Fetch the batch at URL `input` once; later calls with the same shape reuse the tensor. */
async function feedsFor(input, shape) {
  const key = `${input} ${shape}`;
  if (!batches.has(key)) {
    const values = new Float32Array(await fetchBytes(input));
    batches.set(key, { [session.inputNames[0]]: new runtime.Tensor('float32', values, shape) });
  }
  return batches.get(key);
}

function base64(floats) {
  const bytes = new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

async function fetchBytes(url) {
  const response = await fetch(url);
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

globalThis.harness = { open, time };
