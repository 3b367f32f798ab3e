/** Runs as points, both axes logarithmic; a vertical line is the interval. Returns: how to show other points, of another quantity. */
function scatterPlot(canvas) {
  const left = 74, bottom = 26, top = 8, height = 520, near = 0.1;
  let points = [], low = 1, high = 10, places = [], unit = 1, text = String;

  const scale = (from, to) => (amount) => from + ((Math.log(amount) - Math.log(low)) / (Math.log(high) - Math.log(low))) * (to - from);

  function diagonal(context, x, y, factor, dashes) {
    context.setLineDash(dashes);
    context.beginPath();
    context.moveTo(x(low), y(low * factor));
    context.lineTo(x(high), y(high * factor));
    context.stroke();
    context.setLineDash([]);
  }

  function axes(context, x, y, width) {
    context.strokeStyle = colour("line");
    context.fillStyle = colour("quiet");
    context.font = "12px system-ui, sans-serif";
    for (let tick = unit * 10 ** Math.ceil(Math.log10(low / unit)); tick <= high; tick *= 10) {
      context.strokeRect(x(tick), top, 0, height - bottom - top);
      context.strokeRect(left, y(tick), width - left, 0);
      context.textAlign = "center";
      context.fillText(text(tick), Math.min(x(tick), width - 28), height - 8);
      context.textAlign = "right";
      context.fillText(text(tick), left - 6, y(tick) + 4);
    }
    context.strokeStyle = colour("quiet");
    diagonal(context, x, y, 1, []);
    diagonal(context, x, y, 1 + near, [3, 4]);
    diagonal(context, x, y, 1 - near, [3, 4]);
  }

  function draw() {
    const context = fitCanvas(canvas, height), width = canvas.clientWidth;
    const x = scale(left, width - 8), y = scale(height - bottom, top);
    axes(context, x, y, width);
    context.save();
    context.beginPath();
    context.rect(left, 0, width - left, height - bottom);
    context.clip();
    places = points.map((point) => [x(point.measured), y(point.predicted), point]);
    for (const [px, py, point] of places) {
      context.strokeStyle = context.fillStyle = point.ink;
      context.globalAlpha = 0.18;
      if (point.low) context.strokeRect(px, y(point.high), 0, y(point.low) - y(point.high));
      context.globalAlpha = 0.75;
      context.beginPath();
      context.arc(px, py, 2.5, 0, 7);
      context.fill();
    }
    context.restore();
  }

  function nearest(event) {
    const box = canvas.getBoundingClientRect(), reach = 12;
    let found = null, least = reach * reach;
    for (const [x, y, point] of places) {
      const far = (event.clientX - box.x - x) ** 2 + (event.clientY - box.y - y) ** 2;
      if (far < least) [found, least] = [point, far];
    }
    return found;
  }

  canvas.addEventListener("pointermove", (event) => {
    const point = nearest(event);
    point ? showTip(point.title, event.clientX, event.clientY) : hideTip();
  });
  canvas.addEventListener("pointerleave", hideTip);
  redraws.push(draw);
  return (chosen, quantity) => {
    ({ unit, text } = quantity);
    const amounts = chosen.flatMap((point) => [point.measured, point.predicted]);
    points = chosen;
    [low, high] = amounts.length ? [Math.min(...amounts) / 1.3, Math.max(...amounts) * 1.3] : [1, 10];
    draw();
  };
}
