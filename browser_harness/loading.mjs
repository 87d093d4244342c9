// What a load is made of, as the thread that imports this sees it: files that come, and WebAssembly that is compiled.
// Imported before any runtime. Times are in milliseconds, of a clock that a page and its workers share.

const MOST = 10_000; // requests that the browser is to take note of; 250 of itself, and weights can lie in more files
performance.setResourceTimingBufferSize(MOST);

const compiled = []; // [{begin, end, path}]; the path of what is compiled while it comes, else null

/** Return the time; `performance.now` alone begins anew in each worker. */
export const now = () => performance.timeOrigin + performance.now();

/** Return the requests of this thread so far, and when it compiled; throw where the browser may have left some out. */
export function seen() {
  const entries = performance.getEntriesByType('resource');
  if (entries.length >= MOST) throw new Error(`more requests than the ${MOST} that the browser takes note of`);
  return { requests: entries.map(request), compiled };
}

/** Return the paths of what this thread has asked for so far. */
export const loaded = () => performance.getEntriesByType('resource').map(path);

const path = (entry) => new URL(entry.name).pathname;

/**
 * Describe a request; what came from a cache has no bytes on the wire. Nor has what a server said is current there, whose
 * answer was its head alone: more than that was transferred of all else.
 */
function request(entry) {
  return {
    path: path(entry),
    start: performance.timeOrigin + entry.startTime,
    response: performance.timeOrigin + entry.responseStart,
    end: performance.timeOrigin + entry.responseEnd,
    wire: entry.transferSize > entry.encodedBodySize ? entry.encodedBodySize : 0,
    decoded: entry.decodedBodySize,
    opened: entry.connectEnd > entry.connectStart,
  };
}

for (const name of ['compile', 'compileStreaming', 'instantiate', 'instantiateStreaming']) {
  const original = WebAssembly[name];
  WebAssembly[name] = async (...given) => {
    const begin = now();
    const result = await original(...given);
    const end = now();
    const { url } = await given[0]; // of a response
    compiled.push({ begin, end, path: url ? new URL(url).pathname : null });
    return result;
  };
}
