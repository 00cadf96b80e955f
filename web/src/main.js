import { Checker } from "./checker.js";
import { showDisks, showSizes } from "./details.js";
import { element } from "./dom.js";
import { sourcePane, outputPane } from "./editor.js";
import { originsAt, outputAt } from "./origins.js";
import { fragmentOf, stateOf } from "./share.js";
import { tabs } from "./tabs.js";

const example = `variant: fcos
version: 1.6.0
passwd:
  users:
    - name: core
      groups: [wheel]
storage:
  disks:
    - device: /dev/vdb
      partitions:
        - label: data
          size_mib: 8192
  filesystems:
    - device: /dev/disk/by-partlabel/data
      path: /var/lib/data
      format: ext4
      with_mount_unit: true
  files:
    - path: /etc/motd
      mode: 0644
      contents:
        inline: |
          Provisioned by Firstlight.
`;

const $ = (id) => document.getElementById(id);
const nothing = { problems: [], origins: [] };
let answer = nothing;
let to = ""; // the version of the spec
let disks = {}; // sizes in GiB
let panel = "output";
let timer, dirty = false;

const source = sourcePane($("source"), changed, (at) => output.mark(at === null ? [] : outputAt(answer, source.text(), at)));
const output = outputPane($("output"), (at) => source.mark(at === null ? [] : originsAt(answer, at)));
const checker = new Checker(program(), { check: show, details: showDetails }, fail);
const options = () => ({ strict: $("strict").checked, to, disks });

function program() {
  const text = atob($("wasm").textContent);
  $("wasm").remove();
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

// changed has the text checked soon: not for each of the keys that come together.
function changed() {
  dirty = true;
  document.body.dataset.state = "checking";
  clearTimeout(timer);
  timer = setTimeout(check, 10);
}

function check() {
  dirty = false;
  document.body.dataset.state = "checking";
  checker.check(source.text(), options());
}

function details() {
  document.body.dataset.state = "checking";
  checker.details(source.text(), options());
}

function show(next) {
  if (dirty) return; // its places are of an older text
  answer = next;
  if ($("to").length === 1) $("to").append(...answer.versions.map((v) => element("option", { value: v }, v)));
  $("to").value = to;
  $("language").textContent = answer.language;
  source.setLanguage(answer.language.startsWith("Ignition") ? "json" : "yaml");
  source.setProblems(answer.problems);
  output.setLanguage(answer.output.startsWith("{") ? "json" : "yaml");
  output.replace(answer.output);
  summarize();
  list();
  if (panel !== "output") details();
  else document.body.dataset.state = "checked";
}

function showDetails(next) {
  if (dirty) return;
  showSizes($("sizes"), next);
  showDisks($("disks"), next, (device, gib) => {
    disks[device] = gib;
    if (gib > 0) details();
  });
  document.body.dataset.state = "checked";
}

function fail(reason) {
  answer = nothing;
  output.replace("");
  source.setProblems([]);
  $("problems").replaceChildren();
  summary("refused", "This text cannot be checked here: " + reason);
  document.body.dataset.state = "checked";
}

function summary(kind, text) {
  $("summary").className = kind;
  if ($("summary").textContent !== text) $("summary").textContent = text;
}

function summarize() {
  const parts = ["error", "warning", "note"].map((severity) => {
    const n = answer.problems.filter((p) => p.severity === severity).length;
    return n === 0 ? "" : `${n} ${severity}${n === 1 ? "" : "s"}`;
  }).filter((part) => part !== "");
  const failed = answer.problems.some((p) => p.severity === "error");
  let text = parts.join(", ") || "No problems";
  if (answer.refused && !failed) text += ", refused as strict";
  summary(answer.refused ? "refused" : parts.length > 0 ? "warned" : "good", text);
}

function list() {
  const most = 200;
  const items = answer.problems.slice(0, most).map(problem);
  const more = answer.problems.length - most;
  if (more > 0) items.push(element("li", {}, element("p", {}, `and ${more} more`)));
  $("problems").replaceChildren(...items);
}

function problem(p) {
  const parts = [element("strong", {}, p.severity), `: ${p.message}`];
  if (p.path !== "") parts.push(" ", element("code", {}, `(${p.path})`));
  parts.push(" ", element("code", { title: p.title }, `[${p.rule}]`));
  const line = p.line > 0 ?
    element("button", { onclick: () => source.goTo(p.from, p.to) }, `${p.line}:${p.column}: `, ...parts) :
    element("p", {}, ...parts);
  return element("li", { className: p.severity }, line);
}

async function share() {
  const fragment = await fragmentOf({ text: source.text(), ...options() });
  history.replaceState(null, "", fragment);
  try {
    await navigator.clipboard.writeText(location.href);
    $("shared").textContent = "copied; whoever has the link has the config, with its secrets";
  } catch {
    $("shared").textContent = "the link is in the address bar; it holds the config, with its secrets";
  }
}

// restore takes what a link holds.
async function restore() {
  let state = { text: example, strict: false, to: "", disks: {} };
  try {
    state = await stateOf(location.hash) ?? state;
  } catch (error) {
    $("shared").textContent = "The link is damaged: " + error.message;
  }
  $("strict").checked = state.strict;
  ({ to, disks } = state);
  source.replace(state.text);
  check();
}

function open(file) {
  file.text().then((text) => source.replace(text));
}

$("strict").onchange = check;
$("to").onchange = () => {
  to = $("to").value;
  check();
};
$("share").onclick = share;
tabs(document.querySelector("[role=tablist]"), (id) => {
  panel = id;
  if (id !== "output") details();
});
addEventListener("hashchange", restore);
// A file that is dropped anywhere becomes the text.
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  const [file] = event.dataTransfer.files;
  if (!file) return;
  event.preventDefault();
  event.stopPropagation();
  open(file);
}, true);
restore();
