// A dedicated worker that runs one model for the page: see in_worker.mjs.
// A classic one, for LiteRT.js loads its WebAssembly by importScripts, which a module has not.

const runner = import('/memory.mjs').then(() => import('/runner.mjs')); // in this order: it is to see every memory

const FUNCTIONS = {
  open: async (argument, { open, inputName }) => [await open(argument), inputName()],
  inEffect: (_, { inEffect }) => inEffect(),
  lay: ({ values, type, shape }, { lay }) => lay(values, type, shape),
  ask: (what, { ask }) => ask(what),
  wasmBytes: (_, { wasmBytes }) => wasmBytes(),
  infer,
};

async function infer(laid, runner) {
  const start = performance.now();
  const results = await runner.infer(runner.given(laid));
  const milliseconds = performance.now() - start;
  return { outputs: runner.outputs(results).map(([name, output]) => [name, own(output)]), milliseconds };
}

/** Return an output whose numbers can be handed over: a copy where they lie in memory that the runtime keeps. */
function own({ type, dims, data }) {
  const isWhole = data.buffer instanceof ArrayBuffer && data.byteLength === data.buffer.byteLength;
  return { type, dims: [...dims], data: isWhole ? data : data.slice() };
}

/** Return what can be handed over, each once: a runtime may answer the same numbers by two names. */
const handedOver = (answer) => [...new Set((answer?.outputs ?? []).map(([, { data }]) => data.buffer))];

self.onmessage = async ({ data: { number, name, argument } }) => {
  try {
    const answer = await FUNCTIONS[name](argument, await runner);
    self.postMessage({ number, answer }, handedOver(answer));
  } catch (error) {
    self.postMessage({ number, error: { name: error.name, message: error.message ?? String(error), stack: error.stack } });
  }
};

// The worker has a policy of its own; what it keeps from leaving the page tells.
self.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
  self.postMessage({ blocked: `blocked by the worker's policy: ${effectiveDirective} ${blockedURI}` });
});
self.addEventListener('unhandledrejection', (event) => {
  event.preventDefault(); // told once
  throw event.reason;
});
