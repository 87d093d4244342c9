// No runtime: the page asks a server by the Open Inference Protocol v2, its tensors as binary data behind a head of JSON.
// https://github.com/kserve/open-inference-protocol

const TYPES = {
  FP32: Float32Array,
  FP64: Float64Array,
  FP16: self.Float16Array ?? Uint16Array,
  INT8: Int8Array,
  UINT8: Uint8Array,
  INT16: Int16Array,
  UINT16: Uint16Array,
  INT32: Int32Array,
  UINT32: Uint32Array,
  INT64: BigInt64Array,
  UINT64: BigUint64Array,
  BOOL: Uint8Array,
};
const NAMES = {
  ...{ FP32: 'float32', FP64: 'float64', FP16: 'float16', INT8: 'int8', UINT8: 'uint8', INT16: 'int16', UINT16: 'uint16' },
  ...{ INT32: 'int32', UINT32: 'uint32', INT64: 'int64', UINT64: 'uint64', BOOL: 'bool' },
};
const LENGTH = 'Inference-Header-Content-Length';
const encoder = new TextEncoder();
const decoder = new TextDecoder();

let server; // { url, inputs: [name, …], sends: 'arrays' or 'image', binary, headers }
const computed = []; // milliseconds of each inference in the server, by its own word; NaN where it had none

export function load(configuration) {
  server = configuration;
}

/** Nothing is opened, nor asked yet: the first request is the first inference's. */
export function open() {}

export const inputName = () => server.inputs[0];

export const tensor = (laid) => laid;

/** Ask for an inference, from having the inputs to having the outputs. */
export async function infer(feeds) {
  const { head, body } = encoded(feeds);
  const headers = { ...server.headers, 'Content-Type': server.binary ? 'application/octet-stream' : 'application/json' };
  if (server.binary) headers[LENGTH] = `${head}`;
  const response = await answered(`${server.url}/infer`, { method: 'POST', body, headers });
  const content = new Uint8Array(await received(response));
  if (!response.ok) throw new Error(`the server answered ${response.status}: ${inALine(content)}`);
  const { told, outputs } = decoded(content, response.headers.get(LENGTH));
  computed.push(milliseconds(response.headers.get('Server-Timing'), told));
  return outputs;
}

export const outputs = (results) => results;

/** What the server told of the inferences since this was last asked for. */
export const told = () => computed.splice(0);

/** A page computes nothing here: what is in force is the server's, which is asked before the page is there. */
export const inEffect = () => ({ threads: 1 });

/**
 * Make a connection by the simplest request there is, which no preflight goes ahead of; return what the browser saw of it
 * in milliseconds. A request with a preflight hides its connection.
 */
export async function connect() {
  const url = new URL('/v2/health/live', new URL(server.url, location.href)).href;
  performance.clearResourceTimings();
  await received(await answered(url, { cache: 'no-store' }));
  const entry = lastOf(url);
  if (!entry?.requestStart) return {}; // the server lets no page see it: it sends no Timing-Allow-Origin
  const secure = entry.secureConnectionStart;
  const connect = (secure || entry.connectEnd) - entry.connectStart;
  return { protocol: entry.nextHopProtocol, connect, tls: secure ? entry.connectEnd - secure : 0 };
}

/** Return how long the last inference's request waited before it was sent, in milliseconds: for its preflight, if kept. */
export function waited() {
  const entry = lastOf(`${server.url}/infer`);
  return entry?.requestStart ? entry.requestStart - entry.startTime : null;
}

/**
 * Return how many inferences' requests since this was last asked for opened a connection of their own, as the server had
 * closed the one that was kept. Of the first 250 a browser tells, where the server lets a page see them.
 */
export function reopened() {
  const url = new URL(`${server.url}/infer`, location.href).href;
  const opening = performance.getEntriesByName(url).filter((entry) => entry.connectEnd > entry.connectStart);
  performance.clearResourceTimings();
  return opening.length;
}

const lastOf = (url) => performance.getEntriesByName(new URL(url, location.href).href).at(-1);

