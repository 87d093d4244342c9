// The screen is kept on while the device is measured, where the browser lets a page ask for it: over HTTPS and on loopback.

let lock;
let isWanted = false;

/** Keep the screen on from now on, again whenever this page comes back; tell whether that is so. */
export async function keepAwake(tell) {
  isWanted = true;
  document.addEventListener('visibilitychange', () => ask(tell));
  await ask(tell);
}

export function letSleep() {
  isWanted = false;
  lock?.release();
}

async function ask(tell) {
  if (!isWanted || document.hidden) return; // a hidden page may not
  try {
    lock = await navigator.wakeLock.request('screen');
    tell(true);
  } catch {
    tell(false);
  }
}
