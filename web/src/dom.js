// element makes an element. Its children are texts or elements: no text is read as HTML.
export function element(name, properties, ...children) {
  const e = Object.assign(document.createElement(name), properties);
  e.append(...children);
  return e;
}

// table makes a table of a header and rows; numbers names the columns that are aligned right.
export function table(caption, header, rows, numbers = []) {
  const cells = (name, row) => element("tr", {}, ...row.map((cell, i) =>
    cell instanceof Node && cell.tagName === "TD" ? cell : element(name, { className: numbers.includes(i) ? "number" : "" }, cell)));
  return element("table", { ariaLabel: caption },
    element("thead", {}, cells("th", header)), element("tbody", {}, ...rows.map((row) => cells("td", row))));
}
