/** Passes and transfers of each stage; zoomed by wheel, pinch, buttons and keys. */
function showTimeline({ kinds, step_s: step, bubble_frac: bubble, stages, lanes }) {
  const canvas = byId("timeline-canvas"), pick = byId("timeline-pick"), range = byId("timeline-range");
  const inks = ["forward", "backward", "backward-input", "backward-weight", "message", "gradients", "tied", "update", "gather"];
  const streams = ["compute", "send", "data"], heights = { compute: 22, send: 5, data: 5 }, laneHeight = 40, left = 64, axis = 22, least = 2e-6;
  const tracks = lanes.map((lane) => Object.fromEntries(streams.map((name) => [name, unpack(lane[name])])));
  let from = 0, to = step, marked = null, dragged = null;
  const pointers = new Map();

  byId("timeline-note").textContent = `Simulated; replicas are alike and one is shown${lanes.length < stages ? `, ${lanes.length} of its ${stages} stages` : ""}. `
    + `The busiest stage is idle for ${percent(bubble)} of the time until the last pass ends.`;
  const used = new Set(tracks.flatMap((track) => streams.flatMap((name) => track[name].map((span) => span.kind))));
  byId("timeline-legend").append(...kinds.map((kind, i) => [kind, i]).filter(([, i]) => used.has(i))
    .map(([kind, i]) => make("span", { style: `--swatch: var(--${inks[i]})` }, kind)));

  /** Five numbers a span: start since the one before, length (both in µs), kind, chunk, micro-batch. */
  function unpack(flat) {
    const spans = [];
    for (let i = 0, start = 0; i < flat.length; i += 5) {
      start += flat[i];
      spans.push({ start: start * 1e-6, end: (start + flat[i + 1]) * 1e-6, kind: flat[i + 2], chunk: flat[i + 3], batch: flat[i + 4] });
    }
    return spans;
  }

  const width = () => canvas.clientWidth - left;
  const xOf = (s) => left + ((s - from) / (to - from)) * width();
  const sOf = (x) => from + ((x - left) / width()) * (to - from);

  function draw() {
    const context = fitCanvas(canvas, lanes.length * laneHeight + axis), quiet = colour("quiet");
    const fills = inks.map((name) => colour(name));
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    lanes.forEach((lane, i) => {
      const y = i * laneHeight;
      context.fillStyle = quiet;
      context.fillText(`stage ${lane.stage}`, 0, y + 13);
      context.fillStyle = colour("idle");
      context.fillRect(left, y + 2, width(), heights.compute);
      let top = y + 2;
      for (const name of streams) {
        tracks[i][name].forEach((span) => drawSpan(context, span, top, heights[name], fills, name === "compute"));
        top += heights[name] + 1;
      }
    });
    drawAxis(context, quiet);
    range.textContent = `${seconds(from)} to ${seconds(to)}`;
    canvas.dataset.from = from;
    canvas.dataset.to = to;
  }

  function drawSpan(context, span, y, height, fills, labelled) {
    if (span.end < from || span.start > to) return;
    const x = Math.max(left, xOf(span.start)), w = Math.min(left + width(), xOf(span.end)) - x;
    context.fillStyle = fills[span.kind];
    context.fillRect(x, y, Math.max(w > 3 ? w - 0.6 : w, 0.4), height);
    if (span === marked) {
      context.strokeStyle = colour("text");
      context.lineWidth = 2;
      context.strokeRect(x, y, Math.max(w, 2), height);
    }
    if (labelled && w > 18 && span.batch >= 0 && span.kind < 4) {
      context.fillStyle = "#fff";
      context.textAlign = "center";
      context.fillText(span.batch, x + w / 2, y + height / 2 + 0.5);
      context.textAlign = "left";
    }
  }

  function drawAxis(context, quiet) {
    const y = lanes.length * laneHeight + 8, rough = (to - from) / Math.max(2, width() / 130), power = 10 ** Math.floor(Math.log10(rough));
    const tick = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
    context.fillStyle = quiet;
    for (let s = Math.ceil(from / tick) * tick; s <= to; s += tick) {
      context.fillRect(xOf(s), y - 8, 1, 4);
      const name = seconds(s), w = context.measureText(name).width;
      context.fillText(name, Math.min(xOf(s), canvas.clientWidth - w), y + 5);
    }
  }

  function show(start, end) {
    const length = Math.min(step, Math.max(least, end - start));
    from = Math.max(0, Math.min(start, step - length));
    to = from + length;
    draw();
  }

  const zoom = (factor, around = (from + to) / 2) => show(around - (around - from) * factor, around + (to - around) * factor);

  function spanAt(x, y) {
    const lane = Math.floor(y / laneHeight);
    if (!tracks[lane] || x < left) return null;
    const within = y - lane * laneHeight - 2, s = sOf(x), slack = ((to - from) / width()) * 1.5;
    const name = within <= heights.compute ? "compute" : within <= heights.compute + heights.send + 1 ? "send" : "data";
    const span = tracks[lane][name].find((one) => one.start - slack <= s && s <= one.end + slack);
    return span ? { span, stage: lanes[lane].stage } : null;
  }

  function describe({ span, stage }) {
    const batch = span.batch >= 0 && span.kind < 5 ? `, micro-batch ${span.batch}` : "", chunk = span.kind < 6 ? `, chunk ${span.chunk}` : "";
    return `stage ${stage}: ${kinds[span.kind]}${batch}${chunk}, ${seconds(span.end - span.start)} from ${seconds(span.start)}`;
  }

  const local = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.x, event.clientY - box.y]; };

  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, sOf(local(event)[0]));
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, event.clientX);
    dragged = { x: event.clientX, from, to, moved: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = local(event), found = spanAt(x, y);
    if (!pointers.has(event.pointerId)) {
      found ? showTip(describe(found), event.clientX, event.clientY) : hideTip();
      return;
    }
    const before = [...pointers.values()];
    pointers.set(event.pointerId, event.clientX);
    if (pointers.size === 2) {
      const apart = (list) => Math.max(20, Math.abs(list[0] - list[1]));
      zoom(apart(before) / apart([...pointers.values()]));
    } else if (Math.abs(event.clientX - dragged.x) > 3) {
      dragged.moved = true;
      const shift = ((dragged.x - event.clientX) / width()) * (dragged.to - dragged.from);
      show(dragged.from + shift, dragged.to + shift);
    }
  });
  canvas.addEventListener("pointerup", (event) => {
    pointers.delete(event.pointerId);
    if (dragged && !dragged.moved) {
      const found = spanAt(...local(event));
      marked = found ? found.span : null;
      if (found) pick.textContent = describe(found);
      draw();
    }
    dragged = null;
  });
  canvas.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));
  canvas.addEventListener("pointerleave", hideTip);
  canvas.addEventListener("dblclick", () => show(0, step));
  canvas.addEventListener("keydown", (event) => {
    const move = (to - from) / 5;
    const keys = { "+": () => zoom(0.7), "-": () => zoom(1 / 0.7), "0": () => show(0, step), Home: () => show(0, to - from),
      End: () => show(step - (to - from), step), ArrowLeft: () => show(from - move, to - move), ArrowRight: () => show(from + move, to + move) };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  byId("zoom-in").addEventListener("click", () => zoom(0.5));
  byId("zoom-out").addEventListener("click", () => zoom(2));
  byId("zoom-all").addEventListener("click", () => show(0, step));
  drawn(draw);
}
