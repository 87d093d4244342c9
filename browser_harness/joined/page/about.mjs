// What a browser says of itself and of its device. None of it can be trusted: it is stored as a claim.

export async function aboutThis() {
  const { userAgent, hardwareConcurrency, deviceMemory, userAgentData: hints } = navigator;
  return {
    userAgent,
    brands: hints?.brands ?? null,
    hints: (await hints?.getHighEntropyValues?.(['model', 'platform', 'platformVersion', 'architecture'])) ?? null,
    cores: hardwareConcurrency ?? null,
    memory: deviceMemory ?? null,
    isolated: self.crossOriginIsolated,
    secure: self.isSecureContext,
    clockStep: clockStep(),
    connection: navigator.connection?.effectiveType ?? null,
  };
}

/** Return the smallest step of performance.now() seen in 20 of them, in milliseconds. */
function clockStep() {
  let smallest = Infinity;
  for (let steps = 0; steps < 20; steps++) {
    const start = performance.now();
    let now = start;
    while (now === start) now = performance.now();
    smallest = Math.min(smallest, now - start);
  }
  return smallest;
}
