// onnxruntime-web, with any of its execution providers.

let runtime;
let session;
let pageAdapter; // what the page found before the runtime took a device

/** Check what the provider needs of the browser, and import the runtime; its WebAssembly is compiled with the model. */
export async function load({ bundle, wasmPaths, threads, softwareGpu, remedy }) {
  if (softwareGpu) pageAdapter = await requireAdapter(new RegExp(softwareGpu.pattern, 'i'), softwareGpu.allowed, remedy);
  runtime = await import(bundle);
  runtime.env.wasm.wasmPaths = wasmPaths;
  runtime.env.wasm.numThreads = threads;
}

/** Open the first file with the others as the weights it names. */
export async function open([[, model], ...data], { session: options, remedy }) {
  const externalData = data.map(([path, content]) => ({ path, data: new Uint8Array(content) }));
  try {
    session = await runtime.InferenceSession.create(new Uint8Array(model), { ...options, externalData });
  } catch (error) {
    for (const { name, deviceType } of options.executionProviders) {
      if (name === 'webnn') await requireContext(deviceType, remedy);
    }
    throw error;
  }
}

export const inputName = () => session.inputNames[0];

export const tensor = ({ values, type, shape }) => new runtime.Tensor(type, values, shape);

// What a session logs is asked for when it is opened; an inference is to log nothing but warnings.
const QUIET = { logSeverityLevel: 2 };

/** Run until all outputs can be read: `data` of an output that is not on the host throws. */
export async function infer(feeds) {
  const results = await session.run(feeds, QUIET);
  for (const name of session.outputNames) results[name].data;
  return results;
}

export const outputs = (results) =>
  session.outputNames.map((name) => [name, { type: results[name].type, dims: results[name].dims, data: results[name].data }]);

export async function inEffect(lines) {
  const device = await runtime.env.webgpu?.device;
  return {
    version: runtime.env.versions.web,
    threads: runtime.env.wasm.numThreads,
    placed: lines.flatMap((line) => line.match(/(All nodes|Node\(s\)) placed on \[.*/)?.[0] ?? []),
    left: leftOver(lines),
    adapter: device && described(device.adapterInfo, device.features),
    pageAdapter,
  };
}

/** Return the operators that a log says the provider does not take, or that are on the processor. */
function leftOver(lines) {
  let provider;
  const names = lines.flatMap((line) => {
    provider = line.match(/Node\(s\) placed on \[(\w+)\]/)?.[1] ?? provider;
    const refused = line.match(/Operator type: \[(\w+)\].* supported: \[0\]/);
    const elsewhere = provider === 'CPUExecutionProvider' && line.match(/AssignedToAnEp\] {3}(?!Memcpy)(\S+) \(/);
    return (refused || elsewhere)?.[1] ?? [];
  });
  return [...new Set(names)];
}

/** Return an adapter, of hardware or allowed to be software; throw what makes a case unavailable where none is. */
async function requireAdapter(software, allowed, remedy) {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) {
    const words = navigator.gpu ? 'no WebGPU adapter' : 'no WebGPU (no navigator.gpu)';
    throw unavailable(`this browser has ${words}; ${remedy}`);
  }
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  const words = [vendor, architecture, device, description].filter(Boolean).join(' ');
  if ((isFallbackAdapter || software.test(words)) && !allowed) {
    throw unavailable(`the only adapter is software (${words}); pass --allow-software-gpu to time it anyway, labelled`);
  }
  return described(adapter.info, adapter.features);
}

/** Throw what makes a case unavailable where the browser has no WebNN for this kind of device. */
async function requireContext(deviceType, remedy) {
  try {
    if (!navigator.ml) throw new Error('no navigator.ml');
    await navigator.ml.createContext({ deviceType });
  } catch (error) {
    throw unavailable(`this browser has no WebNN (${error.message}); ${remedy}`);
  }
}

const unavailable = (words) => Object.assign(new Error(words), { name: 'Unavailable' });

function described({ vendor, architecture, device, description, isFallbackAdapter }, features) {
  return { vendor, architecture, device, description, isFallbackAdapter, features: [...features].sort() };
}
