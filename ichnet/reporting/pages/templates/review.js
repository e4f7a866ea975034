(() => {
  const byId = (id) => document.getElementById(id);
  const review = JSON.parse(byId("review").textContent);
  const COLUMNS = ["review", "reader", "case", "ich", ...review.subtypes, "overlay_seen", "answered_at", "comment"];

  let reader = "";
  let order = [];        // the cases in this reader's order
  let answers = {};      // by case
  let place = 0;         // in the order

  const viewer = sliceViewer({
    windows: review.windows,
    hu: review.hu,
    overlayShown: (on) => {
      if (!on || !reader) return;
      answers[current()] = { ...answer(), overlay_seen: true };
      save();
    },
  });

  // ---- order: the same for a reader each time, another for each reader

  function hash(text) {
    let value = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
    return value;
  }

  function shuffled(cases, seed) {
    let state = seed >>> 0;
    const random = () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    const result = cases.slice();
    for (let i = result.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [result[i], result[j]] = [result[j], result[i]];
    }
    return result;
  }

  // ---- answers, kept in this browser

  const stored = (name) => `ichnet-review:${review.id}:${name}`;

  function save() {
    try {
      localStorage.setItem(stored(reader), JSON.stringify({ answers, place }));
      localStorage.setItem(stored("last"), reader);
    } catch (error) {
      say(`Answers cannot be kept in this browser (${error.name}): export them before you close the page.`);
    }
  }

  function load(name) {
    let kept = {};
    try {
      kept = JSON.parse(localStorage.getItem(stored(name)) || "{}");
    } catch (error) {
      say(`Nothing can be kept in this browser (${error.name}): export before you close the page.`);
    }
    answers = kept.answers || {};
    place = Math.min(kept.place || 0, review.cases.length - 1);
  }

  const blank = () => ({ ich: "", subtypes: [], overlay_seen: false, answered_at: "", comment: "" });
  const current = () => order[place];
  const answer = () => answers[current()] || blank();

  function change(what) {
    if (!reader) return;
    answers[current()] = { ...answer(), ...what, answered_at: new Date().toISOString() };
    save();
    showAnswer();
    showProgress();
  }

  function setIch(value) {
    const now = answer().ich === value ? "" : value;
    change(now === "1" ? { ich: now } : { ich: now, subtypes: [] });
  }

  function setSubtype(name, present) {
    const subtypes = review.subtypes.filter((s) => (s === name ? present : answer().subtypes.includes(s)));
    change(subtypes.length ? { ich: "1", subtypes } : { subtypes });
  }

  // ---- cases

  function openCase(index) {
    place = Math.max(0, Math.min(order.length - 1, index));
    byId("case").textContent = current();
    document.querySelectorAll("#cases button").forEach((b, i) => {
      b.setAttribute("aria-current", i === place);
      if (i === place) b.scrollIntoView({ block: "nearest" });
    });
    if (reader) save();
    showAnswer();
    viewer.open(current(), JSON.parse(byId(`data-${current()}`).textContent));
  }

  function showAnswer() {
    const { ich, subtypes, comment } = answer();
    document.querySelectorAll("[data-ich]").forEach((b) => b.setAttribute("aria-pressed", b.dataset.ich === ich));
    document.querySelectorAll("[data-subtype]").forEach((b) => { b.checked = subtypes.includes(b.dataset.subtype); });
    if (byId("comment").value !== comment) byId("comment").value = comment;
  }

  const answered = (name) => !!(answers[name] && answers[name].ich);

  function showProgress() {
    const done = order.filter(answered).length;
    byId("progress").textContent = reader ? `${done} of ${order.length} answered` : "Choose a reader to begin";
    document.querySelectorAll("#cases button").forEach((b, i) => b.classList.toggle("answered", answered(order[i])));
  }

  function nextUnanswered() {
    for (let step = 1; step <= order.length; step++) {
      const index = (place + step) % order.length;
      if (!answered(order[index])) return openCase(index);
    }
    say("Every case has an answer. Export them as CSV.");
  }

  function chooseReader(name) {
    reader = name;
    byId("reader").value = name;
    if (name) load(name);
    else { answers = {}; place = 0; }
    order = shuffled(review.cases, hash(`${review.id}/${name}`));
    byId("cases").replaceChildren(...order.map((one, index) => {
      const item = document.createElement("li"), button = document.createElement("button");
      button.type = "button";
      button.textContent = one;
      button.addEventListener("click", () => openCase(index));
      item.append(button);
      return item;
    }));
    document.querySelectorAll("#form button, #form input, #form textarea, #export").forEach((e) => {
      e.disabled = !name && !["previous", "next"].includes(e.id);
    });
    showProgress();
    openCase(place);
  }

  function say(text) {
    byId("message").textContent = text;
    byId("message").hidden = !text;
  }

  // ---- CSV

  const cell = (value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

  function toCsv() {
    const rows = review.cases.map((one) => {
      const a = answers[one] || blank();
      const subtypes = review.subtypes.map((s) => (a.ich ? String(+a.subtypes.includes(s)) : ""));
      const seen = a.ich ? String(+a.overlay_seen) : "";
      return [review.id, reader, one, a.ich, ...subtypes, seen, a.answered_at, a.comment];
    });
    return [COLUMNS, ...rows].map((row) => row.map(cell).join(",") + "\r\n").join("");
  }

  function fromCsv(text) {
    const rows = [[""]];
    let quoted = false;
    for (let i = 0; i < text.length; i++) {
      const c = text[i], row = rows[rows.length - 1];
      if (quoted && c === '"' && text[i + 1] === '"') { row[row.length - 1] += c; i++; }
      else if (c === '"') quoted = !quoted;
      else if (!quoted && c === ",") row.push("");
      else if (!quoted && (c === "\n" || c === "\r")) { if (c === "\n") rows.push([""]); }
      else row[row.length - 1] += c;
    }
    return rows.filter((row) => row.length > 1 || row[0]);
  }

  function importCsv(text) {
    const [heading, ...rows] = fromCsv(text.replace(/^\ufeff/, ""));
    if (!heading || heading.join() !== COLUMNS.join()) return say("Not a file of answers: its columns are others.");
    const read = rows.map((row) => Object.fromEntries(COLUMNS.map((name, i) => [name, row[i] ?? ""])));
    const fault = read.find((r) => r.review !== review.id || !review.cases.includes(r.case) ||
      !review.readers.includes(r.reader) || !["", "0", "1"].includes(r.ich));
    if (fault) return say(`Not imported: ${fault.case || "a row"} belongs to another review, reader or case.`);
    const names = new Set(read.map((r) => r.reader));
    if (names.size !== 1) return say("Not imported: a file holds the answers of one reader.");
    const [name] = names;
    if (reader && reader !== name) return say(`Not imported: these are the answers of ${name}, not of ${reader}.`);
    chooseReader(name);
    const given = read.filter((r) => r.ich);
    for (const r of read.filter((r) => r.ich || r.comment)) {
      answers[r.case] = {
        ich: r.ich,
        subtypes: review.subtypes.filter((s) => r[s] === "1"),
        overlay_seen: r.overlay_seen === "1",
        answered_at: r.answered_at,
        comment: r.comment,
      };
    }
    save();
    showAnswer();
    showProgress();
    say(`${given.length} answers imported.`);
  }

  function exportCsv() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([toCsv()], { type: "text/csv" }));
    link.download = `${review.id}-${reader}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    const left = order.filter((one) => !answered(one)).length;
    say(left ? `Exported; ${left} cases are still without an answer.` : "Exported; every case has an answer.");
  }

  // ---- controls

  byId("reader").addEventListener("change", (e) => { say(""); chooseReader(e.target.value); });
  byId("previous").addEventListener("click", () => openCase(place - 1));
  byId("next").addEventListener("click", () => openCase(place + 1));
  byId("unanswered").addEventListener("click", nextUnanswered);
  byId("comment").addEventListener("input", (e) => change({ comment: e.target.value }));
  byId("form").addEventListener("submit", (e) => e.preventDefault());
  document.querySelectorAll("[data-ich]").forEach((b) => b.addEventListener("click", () => setIch(b.dataset.ich)));
  document.querySelectorAll("[data-subtype]").forEach((b) =>
    b.addEventListener("change", () => setSubtype(b.dataset.subtype, b.checked)));
  byId("export").addEventListener("click", exportCsv);
  byId("import").addEventListener("change", async (e) => {
    const [file] = e.target.files;
    if (file) importCsv(await file.text());
    e.target.value = "";
  });

  const keys = {
    ...viewer.keys,
    ArrowLeft: () => openCase(place - 1),
    ArrowRight: () => openCase(place + 1),
    y: () => setIch("1"),
    n: () => setIch("0"),
    u: () => reader && nextUnanswered(),
  };
  review.subtypes.forEach((name, index) => {
    keys[review.letters[index].toLowerCase()] = () => reader && setSubtype(name, !answer().subtypes.includes(name));
  });
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.matches("textarea, select, input[type=file]")) return;
    const act = keys[e.key.length === 1 ? e.key.toLowerCase() : e.key];
    if (!act) return;
    e.preventDefault();
    act();
  });

  let last = "";
  try { last = localStorage.getItem(stored("last")) || ""; } catch { /* said when a reader is chosen */ }
  chooseReader(review.readers.includes(last) ? last : "");
  document.documentElement.dataset.ready = "true";
})();
