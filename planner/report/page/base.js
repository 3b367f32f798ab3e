const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

/** An element with attributes and children; "on…" attributes are listeners, text children are text. */
function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "g", "rect", "circle", "line", "path", "text", "title"].includes(tag);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function significant(value) {
  const size = Math.abs(value);
  return value.toFixed(size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

function seconds(s) {
  if (s === 0) return "0 s";
  for (const [least, unit, name] of [[172800, 86400, "days"], [7200, 3600, "h"], [600, 60, "min"], [0.9995, 1, "s"], [0.9995e-3, 1e-3, "ms"]])
    if (Math.abs(s) >= least) return `${significant(s / unit)} ${name}`;
  return `${significant(s / 1e-6)} µs`;
}

function bytes(amount) {
  const names = ["B", "KiB", "MiB", "GiB", "TiB"];
  let scale = 0;
  for (; Math.abs(amount) >= 1023.95 && scale + 1 < names.length; scale++) amount /= 1024;
  return `${amount.toFixed(scale >= 2 ? 1 : 0)} ${names[scale]}`;
}

const percent = (frac, digits = 1) => `${(100 * frac).toFixed(digits)} %`;
const whole = (number) => Math.round(number).toLocaleString("en-US");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const tip = byId("tip");

function showTip(text, x, y) {
  tip.textContent = text;
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - box.width - 6))}px`;
  tip.style.top = `${y + 18 + box.height > innerHeight ? y - box.height - 10 : y + 18}px`;
}

function hideTip() {
  tip.hidden = true;
}

/** Shows @text beside the pointer while it is over @element. */
function tipped(element, text) {
  element.addEventListener("pointermove", (event) => showTip(text, event.clientX, event.clientY));
  element.addEventListener("pointerleave", hideTip);
  return element;
}

/** Fits a canvas to its place at the screen's resolution. Returns: its context, in CSS pixels. */
function fitCanvas(canvas, height) {
  const ratio = devicePixelRatio || 1, width = canvas.clientWidth;
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return context;
}

/**
 * Fills @table with @rows, first sorted by column @by; a click on a column's title sorts by it, a second one the other
 * way. A column: title, value(row) to sort by, text(row), amount. @attributes(row): of the row's element.
 */
function sortable(table, columns, rows, by, attributes = () => ({})) {
  let falling = false;
  function draw() {
    const { value } = columns[by], sorted = [...rows].sort((a, b) => (falling ? -1 : 1) * (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0));
    const head = columns.map((column, i) => make("th", { class: column.amount ? "amount" : "", "aria-sort": i === by ? (falling ? "descending" : "ascending") : "none" },
      make("button", { type: "button", onclick: () => { falling = i === by && !falling; by = i; draw(); } }, column.title)));
    table.replaceChildren(make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...sorted.map((row) =>
      make("tr", attributes(row), ...columns.map((column) => make("td", { class: column.amount ? "amount" : "" }, column.text(row)))))));
  }
  draw();
}

const redraws = [];

/** Draws now, and again when the page's width or colours change. */
function drawn(draw) {
  redraws.push(draw);
  draw();
}

let lastWidth = innerWidth;
addEventListener("resize", () => {
  if (innerWidth !== lastWidth) redraws.forEach((draw) => draw());
  lastWidth = innerWidth;
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraws.forEach((draw) => draw()));
