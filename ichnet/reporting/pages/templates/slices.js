"use strict";
// Slices of a scan: windows, overlay, scrolling. Shared by the pages that show scans.
//
// windows: [{name, level_hu, width_hu}]; hu: the HU of each code of a picture; overlayShown: is told
// when the overlay is turned on or off. The page has the elements of slices.html.
function sliceViewer({ windows, hu, overlayShown = () => {} }) {
  const byId = (id) => document.getElementById(id);
  const OUTLINE_SCALE = 3;

  let slice = 0;
  let window_ = 0;
  let overlay = false;
  let scan = null;       // its pictures and outlines, and its decoded slices

  const blobOf = (base64) => {
    const binary = atob(base64);
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
    return new Blob([bytes], { type: "image/webp" });
  };

  async function decode(held, index) {
    if (!held.codes[index]) {
      held.codes[index] = (async () => {
        const bitmap = await createImageBitmap(blobOf(held.pictures[index]), { colorSpaceConversion: "none" });
        const canvas = new OffscreenCanvas(held.width, held.height);
        const context = canvas.getContext("2d", { willReadFrequently: true });
        context.drawImage(bitmap, 0, 0);
        bitmap.close();
        const { data } = context.getImageData(0, 0, held.width, held.height);
        const codes = new Uint8Array(held.width * held.height);
        for (let i = 0; i < codes.length; i++) codes[i] = data[4 * i];
        return codes;
      })();
    }
    return held.codes[index];
  }

  function greys() {
    const { level_hu, width_hu } = windows[window_];
    const lowest = level_hu - width_hu / 2;
    return Uint32Array.from(hu, (hu) => {
      const grey = Math.round(255 * Math.min(1, Math.max(0, (hu - lowest) / width_hu)));
      return (0xff000000 | (grey << 16) | (grey << 8) | grey) >>> 0;
    });
  }

  async function draw() {
    const held = scan, index = slice;
    byId("loading").hidden = !!held.ready[index];
    const codes = await decode(held, index);
    held.ready[index] = true;
    if (held !== scan || index !== slice) return;   // another one is shown by now
    const canvas = byId("slice");
    if (canvas.width !== held.width) canvas.width = held.width;
    if (canvas.height !== held.height) canvas.height = held.height;
    const image = new ImageData(held.width, held.height);
    const pixels = new Uint32Array(image.data.buffer), grey = greys();
    for (let i = 0; i < codes.length; i++) pixels[i] = grey[codes[i]];
    canvas.getContext("2d").putImageData(image, 0, 0);
    drawOutlines(held, index);
    byId("loading").hidden = true;
    byId("stage").dataset.shown = `${held.name}/${index + 1}/${window_ + 1}/${overlay ? 1 : 0}`;
    for (const next of [index + 1, index - 1]) if (held.pictures[next]) decode(held, next);
  }

  function drawOutlines(held, index) {
    const canvas = byId("outlines");
    canvas.width = held.width * OUTLINE_SCALE;
    canvas.height = held.height * OUTLINE_SCALE;
    if (!overlay || !held.outlines) return;
    const context = canvas.getContext("2d");
    context.scale(OUTLINE_SCALE, OUTLINE_SCALE);
    context.strokeStyle = "#ffb000";
    context.lineWidth = 1.2;
    for (const line of held.outlines[index]) {
      context.beginPath();
      for (let i = 0; i < line.length; i += 2) context.lineTo(line[i], line[i + 1]);
      context.closePath();
      context.stroke();
    }
  }

  function scrollTo(index) {
    if (!scan) return;
    slice = Math.max(0, Math.min(scan.pictures.length - 1, index));
    byId("slider").value = slice + 1;
    byId("position").textContent =
      `Slice ${slice + 1} of ${scan.pictures.length}` + (scan.outlines ? "" : ", no overlay");
    draw();
  }

  function setWindow(index) {
    if (index >= windows.length) return;
    window_ = index;
    byId("windows").childNodes.forEach((b, i) => b.setAttribute("aria-pressed", i === index));
    if (scan) draw();
  }

  function setOverlay(on) {
    if (!scan || !scan.outlines) return;
    overlay = on;
    byId("overlay").setAttribute("aria-pressed", on);
    overlayShown(on);
    draw();
  }

  function open(name, held) {
    scan = { ...held, name, codes: [], ready: [] };
    overlay = false;   // each scan is seen without it first
    byId("overlay").setAttribute("aria-pressed", false);
    byId("overlay").disabled = !held.outlines;
    byId("slider").max = held.pictures.length;
    scrollTo(Math.floor(held.pictures.length / 2));
  }

  windows.forEach(({ name }, index) => {
    const button = document.createElement("button"), key = document.createElement("kbd");
    button.type = "button";
    key.textContent = index + 1;
    button.append(key, ` ${name}`);
    button.addEventListener("click", () => setWindow(index));
    byId("windows").append(button);
  });
  byId("overlay").addEventListener("click", () => setOverlay(!overlay));
  byId("slider").addEventListener("input", (e) => scrollTo(e.target.value - 1));
  byId("stage").addEventListener("wheel", (e) => {
    e.preventDefault();
    scrollTo(slice - Math.sign(e.deltaY));
  }, { passive: false });

  const keys = {
    ArrowUp: () => scrollTo(slice + 1),
    ArrowDown: () => scrollTo(slice - 1),
    o: () => setOverlay(!overlay),
  };
  windows.forEach((_, index) => { keys[index + 1] = () => setWindow(index); });

  setWindow(0);
  return { open, keys };
}
