/** Ranks as cells of nodes: coordinates follow from degrees and strides. */
function showLayout({ gpus, per_node: perNode, axes, ep, etp, tiers }) {
  const canvas = byId("layout-canvas"), select = byId("layout-axis"), input = byId("layout-rank"), pick = byId("layout-pick");
  const groups = [...axes.filter((axis) => axis.degree > 1)];
  if (ep > 1) groups.push({ name: "ep", degree: ep, stride: etp });
  const coordinate = (rank, axis) => Math.floor(rank / axis.stride) % axis.degree;
  const inks = { tp: "warn", cp: "message", dp: "accent", pp: "backward", ep: "gradients" };
  let chosen = null, cells = null;

  const spread = groups.map((axis) => `${axis.name} ${axis.degree}${tiers[axis.name] ? ` over ${tiers[axis.name]}` : ""}`).join(", ");
  byId("layout-note").textContent = `${whole(gpus)} GPUs on ${whole(Math.ceil(gpus / perNode))} nodes${spread ? `: ${spread}` : ""}. `
    + "Click a GPU to see the ranks it works with.";
  select.append(...groups.map((axis) => make("option", { value: axis.name }, axis.name)));
  select.value = groups.some((axis) => axis.name === "pp") ? "pp" : groups.length ? groups[0].name : "";
  input.max = gpus - 1;

  /** Ranks that share all coordinates with @rank but that of @axis. */
  function peers(rank, axis) {
    const first = rank - coordinate(rank, axis) * axis.stride;
    return Array.from({ length: axis.degree }, (_, i) => first + i * axis.stride);
  }

  function geometry() {
    const size = gpus <= 64 ? 34 : gpus <= 512 ? 20 : gpus <= 4096 ? 11 : 6, gap = size > 12 ? 10 : 5;
    const across = Math.min(perNode, perNode > 4 ? Math.ceil(perNode / 2) : perNode), down = Math.ceil(perNode / across);
    const nodeWidth = across * size + gap, nodeHeight = down * size + gap + (size > 16 ? 14 : 0);
    const perRow = Math.max(1, Math.floor(canvas.clientWidth / nodeWidth)), rows = Math.ceil(gpus / perNode / perRow);
    return { size, gap, across, nodeWidth, nodeHeight, perRow, height: rows * nodeHeight + 2, labels: size > 16 };
  }

  function place(rank) {
    const node = Math.floor(rank / perNode), local = rank % perNode, g = cells;
    return [(node % g.perRow) * g.nodeWidth + (local % g.across) * g.size,
            Math.floor(node / g.perRow) * g.nodeHeight + (g.labels ? 14 : 0) + Math.floor(local / g.across) * g.size];
  }

  function draw() {
    cells = geometry();
    const context = fitCanvas(canvas, cells.height), axis = groups.find((one) => one.name === select.value);
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let rank = 0; rank < gpus; rank++) {
      const [x, y] = place(rank), hue = axis ? (210 + (360 * coordinate(rank, axis)) / axis.degree) % 360 : 210;
      context.fillStyle = `hsl(${hue} ${dark ? "38% 34%" : "62% 82%"})`;
      context.fillRect(x + 0.5, y + 0.5, cells.size - 1, cells.size - 1);
      if (cells.labels) {
        context.fillStyle = colour("text");
        context.font = `${cells.size > 24 ? 12 : 9}px system-ui, sans-serif`;
        context.fillText(rank, x + cells.size / 2, y + cells.size / 2);
        if (rank % perNode === 0) {
          context.textAlign = "left";
          context.fillStyle = colour("quiet");
          context.font = "10px system-ui, sans-serif";
          context.fillText(`node ${rank / perNode}`, x, y - 7);
          context.textAlign = "center";
        }
      }
    }
    if (chosen === null) return;
    for (const group of groups)
      for (const rank of peers(chosen, group)) outline(context, rank, colour(inks[group.name]), 2);
    outline(context, chosen, colour("text"), 3);
  }

  function outline(context, rank, ink, width) {
    const [x, y] = place(rank);
    context.strokeStyle = ink;
    context.lineWidth = cells.size > 8 ? width : 1;
    context.strokeRect(x + 1, y + 1, cells.size - 2, cells.size - 2);
  }

  const describe = (rank) => `rank ${rank}, node ${Math.floor(rank / perNode)}, GPU ${rank % perNode}`
    + groups.map((axis) => `, ${axis.name} ${coordinate(rank, axis)}`).join("");

  function choose(rank) {
    chosen = rank;
    input.value = rank;
    pick.replaceChildren(`${describe(rank)}. Works with `, ...groups.flatMap((axis, i) => {
      const list = peers(rank, axis), shown = list.slice(0, 16).join(", ") + (list.length > 16 ? ", …" : "");
      return [i ? "; " : "", make("span", { style: `color: var(--${inks[axis.name]})` }, axis.name), ` ${shown}`];
    }), groups.length ? "." : "no other.");
    draw();
  }

  function at(event) {
    const box = canvas.getBoundingClientRect(), x = event.clientX - box.x, y = event.clientY - box.y - (cells.labels ? 14 : 0);
    const column = Math.floor(x / cells.nodeWidth), row = Math.floor(y / cells.nodeHeight);
    const i = Math.floor((x - column * cells.nodeWidth) / cells.size), j = Math.floor((y - row * cells.nodeHeight) / cells.size);
    const local = j * cells.across + i, rank = (row * cells.perRow + column) * perNode + local;
    return i < cells.across && column < cells.perRow && j >= 0 && local < perNode && rank >= 0 && rank < gpus ? rank : null;
  }

  canvas.addEventListener("pointermove", (event) => {
    const rank = at(event);
    rank === null ? hideTip() : showTip(describe(rank), event.clientX, event.clientY);
  });
  canvas.addEventListener("pointerleave", hideTip);
  canvas.addEventListener("click", (event) => at(event) !== null && choose(at(event)));
  select.addEventListener("change", draw);
  input.addEventListener("change", () => choose(Math.max(0, Math.min(gpus - 1, Math.round(+input.value) || 0))));
  drawn(draw);
}
