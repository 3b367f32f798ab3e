const signed = (frac) => `${frac < 0 ? "−" : "+"}${percent(Math.abs(frac))}`;

/** Hues apart by the golden angle, so that neighbours differ; legible on light and dark. */
const inkOf = (index) => `hsl(${(index * 137.5) % 360} 60% ${index % 2 ? 42 : 56}%)`;

const quantities = {
  time: { text: seconds, unit: 1, of: (run) => run.measured_s && { measured: run.measured_s, predicted: run.predicted_s, low: run.low_s, high: run.high_s } },
  memory: { text: bytes, unit: 2 ** 30, of: (run) => run.measured_bytes && { measured: run.measured_bytes, predicted: run.predicted_bytes } },
};

/** Runs as objects, with names for what the data numbers. */
function readRuns({ columns, runs, sources, devices, runtimes }) {
  return runs.map((values) => {
    const run = Object.fromEntries(columns.map((name, i) => [name, values[i]]));
    return { ...run, ink: inkOf(run.source), source: sources[run.source].name, device: devices[run.device], runtime: runtimes[run.runtime] };
  });
}

function showWorst(points, text) {
  const most = 25, worst = [...points].sort((a, b) => Math.abs(Math.log(b.predicted / b.measured)) - Math.abs(Math.log(a.predicted / a.measured))).slice(0, most);
  const amount = (title, value, shown) => ({ title, value, text: (row) => shown(value(row)), amount: true });
  const word = (title, value) => ({ title, value, text: value });
  sortable(byId("worst-table"), [amount("error", (row) => row.error, signed), amount("measured", (row) => row.measured, text), amount("predicted", (row) => row.predicted, text),
    word("run", (row) => row.id), word("source", (row) => row.source), word("device", (row) => row.device), word("stack", (row) => row.runtime), word("plan", (row) => row.plan)], worst, 0);
}

function showSources({ sources, predicted_unseen: unseen }) {
  const fraction = (title, value) => ({ title, value: (row) => value(row) ?? -1, text: (row) => (value(row) == null ? "" : percent(value(row))), amount: true });
  const count = (title, value) => ({ title, value, text: (row) => whole(value(row)), amount: true });
  byId("sources-note").textContent = "Fitted: the profiles were fitted to these runs too. Left out: errors after a fit without the source"
    + `${unseen ? "" : " (not given; see --unseen)"}. In interval: of 10 measured steps about 8 should be.`;
  const right = (row) => (row.fits_known ? row.fits_right / row.fits_known : null);
  sortable(byId("sources-table"), [{ title: "source", value: (row) => row.name, text: (row) => row.name }, count("runs", (row) => row.rows), count("predicted", (row) => row.predicted),
    fraction("step, fitted", (row) => row.mape), fraction("median", (row) => row.median), fraction("left out", (row) => row.unseen_mape), fraction("in interval", (row) => row.coverage),
    fraction("memory", (row) => row.memory_mape), fraction("fits or not, right", right)], sources, 0);
}

function showAccuracy() {
  const runs = readRuns(data), quantity = byId("quantity"), source = byId("source"), effect = byId("effect");
  const plot = scatterPlot(byId("scatter-canvas"));
  source.append(make("option", { value: "" }, "all sources"), ...data.sources.map(({ name }) => make("option", { value: name }, name)));
  effect.append(...effects.map(({ title }, i) => make("option", { value: i }, title)));
  byId("scatter-legend").append(...data.sources.map(({ name }, i) => make("span", { style: `--swatch: ${inkOf(i)}` }, name)));

  function points() {
    const { text, of } = quantities[quantity.value];
    return runs.filter((run) => (!source.value || run.source === source.value) && of(run)).map((run) => {
      const amounts = of(run), error = amounts.predicted / amounts.measured - 1;
      return { ...run, ...amounts, error, title: `${run.id}\n${run.plan}\nmeasured ${text(amounts.measured)}, predicted ${text(amounts.predicted)} (${signed(error)})` };
    });
  }

  function show() {
    const { text } = quantities[quantity.value], chosen = points(), sizes = chosen.map((point) => Math.abs(point.error)).sort((a, b) => a - b);
    const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
    byId("chosen").textContent = sizes.length ? `${whole(sizes.length)} runs: ${percent(mean)} off on average, median ${percent(quantile(sizes, 0.5))}` : "no such runs";
    byId("scatter-note").textContent = `One point a run, measured to the right, predicted up; dashed: 10 % off${quantity.value === "time" ? "; thin lines: the intervals of the predictions" : ""}.`;
    plot(chosen, quantities[quantity.value]);
    byId("effect-rows").replaceChildren(...effectRows(chosen, effects[effect.value], quantities[quantity.value]));
    showWorst(chosen, text);
  }
  for (const select of [quantity, source, effect]) select.addEventListener("change", show);
  show();
}

showAccuracy();
showSources(data);
byId("footer").textContent = `mpplan ${data.version}`;
