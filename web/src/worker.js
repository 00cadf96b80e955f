// The worker: Go's own support for WebAssembly, and one question after the other.
import "wasm_exec";

const go = new Go();
let started;

async function start(program) {
  const stream = new Blob([program]).stream().pipeThrough(new DecompressionStream("gzip"));
  const { instance } = await WebAssembly.instantiate(await new Response(stream).arrayBuffer(), go.importObject);
  go.run(instance);
}

self.onmessage = async ({ data }) => {
  if (data.program) {
    started = start(data.program);
    return;
  }
  try {
    await started;
    const ask = data.kind === "check" ? self.firstlightCheck : self.firstlightDetails;
    self.postMessage({ kind: data.kind, answer: ask(new TextEncoder().encode(data.text), data.options) });
  } catch (error) {
    self.postMessage({ failure: String(error) });
  }
};
