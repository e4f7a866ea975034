(() => {
  const byId = (id) => document.getElementById(id);
  const settings = JSON.parse(byId("settings").textContent);
  const viewer = sliceViewer(settings);
  const percent = (value) => `${(100 * value).toFixed(value < 0.001 || value > 0.999 ? 2 : 1)} %`;

  let found = { queue: [], scans: [], counts: {} };
  let shown = "all";     // which scans are listed
  let chosen = "";       // the series that is open, and when it was predicted
  let version = null;

  function element(tag, text = "", className = "") {
    const made = document.createElement(tag);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  const clock = (seconds) => new Date(1000 * seconds).toLocaleTimeString("en-GB");

  // ---- lists

  function waiting(row) {
    const item = element("li", "", "waiting");
    const what = row.state === "predicting" ? "at work" : row.attempts ? "waits to be tried again" : "waits";
    const files = row.expected ? `${row.files} of ${row.expected} slices` : `${row.files} slices`;
    item.append(element("span", row.name), element("span", what), element("small", `${files}, last at ${clock(row.last_at)}`));
    return item;
  }

  function answered(row) {
    const item = document.createElement("li"), button = element("button");
    button.type = "button";
    button.dataset.series = row.name;
    button.setAttribute("aria-current", row.name === chosen);
    const name = element("span", row.scan_id || row.name);
    const decision = row.decision
      ? element("span", percent(row.probability), row.decision === "hemorrhage" ? "yes" : "no")
      : element("span", row.state);
    const state = row.state === "done" ? "" : `, ${row.state}`;
    const why = row.reason ? `: ${row.reason}` : "";
    button.append(name, decision, element("small", `${clock(row.predicted_at)}${state}${why}`));
    button.addEventListener("click", () => choose(row.name));
    item.append(button);
    return item;
  }

  function isListed(row) {
    if (shown === "all") return true;
    return shown === "hemorrhage" ? row.decision === "hemorrhage" : !row.decision;
  }

  function list() {
    const { counts, queue } = found;
    const scans = found.scans.filter(isListed);
    byId("queue").replaceChildren(...(queue.length ? queue.map(waiting) : [element("li", "Nothing waits", "none")]));
    byId("scans").replaceChildren(...(scans.length ? scans.map(answered) : [element("li", "None", "none")]));
    const share = found.positive_share === null ? ""
      : ` · hemorrhage in ${Math.round(100 * found.positive_share)} % of the last ${found.positive_share_scans}`;
    byId("counts").textContent =
      `${counts.receiving + counts.predicting} in the queue · ${counts.sending} being sent · ` +
      `${counts.refused} refused · ${counts["set-aside"]} set aside${share}`;
    document.querySelectorAll("[data-show]").forEach((b) => b.setAttribute("aria-pressed", b.dataset.show === shown));
  }

  // ---- one scan

  function fact(name, value) {
    if (value !== null && value !== undefined && value !== "") {
      byId("facts").append(element("dt", name), element("dd", value));
    }
  }

  function tell(row, scan) {
    byId("scan").textContent = row.scan_id || row.name;
    byId("facts").replaceChildren();
    byId("notes").replaceChildren();
    byId("statement").textContent = "";
    const decision = byId("decision");
    if (!scan) {
      decision.textContent = "No result";
      decision.className = "";
      fact("Reason", row.reason);
      fact("That is", row.detail);
      return;
    }
    decision.textContent = scan.decision === "hemorrhage" ? "Hemorrhage" : "No hemorrhage";
    decision.className = scan.decision === "hemorrhage" ? "yes" : "no";
    if (scan.uncertain) decision.textContent += ", uncertain: a person should decide";
    fact("Probability", percent(scan.probability));
    fact("Threshold", percent(scan.threshold));
    fact("Uncertain band", scan.uncertain_band.map(percent).join(" to "));
    fact("Agreement", scan.agreement === null ? null : percent(scan.agreement));
    fact("Volume", scan.volume_ml === null ? null : `${scan.volume_ml.toFixed(1)} mL`);
    for (const [name, value] of Object.entries(scan.subtypes || {})) {
      if (value !== null && scan.decision === "hemorrhage") fact(name, percent(value));
    }
    const highest = scan.slices.reduce((best, one, i) => (one.probability > scan.slices[best].probability ? i : best), 0);
    fact("Highest", `slice ${highest + 1}, score ${scan.slices[highest].probability.toFixed(3)}`);
    fact("State", row.state + (row.reason ? `: ${row.reason}` : ""));
    fact("Seconds", row.seconds === null ? null : row.seconds.toFixed(1));
    fact("Model", scan.model);
    byId("notes").append(...scan.notes.map((note) => element("li", note)));
    byId("statement").textContent = scan.data_statement;
  }

  async function choose(name) {
    const row = found.scans.find((one) => one.name === name);
    if (!row) return;
    chosen = name;
    version = row.predicted_at;
    list();
    const scan = row.decision ? await get(`/api/series/${name}`) : null;
    if (chosen !== name) return;   // another one was chosen meanwhile
    tell(row, scan);
    const pictures = scan && scan.pictures.length ? scan : null;
    document.querySelector(".viewer").hidden = !pictures;
    if (pictures) viewer.open(name, pictures);
    say(scan ? scan.missing && `No slices: ${scan.missing}.` : "");
    document.documentElement.dataset.open = name;
  }

  // ---- from the service

  function say(text) {
    byId("message").textContent = text;
    byId("message").hidden = !text;
  }

  async function get(path) {
    const answer = await fetch(path);
    return answer.ok ? answer.json() : null;
  }

  async function refresh() {
    try {
      found = await get("/api/overview");
      document.documentElement.dataset.ready = "true";
      if (byId("message").textContent.startsWith("The service")) say("");
    } catch {
      say("The service does not answer; what stands here is from before.");
      return;
    }
    list();
    const row = found.scans.find((one) => one.name === chosen);
    if (row && row.predicted_at !== version) choose(chosen);
    if (!chosen && found.scans.length) choose(found.scans[0].name);
  }

  document.querySelectorAll("[data-show]").forEach((b) =>
    b.addEventListener("click", () => { shown = b.dataset.show; list(); }));

  function step(by) {
    const listed = found.scans.filter(isListed);
    const next = listed[listed.findIndex((one) => one.name === chosen) + by];
    if (next) choose(next.name);
  }

  const keys = { ...viewer.keys, ArrowLeft: () => step(-1), ArrowRight: () => step(1) };
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const act = keys[e.key.length === 1 ? e.key.toLowerCase() : e.key];
    if (!act) return;
    e.preventDefault();
    act();
  });

  refresh();
  setInterval(refresh, 1000 * settings.refresh_s);
})();
