// TensorFlow.js on its WebAssembly backend; the graph is models/tfjs.py's, called operation by operation.

const NHWC = 'NHWC';
let tf;
let graph;

/** Load the library and start its backend with `threads` threads. */
export async function load({ scripts, wasmPaths, threads }) {
  for (const url of scripts) await script(url);
  tf = self.tf;
  tf.wasm.setWasmPaths(wasmPaths);
  tf.wasm.setThreadsCount(threads);
  if (!(await tf.setBackend('wasm'))) throw new Error('TensorFlow.js could not start its WebAssembly backend');
  await tf.ready();
}

/** Read the operations from the first file and their weights from the second. */
export async function open([[, description], [, weights]]) {
  graph = JSON.parse(new TextDecoder().decode(description));
  const numbers = new Float32Array(weights);
  for (const operation of graph.operations) {
    for (const name of ['kernel', 'bias']) {
      if (operation[name]) operation[name] = weight(numbers, operation[name]);
    }
  }
}

function weight(numbers, { offset, shape }) {
  const size = shape.reduce((product, length) => product * length);
  return tf.keep(tf.tensor(numbers.slice(offset, offset + size), shape));
}

export const inputName = () => graph.input;

/** Turn images, (image, channel, row, column), into the library's order. */
export function lay(values, type, [count, channels, height, width]) {
  if (type !== 'float32') throw new Error(`an input of type ${type}: this graph takes float32`);
  const plane = height * width;
  const turned = new Float32Array(values.length);
  for (let image = 0; image < count; image++) {
    for (let channel = 0; channel < channels; channel++) {
      const from = (image * channels + channel) * plane;
      for (let pixel = 0; pixel < plane; pixel++) {
        turned[(image * plane + pixel) * channels + channel] = values[from + pixel];
      }
    }
  }
  return { values: turned, shape: [count, height, width, channels] };
}

export const tensor = (laid) => laid;

/** Run from numbers on the host to numbers on the host. */
export async function infer(feeds) {
  const { values, shape } = feeds[graph.input];
  const answer = tf.tidy(() => compute(tf.tensor4d(values, shape)));
  const result = { type: 'float32', dims: answer.shape, data: await answer.data() };
  answer.dispose();
  return result;
}

export const outputs = (result) => [[graph.output, result]];

function compute(images) {
  const values = { [graph.input]: images };
  for (const operation of graph.operations) values[operation.output] = OPERATIONS[operation.op](operation, values);
  return values[graph.output];
}

const convolution = (library) => ({ input, kernel, bias, stride, pad, activation }, values) => {
  const [x, filter] = [values[input], kernel];
  return tf.fused[library]({ x, filter, strides: stride, pad, dataFormat: NHWC, bias, activation });
};

const of = (library) => ({ input }, values) => tf[library](values[input]);

/** As Keras writes it: the library has no kernel of its own. */
const hardSigmoid = (x) => tf.mul(tf.relu6(tf.add(x, 3)), 1 / 6);

const OPERATIONS = {
  conv: convolution('conv2d'),
  depthwise: convolution('depthwiseConv2d'),
  relu: of('relu'),
  relu6: of('relu6'),
  sigmoid: of('sigmoid'),
  hardSigmoid: ({ input }, values) => hardSigmoid(values[input]),
  hardSwish: ({ input }, values) => tf.mul(values[input], hardSigmoid(values[input])),
  add: ({ input, other }, values) => tf.add(values[input], values[other]),
  mul: ({ input, other }, values) => tf.mul(values[input], values[other]),
  maxPool: ({ input, size, stride, pad }, values) => tf.maxPool(values[input], size, stride, pad),
  mean: ({ input, keepDims = false }, values) => tf.mean(values[input], [1, 2], keepDims),
  flatten: ({ input }, values) => tf.reshape(values[input], [values[input].shape[0], -1]),
  gemm: ({ input, kernel, bias }, values) => tf.fused.matMul({ a: values[input], b: kernel, bias }),
};

export async function inEffect() {
  return {
    version: tf.version_core,
    backendVersion: tf.wasm.version_wasm,
    backend: tf.getBackend(),
    threads: tf.wasm.getThreadsCount(),
    librarySimd: await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'),
    libraryThreads: await tf.env().getAsync('WASM_HAS_MULTITHREAD_SUPPORT'),
    processors: navigator.hardwareConcurrency,
  };
}

/** The library comes as a script that puts itself into the global scope; a worker has another way to load one. */
function script(url) {
  if (!self.document) return importScripts(url);
  return new Promise((resolve, reject) => {
    const onerror = () => reject(new Error(`${url} could not be loaded`));
    document.head.append(Object.assign(document.createElement('script'), { src: url, onload: resolve, onerror }));
  });
}
