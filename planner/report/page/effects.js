/** What errors may go with: shares in bins of a tenth, sizes in powers of two, the rest by value. */
const effects = [
  ...["compute", "communication", "host", "bubble"].map((name) => ({ title: `share of ${name}`, key: (run) => Math.min(9, Math.floor(10 * run[name])), text: (bin) => `${10 * bin} – ${10 * bin + 10} %` })),
  ...["device", "runtime"].map((name) => ({ title: name, key: (run) => run[name], text: (value) => value })),
  ...["tp", "pp", "dp", "cp", "ep"].map((name) => ({ title: name, key: (run) => run[name], text: (value) => `${name} ${value}` })),
  { title: "number of GPUs", key: (run) => Math.floor(Math.log2(run.gpus)), text: (power) => `${2 ** power} – ${2 ** (power + 1) - 1}` },
  { title: "size", key: (run, { unit }) => Math.floor(Math.log10(run.predicted / unit)), text: (power, { unit, text }) => `${text(unit * 10 ** power)} – ${text(unit * 10 ** (power + 1))}` },
];

function quantile(sorted, frac) {
  const at = frac * (sorted.length - 1), low = Math.floor(at);
  return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
}

/** A row for each bin: where 8 of 10 errors lie, the median, how many. */
function effectRows(runs, effect, quantity) {
  const bins = new Map(), most = 0.6;
  for (const run of runs) {
    const key = effect.key(run, quantity);
    bins.set(key, [...(bins.get(key) || []), run.error]);
  }
  const place = (error) => 50 + (50 * Math.max(-most, Math.min(most, error))) / most;
  const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  return [...bins.keys()].sort(order).map((key) => {
    const sorted = bins.get(key).sort((a, b) => a - b), [p10, p50, p90] = [0.1, 0.5, 0.9].map((frac) => quantile(sorted, frac));
    return make("div", { class: "effect" }, make("span", {}, effect.text(key, quantity)), make("span", { class: "range" },
      make("span", { class: "zero" }), make("span", { class: "span", style: `left: ${place(p10)}%; width: ${Math.max(0.4, place(p90) - place(p10))}%` }),
      make("span", { class: "median", style: `left: ${place(p50)}%` })),
      make("span", { class: "amount" }, signed(p50)), make("span", { class: "amount quiet" }, `${signed(p10)} … ${signed(p90)}`),
      make("span", { class: "amount quiet" }, `${whole(sorted.length)} runs`));
  });
}
