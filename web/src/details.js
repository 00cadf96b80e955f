// The sizes of a config, and its disks.
import { element, table } from "./dom.js";

const none = () => element("p", { className: "muted" }, "There is none for this text.");
const bytes = (n) => n.toLocaleString("en");

export function showSizes(parent, { sizes }) {
  if (sizes === null) return parent.replaceChildren(none());
  const fit = (fits) => element("td", { className: fits ? "fits" : "large" }, fits ? "fits" : "too large");
  parent.replaceChildren(
    element("h2", {}, "Bytes"),
    table("Bytes", ["this text", "as JSON", "packed"], [[bytes(sizes.text), bytes(sizes.json), bytes(sizes.packed)]]),
    element("p", { className: "muted" }, "As JSON without white space; packed by firstlightctl pack, which Firstlight unpacks on every platform."),
    element("h2", {}, "Platforms with a limit"),
    table("Platforms with a limit", ["platform", "limit", "as JSON", "packed"],
      sizes.platforms.map((p) => [p.id, bytes(p.limit) + (p.encoded ? " in base64" : ""), fit(p.fitsJSON), fit(p.fitsPacked)]), [1]));
}

// showDisks calls resize with a device and a size in GiB.
export function showDisks(parent, { sizes, disks, conflicts, notJudged }, resize) {
  if (sizes === null) return parent.replaceChildren(none());
  const parts = [element("p", { className: "muted" }, "What a first boot makes of empty disks.")];
  for (const c of conflicts) {
    parts.push(element("p", { className: "conflict" }, (c.line > 0 ? `line ${c.line}: ` : "") + c.text + (c.hint === "" ? "" : `; ${c.hint}`)));
  }
  for (const disk of disks) parts.push(...picture(disk, resize));
  if (disks.length === 0) parts.push(element("p", {}, "The config has no disks."));
  if (notJudged.length > 0) {
    parts.push(element("p", { className: "muted" }, "Not judged, as they are not on empty disks: " + notJudged.join(", ")));
  }
  // What is typed into stays, and keeps the focus.
  const focused = parent.contains(document.activeElement) ? document.activeElement.dataset.device : undefined;
  const value = document.activeElement?.value;
  parent.replaceChildren(...parts);
  if (focused !== undefined) {
    const input = [...parent.querySelectorAll("input")].find((i) => i.dataset.device === focused);
    if (input) {
      input.value = value;
      input.focus();
    }
  }
}

function picture(disk, resize) {
  const input = element("input", { type: "number", min: "0.1", step: "any", value: String(Number(disk.gib.toFixed(3))) });
  input.dataset.device = disk.device;
  input.oninput = () => resize(disk.device, input.valueAsNumber);
  const parts = [element("h2", {}, disk.device, element("label", {}, input, " GiB"))];
  if (disk.holds !== "") return [...parts, element("p", {}, "holds " + disk.holds)];
  if (disk.parts.length === 0) return parts;
  const bar = element("div", { className: "disk", ariaHidden: "true" });
  for (const p of disk.parts) {
    const part = element("span", { className: p.number === 0 ? "free" : "", title: `${p.label} ${p.size}` }, p.number === 0 ? "" : `${p.number} ${p.label}`);
    part.style.flexGrow = String(p.bytes / 2 ** 20);
    bar.append(part);
  }
  const rows = disk.parts.map((p) => [p.number === 0 ? "" : String(p.number), p.number === 0 ? "free" : p.label, p.start, p.size, p.holds]);
  return [...parts, bar, table("Partitions of " + disk.device, ["number", "label", "start", "size", "holds"], rows, [0, 2, 3])];
}
