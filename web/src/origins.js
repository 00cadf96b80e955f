// Which values of the translation come from where in the config. An answer has four
// offsets for each: where it begins and ends, and the same of where it comes from.
const each = 4;

// originsAt returns the span that the value at an offset of the output comes from.
export function originsAt({ origins }, at) {
  let found = [];
  for (let i = 0; i < origins.length && origins[i] <= at; i += each) {
    if (at < origins[i + 1]) found = [[origins[i + 2], origins[i + 3]]]; // the innermost is last
  }
  return found;
}

// outputAt returns the spans of the values that come from what is at an offset of the
// config: from the value that begins last before it, or, on a key, from its value.
export function outputAt({ origins }, text, at) {
  let start = -1, next = Infinity;
  for (let i = 2; i < origins.length; i += each) {
    if (origins[i] <= at) start = Math.max(start, origins[i]);
    else next = Math.min(next, origins[i]);
  }
  if (next < Infinity && /^[^,{}[\]\n]*:[ \t]*$/.test(text.slice(at, next))) start = next;
  const found = [];
  for (let i = 0; i < origins.length; i += each) {
    if (origins[i + 2] === start) found.push([origins[i], origins[i + 1]]);
  }
  return innermost(found);
}

// innermost leaves out objects that hold others of the spans, which are in order.
function innermost(spans) {
  return spans.filter(([, to], i) => i + 1 === spans.length || spans[i + 1][0] >= to);
}
