/** Call `infer` so many times, one after the other, and return the seconds each took until it was answered. */
export function ready(infer) {
  globalThis.loop = async (rounds) => {
    const times = [];
    for (let i = 0; i < rounds; i++) {
      const start = performance.now();
      await infer();
      times.push((performance.now() - start) / 1000);
    }
    return times;
  };
  document.title = 'ready';
  if (asked.linked) answer();
}

/** Where nobody drives the page: post samples, and be answered how many are wanted next. */
async function answer() {
  for (let body = ''; ;) {
    const rounds = await (await fetch('/', { method: 'POST', body })).json();
    body = JSON.stringify(await globalThis.loop(rounds));
  }
}

export const asked = Object.fromEntries(new URLSearchParams(location.search));

/** The numbers of one image. */
export const numbers = () => Float32Array.from({ length: 3072 }, () => Math.random() * 2 - 1);
