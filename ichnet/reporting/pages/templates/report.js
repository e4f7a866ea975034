"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("explorer-data").textContent);
  const SVG = "http://www.w3.org/2000/svg";
  const SIDE = 300, MARGIN = 38;

  let model = data.first;
  let testSet = Object.keys(data.sets)[0];
  let threshold = data.threshold;
  let sortedBy = "error";
  let descending = true;
  let curve = null;

  // ---- numbers

  /** The scans of a test set: its hemorrhages and every normal scan. */
  const chosen = () => data.scans
    .map((scan, index) => ({ ...scan, probability: data.models[model][index], inSet: data.sets[testSet][index] }))
    .filter((scan) => scan.inSet || !scan.ich);

  /** Points of the ROC curve from the highest threshold down; tied scores make one point. */
  function rocCurve(scans) {
    const order = scans.slice().sort((a, b) => b.probability - a.probability);
    const positives = scans.filter((scan) => scan.ich).length;
    const negatives = scans.length - positives;
    const points = [{ threshold: Infinity, tp: 0, fp: 0 }];
    let tp = 0, fp = 0, area = 0;
    for (let i = 0; i < order.length;) {
      const before = { tp, fp };
      const score = order[i].probability;
      for (; i < order.length && order[i].probability === score; i++) order[i].ich ? tp++ : fp++;
      area += (fp - before.fp) * (tp + before.tp) / 2;
      points.push({ threshold: score, tp, fp });
    }
    return { points, positives, negatives, auc: area / (positives * negatives) };
  }

  /** What a scan is called from this threshold up. */
  const pointAt = (at) => curve.points.filter((point) => point.threshold >= at).at(-1);

  /** Probability of at least this many hits when each has this chance. */
  function upperTail(hits, of, chance) {
    let logTerm = of * Math.log1p(-chance), total = hits === 0 ? Math.exp(logTerm) : 0;
    for (let i = 1; i <= of; i++) {
      logTerm += Math.log((of - i + 1) / i) + Math.log(chance) - Math.log1p(-chance);
      if (i >= hits) total += Math.exp(logTerm);
    }
    return total;
  }

  /** The chance at which a growing function of it reaches a level, by bisection. */
  function solve(grows, level) {
    let low = 0, high = 1;
    for (let step = 0; step < 40; step++) {
      const middle = (low + high) / 2;
      if (grows(middle) < level) low = middle; else high = middle;
    }
    return (low + high) / 2;
  }

  /** Clopper and Pearson's exact 95 % interval of a proportion, as in the tables. */
  const exactInterval = (hits, of) => [
    hits === 0 ? 0 : solve((chance) => upperTail(hits, of, chance), 0.025),
    hits === of ? 1 : solve((chance) => upperTail(hits + 1, of, chance), 0.975),
  ];

  // ---- the curve

  const x = (fp) => MARGIN + SIDE * fp / curve.negatives;
  const y = (tp) => 8 + SIDE * (1 - tp / curve.positives);

  function add(parent, kind, attributes, text) {
    const element = document.createElementNS(SVG, kind);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    parent.append(element);
    return element;
  }

  function drawCurve() {
    const svg = byId("explorer-roc");
    svg.replaceChildren();
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      const across = MARGIN + SIDE * share, down = 8 + SIDE * (1 - share);
      add(svg, "path", { class: "grid", d: `M${across} 8V${8 + SIDE}M${MARGIN} ${down}H${MARGIN + SIDE}` });
      add(svg, "text", { x: across, y: SIDE + 24, "text-anchor": "middle" }, String(share));
      add(svg, "text", { x: MARGIN - 6, y: down + 4, "text-anchor": "end" }, String(share));
    }
    add(svg, "text", { x: MARGIN + SIDE / 2, y: SIDE + 42, "text-anchor": "middle" }, "1 − specificity");
    add(svg, "text", { x: 0, y: 0, "text-anchor": "middle", transform: `translate(9 ${8 + SIDE / 2}) rotate(-90)` }, "sensitivity");
    add(svg, "path", { class: "chance", d: `M${MARGIN} ${8 + SIDE}L${MARGIN + SIDE} 8` });
    const line = curve.points.map((point) => `${x(point.fp)} ${y(point.tp)}`).join("L");
    add(svg, "path", { class: "curve", d: `M${line}` });
    add(svg, "circle", { class: "point", r: 6 });
  }

  function pick(event) {
    const svg = byId("explorer-roc");
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const distance = (point) => (x(point.fp) - place.x) ** 2 + (y(point.tp) - place.y) ** 2;
    const nearest = curve.points.slice(1).reduce((best, point) => (distance(point) < distance(best) ? point : best));
    setThreshold(nearest.threshold);
  }

  // ---- the threshold and what follows from it

  function show(name, hits, of) {
    const [low, high] = exactInterval(hits, of);
    byId(`explorer-${name}`).textContent = (hits / of).toFixed(3);
    byId(`explorer-${name}-of`).textContent =
      `${hits} of ${of}; 95 % interval ${low.toFixed(3)}–${high.toFixed(3)}`;
  }

  function setThreshold(value) {
    threshold = value;
    byId("explorer-threshold").value = value;
    byId("explorer-threshold-value").textContent = value.toFixed(3);
    const point = pointAt(value);
    show("sensitivity", point.tp, curve.positives);
    show("specificity", curve.negatives - point.fp, curve.negatives);
    const marker = document.querySelector("#explorer-roc .point");
    marker.setAttribute("cx", x(point.fp));
    marker.setAttribute("cy", y(point.tp));
    fillCases();
  }

  // ---- the cases

  const COLUMNS = {
    id: (scan) => scan.id,
    cohort: (scan) => scan.cohort,
    truth: (scan) => (scan.ich ? `ICH, ${{ none: "subtype not stated" }[scan.kind] || scan.kind}` : "normal"),
    volume: (scan) => (scan.volume_ml === null ? -1 : scan.volume_ml),
    probability: (scan) => scan.probability,
    error: (scan) => Math.abs(scan.ich - scan.probability),
    confidence: (scan) => Math.abs(scan.probability - 0.5) * 2,
    called: (scan) => result(scan),
  };

  function result(scan) {
    const called = scan.probability >= threshold;
    if (scan.ich) return called ? "hit" : "miss";
    return called ? "false alarm" : "right: normal";
  }

  function fillCases() {
    const words = byId("explorer-find").value.trim().toLowerCase();
    const key = COLUMNS[sortedBy];
    const scans = chosen().filter((scan) =>
      `${scan.id} ${scan.cohort} ${COLUMNS.truth(scan)} ${result(scan)}`.toLowerCase().includes(words));
    scans.sort((a, b) => {
      const [one, other] = [key(a), key(b)];
      const order = one < other ? -1 : one > other ? 1 : a.id < b.id ? -1 : 1;
      return descending ? -order : order;
    });
    byId("explorer-cases").replaceChildren(...scans.map(row));
    byId("explorer-count").textContent = `${scans.length} of ${chosen().length} scans`;
    for (const header of document.querySelectorAll("#explorer-table th")) {
      const here = header.dataset.key === sortedBy;
      header.setAttribute("aria-sort", here ? (descending ? "descending" : "ascending") : "none");
    }
  }

  function row(scan) {
    const line = document.createElement("tr");
    const kind = result(scan);
    const cells = [
      scan.id, scan.cohort, COLUMNS.truth(scan),
      scan.volume_ml === null ? "–" : scan.volume_ml.toFixed(1),
      scan.probability.toFixed(3), COLUMNS.error(scan).toFixed(3), COLUMNS.confidence(scan).toFixed(3), kind,
    ];
    for (const text of cells) {
      const cell = document.createElement("td");
      cell.textContent = text;
      line.append(cell);
    }
    line.className = { miss: "miss", "false alarm": "alarm" }[kind] || "";
    return line;
  }

  // ---- the controls

  function redraw() {
    const scans = chosen();
    curve = rocCurve(scans);
    byId("explorer-auc").textContent = curve.auc.toFixed(3);
    byId("explorer-auc-of").textContent = `${curve.positives} with ICH, ${curve.negatives} without`;
    drawCurve();
    setThreshold(threshold);
  }

  function choices(id, names, value, change) {
    const list = byId(id);
    for (const name of names) list.append(new Option(name, name, name === value, name === value));
    list.addEventListener("change", () => { change(list.value); redraw(); });
  }

  choices("explorer-model", Object.keys(data.models), model, (name) => { model = name; });
  choices("explorer-set", Object.keys(data.sets), testSet, (name) => { testSet = name; });
  byId("explorer-threshold").addEventListener("input", (event) => setThreshold(Number(event.target.value)));
  byId("explorer-find").addEventListener("input", fillCases);
  byId("explorer-roc").addEventListener("click", pick);
  for (const header of document.querySelectorAll("#explorer-table th")) {
    header.querySelector("button").addEventListener("click", () => {
      descending = sortedBy === header.dataset.key ? !descending : true;
      sortedBy = header.dataset.key;
      fillCases();
    });
  }
  redraw();
  byId("explorer").hidden = false;
})();
