// What a browser says of itself and of its device: what its figures depend on, and no more. None of it can be trusted: it is
// stored as a claim. What a browser does not tell is null.

const MOST = 200; // characters of a text
const PATIENCE = 3; // seconds for what a browser may never answer
const STEPS = 20;
const HINTS = ['model', 'platform', 'platformVersion', 'architecture'];

// (module (func (result v128) i32.const 0 i8x16.splat i8x16.popcnt)): valid only where SIMD is.
const SIMD_MODULE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/** Whether it can compute what every runtime here is written in. */
export const isAbleToCompute = () => Boolean(globalThis.WebAssembly?.validate(SIMD_MODULE));

export async function aboutThis() {
  const { userAgent, hardwareConcurrency, deviceMemory, connection } = navigator;
  return {
    userAgent: text(userAgent),
    brands: brands(),
    hints: await answered(hints),
    cores: hardwareConcurrency ?? null,
    memory: deviceMemory ?? null,
    isolated: Boolean(globalThis.crossOriginIsolated),
    secure: isSecureContext,
    clockStep: clockStep(),
    connection: text(connection?.effectiveType),
    adapter: await answered(adapter),
  };
}

const text = (value) => (value ? String(value).slice(0, MOST) : null);

const texts = (source, names) => Object.fromEntries(names.map((name) => [name, text(source[name])]));

/** Return what a browser answers; null where it does not, or refuses. */
async function answered(ask) {
  const late = new Promise((resolve) => { setTimeout(resolve, PATIENCE * 1e3); });
  return (await Promise.race([ask().catch(() => null), late])) ?? null;
}

function brands() {
  const told = navigator.userAgentData?.brands;
  return told ? [...told].slice(0, 10).map((one) => texts(one, ['brand', 'version'])) : null;
}

async function hints() {
  const told = await navigator.userAgentData?.getHighEntropyValues(HINTS);
  return told ? texts(told, HINTS) : null;
}

async function adapter() {
  const found = await navigator.gpu?.requestAdapter();
  if (!found) return null;
  const isFallback = Boolean(found.info.isFallbackAdapter ?? found.isFallbackAdapter);
  return { ...texts(found.info, ['vendor', 'architecture', 'device', 'description']), isFallback };
}

/** Return the smallest of some steps of performance.now(), in milliseconds; null where none was seen within a second. */
function clockStep() {
  const until = Date.now() + 1e3;
  let smallest = Infinity;
  for (let steps = 0; steps < STEPS && Date.now() < until; steps++) {
    const start = performance.now();
    let now = start;
    while (now === start && Date.now() < until) now = performance.now();
    if (now > start) smallest = Math.min(smallest, now - start);
  }
  return Number.isFinite(smallest) ? smallest : null;
}
