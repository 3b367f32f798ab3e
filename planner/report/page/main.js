function showNumbers({ numbers, interval, verdict, version, strategy }) {
  const rows = [["step", seconds(numbers.step_s)], ["8 of 10 steps", `${seconds(interval.low_s)} – ${seconds(interval.high_s)}`], [`${numbers.units}/s a GPU`, whole(numbers.tokens_per_s_per_gpu)], ["MFU", percent(numbers.mfu)],
    ["peak memory", `${bytes(numbers.peak_bytes)} of ${bytes(numbers.capacity_bytes)}`]];
  if (numbers.usd_per_million_tokens) rows.push([`a million ${numbers.units}`, `$${numbers.usd_per_million_tokens.toFixed(3)}`]);
  if (!numbers.fits) rows.push(["fits", "NO"]);
  byId("numbers").append(...rows.map(([title, value]) => make("div", {}, make("dt", {}, title), make("dd", {}, value))));
  byId("verdict").textContent = verdict || "";
  const fitted = [["device", interval.device_fitted], ["software stack", interval.runtime_fitted]];
  const rests = interval.runs ? `as those of ${whole(interval.runs)} runs of ${interval.sources} sources did, each predicted without its own source`
    : "which is a guess: no such runs are known";
  byId("interval").textContent = `8 of 10 measured steps lie between ${seconds(interval.low_s)} and ${seconds(interval.high_s)}, ${rests}; `
    + `${fitted.map(([name, is]) => `${name} ${is ? "fitted to other runs" : "not fitted"}`).join(", ")}.`;
  byId("footer").textContent = `mpplan ${version} · --strategy ${strategy}`;
}

showNumbers(data);
showShares(data);
showTimeline(data.timeline);
showMemory(data);
showLayout(data.layout);
showAlternatives(data);
showPareto(data);
showSensitivity(data);
showInputs(data);
