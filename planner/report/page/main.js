function showNumbers({ estimate, units, verdict, version, strategy }) {
  const { step_time_interval: interval, memory_bytes: memory } = estimate, range = [seconds(interval.p10_s), seconds(interval.p90_s)];
  const rows = [["step", seconds(estimate.step_time_s)], ["8 of 10 steps", range.join(" – ")], [`${units}/s a GPU`, whole(estimate.tokens_per_s_per_gpu)],
    ["MFU", percent(estimate.mfu)], ["peak memory", `${bytes(memory.peak)} of ${bytes(memory.capacity)}`]];
  if (estimate.usd_per_million_tokens) rows.push([`a million ${units}`, `$${estimate.usd_per_million_tokens.toFixed(3)}`]);
  if (!estimate.fits) rows.push(["fits", "NO"]);
  byId("numbers").append(...rows.map(([title, value]) => make("div", {}, make("dt", {}, title), make("dd", {}, value))));
  byId("verdict").textContent = verdict || "";
  const fitted = [["device", interval.device_fitted], ["software stack", interval.stack_fitted]], few = interval.unfitted;
  const rests = interval.runs ? `as those of ${whole(interval.runs)} runs of ${interval.sources} sources did, each predicted without its own source`
    : "which is a guess: no such runs are known";
  byId("interval").textContent = `8 of 10 measured steps lie between ${range.join(" and ")}, ${rests}; `
    + `${fitted.map(([name, is]) => `${name} ${is ? "fitted to other runs" : "not fitted"}`).join(", ")}${few ? ` (hardly any run has ${few})` : ""}.`;
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
