/**
 * Turn the pixels of images, bytes in planes (image, channel, row, column), into a model's float32 input in the same
 * order: scaled to 0…1, then by `mean` and `std` per channel. Every step is rounded to float32, as NumPy does.
 */
export function normalise(pixels, [channels, height, width], mean, std) {
  const tables = mean.map((_, channel) => table(mean[channel], std[channel]));
  const values = new Float32Array(pixels.length);
  const plane = height * width;
  for (let start = 0; start < pixels.length; start += plane) {
    const byByte = tables[(start / plane) % channels];
    for (let index = start; index < start + plane; index++) values[index] = byByte[pixels[index]];
  }
  return values;
}

/** Return the value of each of the 256 bytes. */
function table(mean, std) {
  const [mean32, std32] = [Math.fround(mean), Math.fround(std)];
  return Float32Array.from({ length: 256 }, (_, byte) => Math.fround(Math.fround(byte / 255) - mean32) / std32);
}
