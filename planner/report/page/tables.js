/** The plan and the others; a click on a column's title sorts by it, a second one the other way. */
function showAlternatives({ alternatives, pareto, numbers, plan }) {
  const table = byId("alternatives-table"), step = numbers.step_s;
  const known = new Set([plan, ...alternatives.map((row) => row.title)]);
  const front = pareto.filter((row) => !known.has(row.title));
  const rows = [{ title: plan, step_s: step, peak_bytes: numbers.peak_bytes, mfu: numbers.mfu, reason: "this plan", best: true }, ...alternatives, ...front];
  const columns = [
    { title: "plan", value: (row) => row.title, text: (row) => row.title },
    { title: "step", value: (row) => row.step_s, text: (row) => seconds(row.step_s), amount: true },
    { title: "against this", value: (row) => row.step_s / step - 1, text: (row) => (row.best ? "" : `${row.step_s < step ? "−" : "+"}${percent(Math.abs(row.step_s / step - 1))}`), amount: true },
    { title: "peak memory", value: (row) => row.peak_bytes, text: (row) => bytes(row.peak_bytes), amount: true },
    { title: "MFU", value: (row) => row.mfu, text: (row) => percent(row.mfu), amount: true },
    { title: "loses because", value: (row) => row.reason || "", text: (row) => row.reason || "" },
  ];
  let by = 1, falling = false;

  function draw() {
    const { value } = columns[by], sorted = [...rows].sort((a, b) => (falling ? -1 : 1) * (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0));
    const head = columns.map((column, i) => make("th", { class: column.amount ? "amount" : "", "aria-sort": i === by ? (falling ? "descending" : "ascending") : "none" },
      make("button", { type: "button", onclick: () => { falling = i === by && !falling; by = i; draw(); } }, column.title)));
    table.replaceChildren(make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...sorted.map((row) =>
      make("tr", { class: row.best ? "best" : "", "data-plan": row.title }, ...columns.map((column) => make("td", { class: column.amount ? "amount" : "" }, column.text(row)))))));
  }
  draw();
}

function pickAlternative(title) {
  for (const row of byId("alternatives-table").querySelectorAll("tbody tr")) row.classList.toggle("picked", row.dataset.plan === title);
}

function showInputs({ inputs, assumed }) {
  if (assumed.length)
    byId("assumed").append(make("p", {}, `Assumed, since nobody said it: ${assumed.join("; ")}.`));
  byId("inputs-list").append(...inputs.map((section) => make("details", {}, make("summary", {}, section.title),
    ...(section.source ? [make("p", { class: "quiet" }, `Source: ${section.source}`)] : []),
    make("div", { class: "scroll" }, make("table", {}, make("tbody", {}, ...section.rows.map(([name, value, source]) =>
      make("tr", {}, make("td", {}, name), make("td", {}, value), make("td", { class: "quiet" }, source || "")))))))));
}
