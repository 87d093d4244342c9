// Figures as a person reads them: what is not known says so.

const UNKNOWN = 'unknown';

/** Return the cells of a row of the table, each of lines: the network, this device's median, the server's, how many times. */
export function cellsOf({ model, platform, median_ms: median, server_ms: server, ratio, interval, mark }) {
  return [[model, platform], [`${number(median)}${mark ? ` ${mark}` : ''}`], [number(server)], compared(ratio, interval)];
}

/** Return how many times slower, or faster where it is, and between which numbers that lies. */
function compared(ratio, interval) {
  if (!isNumber(ratio)) return [UNKNOWN];
  const isFaster = ratio < 1;
  const times = (value) => number(isFaster ? 1 / value : value);
  const between = interval?.every(isNumber) ? interval.map(times) : [];
  const spread = between.length ? [(isFaster ? between.reverse() : between).join(' to ')] : [];
  return [`${times(ratio)} times ${isFaster ? 'faster' : 'slower'}`, ...spread];
}

const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);

/** Write a number with three digits, and all before the point. */
function number(value) {
  if (!isNumber(value)) return UNKNOWN;
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}

/** Return what a browser says of itself, in words. */
export function claimsOf({ userAgent, hints, cores, memory, isolated, secure, clockStep, connection, adapter }) {
  const told = (value, unit = '') => (value === null || value === undefined || value === '' ? 'not told' : `${value}${unit}`);
  const joined = (one, names) => told(names.map((name) => one?.[name]).filter(Boolean).join(', '));
  return [
    ['Browser', told(userAgent)],
    ['Device', joined(hints, ['model', 'platform', 'platformVersion', 'architecture'])],
    ['Processor cores', told(cores)],
    ['Memory', told(memory, ' GB')],
    ['Steps of its clock', told(clockStep === null ? null : Number(clockStep.toPrecision(2)), ' ms')],
    ['May use threads', isolated ? 'yes' : 'no'],
    ['Address is secure', secure ? 'yes' : 'no'],
    ['Connection', told(connection)],
    ['GPU for WebGPU', adapter ? joined(adapter, ['vendor', 'architecture', 'device', 'description']) : 'none'],
  ];
}
