// A request of the Open Inference Protocol and its parts, by plain loops: no code of the suite's own engine.

const LENGTH = 'Inference-Header-Content-Length';
const IDLE = 4; // milliseconds, about those of a request
const encoder = new TextEncoder();
const decoder = new TextDecoder();
let asked; // { url, nothing, told, input, shape, values }
let recorded; // an answer, for what decodes without asking

function open(argument) {
  asked = { ...argument, values: Float32Array.from(argument.values) };
}

function encode() {
  const { input: name, shape, values } = asked;
  const tensor = { name, datatype: 'FP32', shape, parameters: { binary_data_size: values.byteLength } };
  const head = encoder.encode(JSON.stringify({ inputs: [tensor], parameters: { binary_data_output: true } }));
  const body = new Uint8Array(head.length + values.byteLength);
  body.set(head);
  body.set(new Uint8Array(values.buffer), head.length);
  const headers = { 'Content-Type': 'application/octet-stream', [LENGTH]: `${head.length}` };
  return { method: 'POST', body, headers };
}

async function sent(url, request) {
  const response = await fetch(url, request);
  const content = await response.arrayBuffer();
  if (!response.ok) throw new Error(`HTTP ${response.status} ${decoder.decode(content)}`);
  return { content, length: response.headers.get(LENGTH) };
}

function decode({ content, length }) {
  const { outputs } = JSON.parse(decoder.decode(new Uint8Array(content, 0, Number(length))));
  let at = Number(length);
  return outputs.map(({ name, parameters: { binary_data_size: size } }) => {
    const values = new Float32Array(content.slice(at, at + size));
    at += size;
    return [name, values];
  });
}

/** Return the milliseconds of so many rounds, one after the other; each is given what was prepared off the clock. */
async function timed(rounds, round, prepared = () => {}) {
  const times = [];
  for (let i = 0; i < rounds; i++) {
    const given = await prepared();
    const start = performance.now();
    await round(given);
    times.push(performance.now() - start);
  }
  return times;
}

const idle = () => new Promise((done) => setTimeout(done, IDLE));

/** The logits of one request, to be held against the reference's. */
async function answer() {
  recorded = await sent(asked.url, encode());
  return decode(recorded).map(([name, values]) => [name, [...values]]);
}

/** From having the numbers to having the logits. */
const whole = ({ rounds }) => timed(rounds, async () => decode(await sent(asked.url, encode())));

/** The same bytes there and back, made before and read by nobody: the server does nothing for them. */
const nothing = ({ rounds }) => timed(rounds, (request) => sent(asked.nothing, request), encode);

/** What the page does itself, without a request, each time after a wait as it has one in every request. */
async function page({ rounds }) {
  const encoding = await timed(rounds, encode, idle);
  const decoding = await timed(rounds, () => decode(recorded), idle);
  return encoding.map((time, i) => time + decoding[i]);
}

/** What the server's clock said of each request since this was last asked for: [application, inference or null]. */
const told = async () => (await fetch(asked.told, { cache: 'no-store' })).json();

globalThis.harness = { open, answer, whole, nothing, page, told };
