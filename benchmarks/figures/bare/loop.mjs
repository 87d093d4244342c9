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
}

export const asked = Object.fromEntries(new URLSearchParams(location.search));

/** The numbers of one image. */
export const numbers = () => Float32Array.from({ length: 3072 }, () => Math.random() * 2 - 1);
