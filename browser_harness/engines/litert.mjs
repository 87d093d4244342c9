// LiteRT.js on the processor: WebAssembly and XNNPACK, on one thread.

let runtime;
let build; // the WebAssembly that was loaded
let model;
let names; // what the graph that the file was made from calls its input and output

/** Load the library and, of its builds, the one that it picks for this browser. */
export async function load({ library, wasmPaths }) {
  // A script in a worker does not know where it came from, and would look for its WebAssembly beside the worker's.
  if (!self.document) self.Module = { locateFile: (file) => `${wasmPaths}/${file}` };
  runtime = await import(library);
  build = (await runtime.loadLiteRt(wasmPaths)).liteRtWasm;
}

/** Compile the one file. */
export async function open([[, file]], { graph }) {
  names = graph;
  model = await runtime.loadAndCompile(new Uint8Array(file), { accelerator: 'wasm', cpuOptions: { numThreads: 1 } });
  const [inputs, outputs] = [model.getInputDetails().length, model.getOutputDetails().length];
  if (inputs !== 1 || outputs !== 1) throw new Error(`${inputs} inputs and ${outputs} outputs, not one of each`);
}

export const inputName = () => names.input;

export function lay(values, type, shape) {
  if (type !== 'float32') throw new Error(`an input of type ${type}: this model takes float32`);
  return { values, shape };
}

export const tensor = (laid) => laid;

/** Run from numbers on the host to numbers on the host; the library's tensors are freed by hand. */
export async function infer(feeds) {
  const { values, shape } = feeds[names.input];
  const input = new runtime.Tensor(values, shape);
  const [output] = await model.run([input]);
  const result = { type: 'float32', dims: [...output.type.layout.dimensions], data: await output.data() };
  input.delete();
  output.delete();
  return result;
}

export const outputs = (result) => [[names.output, result]];

export async function inEffect() {
  return {
    threads: build.getThreadCount(),
    sharedMemory: !(build.HEAPU8.buffer instanceof ArrayBuffer), // without it no other thread can compute
    isFullyAccelerated: model.isFullyAccelerated,
  };
}
