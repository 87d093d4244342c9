// The page's way to a runner in a dedicated worker: the same functions as runner.mjs, whose answers are there when the
// page has them. Inputs are copied on the way to the worker, outputs are handed over (transferred) on the way back.

import { loaded, now, seen } from '/loading.mjs';
import * as memory from '/memory.mjs';

let worker;
let firstInput; // its name
let calls = 0;
const computed = []; // milliseconds that the worker itself took for each inference since it was last asked
const waiting = new Map(); // the calls that are not answered yet

/** Start the worker and open the model in it; return when it began with that, and what it and the page have seen of it. */
export async function open(argument) {
  const asked = now();
  worker = new Worker('/worker.js');
  worker.onmessage = ({ data }) => take(data);
  worker.onerror = (event) => fail(event.message ?? 'the worker could not be started');
  worker.onmessageerror = () => fail("the worker's answer could not be read");
  const [there, name] = await call('open', argument);
  firstInput = name;
  const here = seen();
  return {
    began: there.began,
    requests: [...here.requests.map((request) => mended(request, asked)), ...there.requests],
    compiled: [...here.compiled, ...there.compiled],
  };
}

/** Mend what Chromium says of a worker's script: of its begin it tells when it was there, which is after its end. */
function mended(request, asked) {
  return request.end < request.start ? { ...request, start: asked, response: request.end } : request;
}

/** Return what is in force in the worker; what the page loaded it has loaded, too. */
export async function inEffect() {
  const found = await call('inEffect');
  return { ...found, loaded: [...loaded(), ...found.loaded] };
}

export const inputName = () => firstInput;

export const lay = (values, type, shape) => call('lay', { values, type, shape });

/** Leave inputs as they are laid out: what the runtime takes can only be made where it is. */
export const given = (laid) => laid;

/** Run in the worker, from inputs in the page to outputs in the page. */
export async function infer(laid) {
  const { outputs, milliseconds } = await call('infer', laid);
  computed.push(milliseconds);
  return outputs;
}

export const outputs = (results) => results;

/** Return the milliseconds that the worker took for each inference since this was last asked for. */
export const told = () => computed.splice(0);

export const ask = (what) => call('ask', what);

/** Return the bytes of all WebAssembly memories, the worker's and the page's. */
export const wasmBytes = async () => (await call('wasmBytes')) + memory.wasmBytes();

function call(name, argument) {
  return new Promise((resolve, reject) => {
    waiting.set(++calls, { resolve, reject });
    worker.postMessage({ number: calls, name, argument });
  });
}

function take({ number, answer, error, blocked }) {
  if (blocked) {
    reportError(new Error(blocked));
    return;
  }
  const { resolve, reject } = waiting.get(number);
  waiting.delete(number);
  if (error) reject(Object.assign(new Error(error.message), error));
  else resolve(answer);
}

/** Tell what nobody caught in the worker, as what nobody caught in the page. */
function fail(words) {
  reportError(new Error(`in the worker: ${words}`));
}
