/** A line with a bar: title, amount, share. */
function meter(title, frac, amount, share) {
  return make("div", { class: "row" }, make("span", {}, title),
    make("span", { class: "meter" }, make("span", { style: `width: ${Math.max(0, Math.min(100, 100 * frac))}%` })),
    make("span", { class: "amount" }, amount), make("span", { class: "amount quiet" }, share));
}

function showShares({ estimate, time_titles: titles, critical }) {
  const step = estimate.step_time_s, shares = Object.entries(estimate.time_s).map(([name, s]) => ({ title: titles[name], s }));
  const sorted = shares.filter((share) => share.s > 0).sort((a, b) => b.s - a.s), most = sorted[0].s;
  byId("shares-bar").append(...sorted.map((share, i) => tipped(
    make("span", { style: `width: ${(100 * share.s) / step}%; background: var(--part-${i % 7})` }), `${share.title}: ${seconds(share.s)}, ${percent(share.s / step)}`)));
  byId("shares").append(...sorted.map((share) => meter(share.title, share.s / most, seconds(share.s), percent(share.s / step))));
  const parts = [...critical].sort((a, b) => b.s - a.s).slice(0, 12);
  byId("critical").append(...parts.map((part) => meter(part.title, part.s / parts[0].s, seconds(part.s), percent(part.s / step))));
}

function showSensitivity({ sensitivity, estimate }) {
  const step = estimate.step_time_s, gain = (row) => Math.max(0, 1 - row.s / step);
  const sorted = [...sensitivity].sort((a, b) => gain(b) - gain(a)), most = Math.max(gain(sorted[0]), 1e-9);
  byId("sensitivity-rows").append(make("p", { class: "quiet" },
    "The step of this plan, predicted again with one quality doubled; twice the memory lets another plan of the same degrees in."),
    ...sorted.map((row) => meter(row.plan ? `${row.title}: ${row.plan}` : row.title, gain(row) / most, seconds(row.s),
      gain(row) < 5e-5 ? "no gain" : `−${percent(gain(row))}`)));
}

/** Step time against memory: the front, the alternatives, the plan. */
function showPareto({ pareto, alternatives, estimate, plan }) {
  const svg = byId("pareto"), height = 320, left = 64, bottom = 34, top = 14;
  const { peak, usable, capacity } = estimate.memory_bytes, best = { title: plan, step_s: estimate.step_time_s, peak_bytes: peak };
  const points = [...pareto.map((p) => ({ ...p, kind: "front" })), ...alternatives.map((p) => ({ ...p, kind: "other" })), { ...best, kind: "best" }];
  const steps = points.map((p) => p.step_s), least = Math.min(...steps), most = Math.max(...steps, least * 1.02);
  const highest = Math.max(capacity, ...points.map((p) => p.peak_bytes)) * 1.04;

  function draw() {
    const width = svg.clientWidth || 600, span = (most - least) * 1.1;
    const x = (s) => left + ((s - least + span * 0.03) / span) * (width - left - 20), y = (b) => height - bottom - (b / highest) * (height - bottom - top);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("height", height);
    const limit = (amount, title, ink) => [
      make("line", { x1: left, x2: width - 10, y1: y(amount), y2: y(amount), stroke: `var(--${ink})`, "stroke-dasharray": "4 4" }),
      make("text", { x: width - 12, y: y(amount) - 4, "text-anchor": "end", class: "quiet" }, `${title} ${bytes(amount)}`)];
    const ticks = [0, 0.25, 0.5, 0.75, 1].flatMap((part) => {
      const s = least + part * (most - least);
      return [make("text", { x: x(s), y: height - 12, "text-anchor": "middle", class: "quiet" }, seconds(s))];
    });
    const front = [...pareto, best].filter((p) => !pareto.some((q) => q.step_s < p.step_s && q.peak_bytes < p.peak_bytes)).sort((a, b) => a.step_s - b.step_s);
    const path = front.map((p, i) => `${i ? "L" : "M"}${x(p.step_s).toFixed(1)} ${y(p.peak_bytes).toFixed(1)}`).join("");
    svg.replaceChildren(
      make("line", { x1: left, x2: width - 10, y1: height - bottom, y2: height - bottom, stroke: "var(--line)" }),
      make("text", { x: 0, y: y(0), class: "quiet" }, "0 B"), ...limit(usable, "usable", "warn"),
      ...(capacity / usable > 1.06 ? limit(capacity, "capacity", "quiet") : []),
      ...ticks, make("path", { d: path, fill: "none", stroke: "var(--accent)", "stroke-width": 1.5 }), ...points.map(point(x, y)));
  }

  const point = (x, y) => (p) => {
    const fill = p.kind === "best" ? "var(--warn)" : p.kind === "front" ? "var(--accent)" : "var(--quiet)";
    const circle = make("circle", { cx: x(p.step_s), cy: y(p.peak_bytes), r: p.kind === "best" ? 7 : 5, fill, stroke: "var(--paper)", tabindex: 0,
      onclick: () => pickAlternative(p.title) });
    return tipped(circle, `${p.title}\n${seconds(p.step_s)}, ${bytes(p.peak_bytes)}`);
  };
  drawn(draw);
}
