// Runs once when the widget appears; `element`, `props` and `watch` come from gr.HTML, TEXTS ({language: {part: text}})
// and COLOURS from stroke_canvas.py. The value handed back is
// '[{"colour": "#rrggbb" or "", "radius": r, "points": [[x, y], ...]}, ...]' in shares of the picture, "" erasing.
const find = (name) => element.querySelector(`.strokes-${name}`);
const texts = TEXTS[navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en"];
const [picture, canvas, size, any] = [find("picture"), find("canvas"), find("size"), find("any")];
const pen = canvas.getContext("2d");
let strokes = [], current = null, colour = COLOURS[0], erasing = false;

function drawStroke(stroke) {
  const { width, height } = canvas;
  const radius = Math.max(stroke.radius * Math.max(width, height), 0.5);
  const line = new Path2D();
  stroke.points.forEach(([x, y], i) => (i ? line.lineTo(x * width, y * height) : line.moveTo(x * width, y * height)));
  if (stroke.points.length === 1) line.lineTo(stroke.points[0][0] * width + 0.01, stroke.points[0][1] * height);
  pen.lineCap = pen.lineJoin = "round";
  pen.globalCompositeOperation = stroke.colour ? "source-over" : "destination-out";
  if (stroke.colour) { // an edge, or white on paper would not be seen
    pen.strokeStyle = "rgba(128, 128, 128, .7)";
    pen.lineWidth = 2 * radius + Math.max(2, width / 400);
    pen.stroke(line);
  }
  pen.strokeStyle = stroke.colour || "#000";
  pen.lineWidth = 2 * radius;
  pen.stroke(line);
}

function redraw() {
  pen.globalCompositeOperation = "source-over";
  pen.clearRect(0, 0, canvas.width, canvas.height);
  strokes.forEach(drawStroke);
  find("undo").disabled = find("clear").disabled = !strokes.length;
}

function tell() {
  redraw();
  props.value = JSON.stringify(strokes);
}

function choose(chosen, eraser) {
  [colour, erasing] = [chosen, eraser];
  find("eraser").setAttribute("aria-pressed", eraser);
  element.querySelectorAll(".strokes-swatch").forEach((one) =>
    one.setAttribute("aria-pressed", !eraser && one.dataset.colour === chosen));
  if (!eraser) any.value = chosen;
}

function place(event) {
  const box = canvas.getBoundingClientRect();
  const share = (value, side) => Math.round(Math.min(Math.max(value / side, 0), 1) * 1e4) / 1e4;
  return [share(event.clientX - box.left, box.width), share(event.clientY - box.top, box.height)];
}

function show() {
  const given = props.value || "";
  if (!given.startsWith("{")) return;
  strokes = [];
  picture.onload = () => {
    [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
    find("sheet").style.width = `min(100%, min(560px, 65vh) * ${picture.naturalWidth / picture.naturalHeight})`;
    redraw();
  };
  picture.src = JSON.parse(given).picture;
  props.value = "[]";
}

for (const [name, text] of Object.entries(texts)) {
  const part = find(name);
  if (part.matches("input, canvas")) part.setAttribute("aria-label", text);
  else part.textContent = text;
  part.title = part.matches("input, button") ? text : "";
}
for (const one of COLOURS) {
  const swatch = document.createElement("button");
  [swatch.type, swatch.className, swatch.dataset.colour] = ["button", "strokes-swatch", one];
  swatch.style.background = one;
  swatch.setAttribute("aria-label", one);
  swatch.onclick = () => choose(one, false);
  find("swatches").append(swatch);
}
any.oninput = () => choose(any.value, false);
find("eraser").onclick = () => choose(colour, !erasing);
find("undo").onclick = () => { strokes.pop(); tell(); };
find("clear").onclick = () => { strokes = []; tell(); };
canvas.onpointerdown = (event) => {
  if (event.button || current) return;
  canvas.setPointerCapture(event.pointerId);
  current = { colour: erasing ? "" : colour, radius: size.value / 1000, points: [place(event)] };
  drawStroke(current);
};
canvas.onpointermove = (event) => {
  if (!current) return;
  const [next, last] = [place(event), current.points.at(-1)];
  if (next[0] === last[0] && next[1] === last[1]) return;
  current.points.push(next);
  redraw();
  drawStroke(current);
};
canvas.onpointerup = canvas.onpointercancel = () => {
  if (!current) return;
  strokes.push(current);
  current = null;
  tell();
};
choose(COLOURS[0], false);
redraw();
watch("value", show);
show();