async function answered(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    // A browser does not tell pages which of these it was.
    const { origin } = new URL(url, location.href);
    throw new Error(`no answer from ${origin} (${error.message}): refused, cut off, or no CORS for this page`);
  }
}

async function received(response) {
  try {
    return await response.arrayBuffer();
  } catch (error) {
    throw new Error(`the server's answer was cut off (${error.message})`);
  }
}

function encoded(feeds) {
  const parts = Object.entries(feeds).map(([name, { values, type, shape }]) => described(name, values, type, shape));
  const tensors = parts.map((part) => part.tensor);
  if (!server.binary) return { body: JSON.stringify({ inputs: tensors }) };
  const head = encoder.encode(JSON.stringify({ inputs: tensors, parameters: { binary_data_output: true } }));
  const body = new Uint8Array(parts.reduce((length, part) => length + part.bytes.length, head.length));
  let at = head.length;
  body.set(head);
  for (const { bytes } of parts) {
    body.set(bytes, at);
    at += bytes.length;
  }
  return { head: head.length, body };
}

function described(name, values, type, shape) {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (server.sends === 'image') return picture(name, bytes);
  const datatype = Object.keys(NAMES).find((known) => NAMES[known] === type);
  if (!server.binary) return { tensor: { name, datatype, shape, data: Array.from(values, plain) }, bytes };
  return { tensor: { name, datatype, shape, parameters: { binary_data_size: bytes.length } }, bytes };
}

const plain = (value) => (typeof value === 'bigint' ? Number(value) : value);

/** One element of BYTES is its length in four bytes, little-endian, and its content. */
function picture(name, content) {
  const bytes = new Uint8Array(4 + content.length);
  new DataView(bytes.buffer).setUint32(0, content.length, true);
  bytes.set(content, 4);
  return { tensor: { name, datatype: 'BYTES', shape: [1], parameters: { binary_data_size: bytes.length } }, bytes };
}

function decoded(content, length) {
  const headLength = length === null ? content.length : Number(length);
  if (!(headLength <= content.length)) throw new Error(`the server's answer ends before its head of ${length} bytes`);
  let head;
  try {
    head = JSON.parse(decoder.decode(content.subarray(0, headLength)));
  } catch {
    throw new Error(`the server's answer is no JSON: ${inALine(content)}`);
  }
  if (!Array.isArray(head.outputs)) throw new Error(`the server's answer has no outputs: ${inALine(content)}`);
  let at = headLength;
  const found = head.outputs.map(({ name, datatype, shape, data, parameters }) => {
    if (!TYPES[datatype]) throw new Error(`the server answers ${name} as ${datatype}, which is no tensor of numbers`);
    const size = parameters?.binary_data_size;
    const values = size === undefined ? listed(data ?? [], datatype) : numbers(content.slice(at, at + size), datatype);
    at += size ?? 0;
    const wanted = shape.reduce((product, side) => product * side, 1);
    if (values.length !== wanted) throw new Error(`the server answers ${name} as [${shape}] with ${values.length} numbers`);
    return [name, { type: NAMES[datatype], dims: shape, data: values }];
  });
  return { told: head.parameters, outputs: found };
}

/** Read numbers of JSON, which knows no whole ones of 64 bits. */
function listed(data, datatype) {
  const is64 = TYPES[datatype] === BigInt64Array || TYPES[datatype] === BigUint64Array;
  return TYPES[datatype].from(data.flat(Infinity), is64 ? BigInt : Number);
}

/** Read little-endian numbers; what is cut in the middle of one is left out, and missed where they are counted. */
function numbers(bytes, datatype) {
  const size = TYPES[datatype].BYTES_PER_ELEMENT;
  return new TYPES[datatype](bytes.buffer, 0, Math.floor(bytes.length / size));
}

const milliseconds = (timing, told) => Number(/infer;dur=([\d.]+)/.exec(timing ?? '')?.[1] ?? told?.infer_ms ?? NaN);

const inALine = (content) => decoder.decode(content.subarray(0, 300)).replace(/\s+/g, ' ').trim() || 'nothing';
