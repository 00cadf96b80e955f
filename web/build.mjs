// build.mjs OUT WASM WASM_EXEC puts the page together: one file that holds its style, its
// script, the worker's script and the WebAssembly, so that it needs no other.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const [out, wasm, wasmExec] = process.argv.slice(2);
const here = new URL(".", import.meta.url).pathname;

async function bundle(entry, options) {
  const { outputFiles } = await build({
    entryPoints: [here + entry], bundle: true, minify: true, write: false, format: "iife",
    target: "es2022", charset: "ascii", legalComments: "none", ...options,
  });
  return outputFiles[0].text;
}

const worker = await bundle("src/worker.js", { alias: { wasm_exec: wasmExec } });
const script = await bundle("src/main.js", { define: { WORKER: JSON.stringify(worker) } });
const hash = "'sha256-" + createHash("sha256").update(script).digest("base64") + "'";
const parts = {
  SCRIPT_HASH: hash,
  STYLE: readFileSync(here + "style.css", "utf8"),
  WASM: gzipSync(readFileSync(wasm), { level: 9 }).toString("base64"),
  SCRIPT: script,
};
let page = readFileSync(here + "index.html", "utf8");
page = page.replace(/SCRIPT_HASH|STYLE|WASM|SCRIPT/g, (name) => parts[name]);
mkdirSync(out, { recursive: true });
writeFileSync(out + "/index.html", page);
