// Keeps sight of every WebAssembly memory in the page; imported before any runtime.

const Memory = WebAssembly.Memory;
const memories = [];

/** Return the bytes of all memories that are still in use. */
export function wasmBytes() {
  const buffers = new Set(memories.map((memory) => memory.deref()?.buffer));
  buffers.delete(undefined);
  return [...buffers].reduce((bytes, buffer) => bytes + buffer.byteLength, 0);
}

function remember(memory) {
  if (memory instanceof Memory) memories.push(new WeakRef(memory));
  return memory;
}

/** A memory is made by a script, or by a module that exports it. */
WebAssembly.Memory = new Proxy(Memory, {
  construct: (target, descriptors) => remember(new target(...descriptors)),
});

for (const name of ['instantiate', 'instantiateStreaming']) {
  const original = WebAssembly[name];
  WebAssembly[name] = async (...given) => {
    const result = await original(...given);
    Object.values((result.instance ?? result).exports).forEach(remember);
    return result;
  };
}
