/** Rectangles of areas in proportion to @values (falling) within a box, as square as rows allow (squarified treemap). */
function squarify(values, box) {
  const out = [], total = values.reduce((sum, value) => sum + value, 0), scale = (box.w * box.h) / total;
  let { x, y, w, h } = box, start = 0;
  const worst = (row, sum, side) => Math.max(...row.map((v) => Math.max((side * side * v) / (sum * sum), (sum * sum) / (side * side * v))));
  while (start < values.length) {
    const side = Math.min(w, h), row = [];
    let sum = 0, end = start;
    for (; end < values.length; end++) {
      const next = values[end] * scale;
      if (row.length && worst([...row, next], sum + next, side) > worst(row, sum, side)) break;
      row.push(next);
      sum += next;
    }
    const thick = sum / side;
    let along = 0;
    for (const area of row) {
      const long = area / thick;
      out.push(w >= h ? { x, y: y + along, w: thick, h: long } : { x: x + along, y, w: long, h: thick });
      along += long;
    }
    if (w >= h) { x += thick; w -= thick; } else { y += thick; h -= thick; }
    start = end;
  }
  return out;
}

function showMemory({ estimate, memory_titles: named }) {
  const { capacity, usable, by_stage: parts } = estimate.memory_bytes, fullest = estimate.fullest_stage, titles = Object.values(named);
  const stages = parts.map((part, k) => ({ ...part, layers: estimate.stages[k].layers, bytes: Object.keys(named).map((name) => part[name]) }));
  const rows = byId("memory-stages"), treemap = byId("treemap");
  let chosen = fullest;
  byId("memory-note").textContent = `Allocated at the fullest moment of each stage, on one of its GPUs. A GPU has ${bytes(capacity)}; `
    + `${bytes(usable)} can be used (red line). Stage ${fullest} is the fullest: of it the allocator reserves ${bytes(stages[fullest].reserved)}, `
    + `and nvidia-smi shows ${bytes(stages[fullest].device)}.`;
  byId("memory-legend").append(...titles.map((title, i) => make("span", { style: `--swatch: var(--part-${i})` }, title)));

  const widest = Math.max(capacity, ...stages.map((stage) => stage.allocated));
  stages.forEach((stage, k) => {
    const stack = make("span", { class: "stack" }, ...stage.bytes.map((amount, i) =>
      make("span", { style: `width: ${(100 * amount) / widest}%; background: var(--part-${i})` })),
      make("span", { class: "limit", style: `left: ${(100 * usable) / widest}%` }));
    const row = make("button", { type: "button", class: "stage", "data-stage": k, onclick: () => { chosen = k; draw(); } },
      make("span", {}, `stage ${k}`), stack, make("span", { class: "amount" }, bytes(stage.allocated)));
    rows.append(tipped(row, `stage ${k}: ${stage.layers} layers\n` + titles.map((title, i) => `${title} ${bytes(stage.bytes[i])}`).join("\n")));
  });

  function draw() {
    const stage = stages[chosen], width = treemap.clientWidth || 500, height = 360, free = Math.max(0, capacity - stage.allocated);
    rows.querySelectorAll(".stage").forEach((row, k) => row.setAttribute("aria-pressed", k === chosen));
    byId("treemap-title").textContent = `Stage ${chosen}: ${bytes(stage.allocated)} of ${bytes(capacity)}`;
    const parts = stage.bytes.map((amount, i) => ({ amount, title: titles[i], fill: `var(--part-${i})` })).filter((part) => part.amount > 0)
      .sort((a, b) => b.amount - a.amount);
    const used = (width * stage.allocated) / (stage.allocated + free);
    treemap.setAttribute("viewBox", `0 0 ${width} ${height}`);
    treemap.setAttribute("height", height);
    const boxes = squarify(parts.map((part) => part.amount), { x: 0, y: 0, w: used, h: height });
    treemap.replaceChildren(make("rect", { x: used, y: 0, width: width - used, height, fill: "var(--idle)" }),
      ...parts.flatMap((part, i) => cell(part, boxes[i])), ...(width - used > 60 ? label("free", free, used + 8, 18) : []));
  }

  const label = (title, amount, x, y) => [make("text", { x, y }, title), make("text", { x, y: y + 15, class: "quiet" }, bytes(amount))];

  function cell(part, box) {
    const rect = make("rect", { x: box.x, y: box.y, width: Math.max(0, box.w - 1), height: Math.max(0, box.h - 1), fill: part.fill, rx: 2 });
    tipped(rect, `${part.title}: ${bytes(part.amount)}`);
    if (box.w < 90 || box.h < 40) return [rect];
    const room = Math.floor(box.w / 7), short = part.title.length > room ? `${part.title.slice(0, room - 1)}…` : part.title;
    return [rect, make("text", { x: box.x + 8, y: box.y + 18, style: "fill: #fff; pointer-events: none" }, short),
      make("text", { x: box.x + 8, y: box.y + 34, style: "fill: #fff; pointer-events: none" }, bytes(part.amount))];
  }
  drawn(draw);
}
