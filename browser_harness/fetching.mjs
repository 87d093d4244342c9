// What page and workers share of fetching.

/** Return the bytes at a URL; throw where they are not there. */
export async function fetchBytes(url, options) {
  const response = await fetch(url, options);
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return response.arrayBuffer();
}
