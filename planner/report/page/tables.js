/** The plan and the others. */
function showAlternatives({ alternatives, pareto, estimate, tied_frac: tiedFrac, plan }) {
  const table = byId("alternatives-table"), step = estimate.step_time_s;
  const known = new Set([plan, ...alternatives.map((row) => row.title)]);
  const front = pareto.filter((row) => !known.has(row.title));
  const tied = (row) => !row.best && Math.abs(row.step_s / step - 1) < tiedFrac;
  const rows = [{ title: plan, step_s: step, peak_bytes: estimate.memory_bytes.peak, mfu: estimate.mfu, reason: "this plan", best: true }, ...alternatives, ...front];
  const columns = [
    { title: "plan", value: (row) => row.title, text: (row) => row.title },
    { title: "step", value: (row) => row.step_s, text: (row) => seconds(row.step_s), amount: true },
    { title: "against this", value: (row) => row.step_s / step - 1, text: (row) => (row.best ? "" : `${row.step_s < step ? "−" : "+"}${percent(Math.abs(row.step_s / step - 1))}${tied(row) ? " ≈" : ""}`), amount: true },
    { title: "peak memory", value: (row) => row.peak_bytes, text: (row) => bytes(row.peak_bytes), amount: true },
    { title: "MFU", value: (row) => row.mfu, text: (row) => percent(row.mfu), amount: true },
    { title: "what it loses", value: (row) => row.reason || "", text: (row) => row.reason || "" },
  ];
  sortable(table, columns, rows, 1, (row) => ({ class: row.best ? "best" : "", "data-plan": row.title }));
  if (rows.some(tied))
    byId("tied").append(`≈ cannot be told apart from this plan: of pairs predicted ${percent(tiedFrac)} apart one in five ran the other way round.`);
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
