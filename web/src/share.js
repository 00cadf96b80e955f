// A link holds the text and what was chosen: in its fragment, which browsers send to no
// server, as JSON, compressed (deflate, RFC 1951), in base64 for URLs.
const key = "#config=";

// largest bounds what a link is unpacked to, in bytes: it may be made by anybody.
const largest = 16 << 20;

export async function fragmentOf(state) {
  const stream = new Blob([JSON.stringify(state)]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return key + btoa(binary).replace(/[+/=]/g, (c) => ({ "+": "-", "/": "_", "=": "" })[c]);
}

// stateOf is undefined for a fragment that is not one of ours, and throws for one that is
// damaged.
export async function stateOf(fragment) {
  if (!fragment.startsWith(key)) return undefined;
  const binary = atob(fragment.slice(key.length).replace(/[-_]/g, (c) => ({ "-": "+", "_": "/" })[c]));
  const reader = new Blob([Uint8Array.from(binary, (c) => c.charCodeAt(0))]).stream()
    .pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const chunks = [];
  for (let size = 0; ;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > largest) throw new Error("it is too large");
    chunks.push(value);
  }
  const { text, strict, to, disks } = JSON.parse(await new Blob(chunks).text());
  if (typeof text !== "string") throw new Error("it has no text");
  return { text, strict: strict === true, to: String(to ?? ""), disks: sizes(disks) };
}

function sizes(disks) {
  return Object.fromEntries(Object.entries(disks ?? {}).filter(([, gib]) => typeof gib === "number"));
}
