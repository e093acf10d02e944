// Runs once when the widget appears; `element`, `props` and `watch` come from gr.HTML, the constants in capitals from
// scroll_viewer.py. Python sends a picture or a result, see `picture` and `result` there; what is handed back is
// '[[x, y, "#rrggbb"], ...]', spots of colour in pixels of the picture.
const TILE = 512; // as pipelines/deep_zoom.py cuts them
const CHINESE = navigator.language.toLowerCase().startsWith("zh");
const texts = TEXTS[CHINESE ? "zh" : "en"], names = NAMES[CHINESE ? "zh" : "en"];
const find = (name) => element.querySelector(`.scroll-${name}`);
const root = (window.gradio_config?.root ?? "").replace(/\/$/, "");
const [frame, divider, any] = [find("frame"), find("divider"), find("any")];
let shown = null, map = null, top = 0, bounds = null, layers = {}, marks = null;
let spots = [], colour = COLOURS[0], spotting = false, split = 0.5;

function loadLeaflet() {
  window.danqingLeaflet ??= new Promise((done, fail) => {
    const style = document.createElement("link"), script = document.createElement("script");
    [style.rel, style.href, script.src] = ["stylesheet", `${root}/${FOLDER}/leaflet.css`, `${root}/${FOLDER}/leaflet.js`];
    [style.onload, style.onerror, script.onerror] = [() => document.head.append(script), fail, fail];
    script.onload = () => done(window.L);
    document.head.append(style);
  });
  return window.danqingLeaflet;
}

const address = (path) => path.split("/").map(encodeURIComponent).join("/");

function addTiles(folder, pane) {
  const sharp = window.devicePixelRatio > 1.5 ? 1 : 0; // such a screen shows the next finer level at half its size
  const Tiles = L.TileLayer.extend({
    getTileUrl(place) { return `${root}/gradio_api/file=${address(folder)}/${this._getZoomForUrl()}/${place.x}_${place.y}.jpg`; },
  });
  const layer = new Tiles("", {
    pane, bounds, tileSize: TILE >> sharp, zoomOffset: sharp, minNativeZoom: -sharp, maxNativeZoom: top - sharp,
    minZoom: -9, maxZoom: 99, noWrap: true, keepBuffer: 1, updateWhenIdle: false,
  });
  layer.on("tileerror", () => { find("gone").hidden = false; }); // results are kept for a while only
  layer.on("tileloadstart", ({ tile, coords }) => { // tiles at the right and lower edge are smaller than the others
    const shrunk = 2 ** (top - layer._getZoomForUrl()), scale = layer.getTileSize().x / TILE;
    const side = (whole, number) => Math.min(TILE, Math.ceil(whole / shrunk) - number * TILE) * scale;
    [tile.style.width, tile.style.height] = [`${side(shown.width, coords.x)}px`, `${side(shown.height, coords.y)}px`];
    tile.alt = "";
  });
  return layer.addTo(map);
}

function fitting() { // Leaflet's own answer would be held to the limits set for the size before
  const size = map.getSize();
  return Math.min(top + Math.log2(Math.min(size.x / shown.width, size.y / shown.height)), top + 1);
}
const actual = () => top - Math.log2(window.devicePixelRatio || 1); // a pixel of the picture is a pixel of the screen

function setLimits() {
  map.setMinZoom(Math.min(fitting(), actual()));
  map.setMaxZoom(Math.max(actual() + 2, fitting()));
}

function showWhole() {
  map.setView(bounds.getCenter(), fitting(), { animate: false });
}

function showHeight() { // as a scroll is read: all of its height, a part of its length
  map.setZoom(map.getZoom() + Math.log2(map.getSize().y / Math.abs(map.project(bounds.getSouthWest()).y - map.project(bounds.getNorthEast()).y)));
  map.panTo([bounds.getCenter().lat, map.getCenter().lng], { animate: false });
}

function resize() {
  const width = frame.clientWidth, phone = window.innerWidth < 640;
  if (!width || !shown) return;
  const tall = Math.min(620, window.innerHeight * (phone ? 0.55 : 0.72)); // a long scroll is low as a whole, not so when read
  const low = Math.min(phone ? 240 : 400, tall);
  frame.style.height = `${Math.round(Math.max(Math.min((width * shown.height) / shown.width, tall), low))}px`;
  if (!map) return;
  const whole = Math.abs(map.getZoom() - map.getMinZoom()) < 0.01;
  map.invalidateSize({ animate: false });
  setLimits();
  if (whole) showWhole();
  drawDivider();
}

function drawDivider() {
  const there = Boolean(layers.after);
  for (const part of [divider, find("before"), find("after")]) part.hidden = !there;
  if (!there) return;
  const size = map.getSize(), x = Math.round(size.x * split);
  const first = map.containerPointToLayerPoint([x, 0]), last = map.containerPointToLayerPoint(size);
  map.getPane("after").style.clip = `rect(${first.y}px, ${last.x}px, ${last.y}px, ${first.x}px)`;
  divider.style.left = `${x}px`;
  divider.setAttribute("aria-valuenow", Math.round(split * 100));
  [find("before").style.opacity, find("after").style.opacity] = [split > 0.12 ? 1 : 0, split < 0.88 ? 1 : 0];
}

function drawSpots() {
  marks?.clearLayers();
  spots.forEach(([x, y, fill], number) => {
    const mark = L.circleMarker(map.unproject([x, y], top), { radius: 9, color: "#fff", weight: 2, fillColor: fill, fillOpacity: 1 });
    mark.bindTooltip(texts.remove).on("click", (event) => {
      L.DomEvent.stop(event);
      spots.splice(number, 1);
      tell();
    });
    marks?.addLayer(mark);
  });
  find("undo").disabled = find("clear").disabled = !spots.length;
}

function tell() {
  drawSpots();
  find("apply").hidden = false;
  props.value = JSON.stringify(spots);
}

function addSpot(place) {
  const { x, y } = map.project(place, top);
  if (!spotting || x < 0 || y < 0 || x >= shown.width || y >= shown.height || spots.length >= MAX_SPOTS) return;
  spots.push([Math.floor(x), Math.floor(y), colour]);
  tell();
}

function setSpotting(on) {
  spotting = on;
  find("spot").setAttribute("aria-pressed", on);
  find("map").classList.toggle("scroll-spotting", on);
  find("spot_tip").hidden = !on;
}

function choose(chosen) {
  colour = any.value = chosen;
  element.querySelectorAll(".scroll-swatch").forEach((one) => one.setAttribute("aria-pressed", one.dataset.colour === chosen));
}

function setUnsure(on) {
  layers.unsure?.remove();
  layers.unsure = on ? L.imageOverlay(`${root}/gradio_api/file=${address(shown.unsure)}`, bounds, { pane: "unsure" }).addTo(map) : null;
  find("unsure").setAttribute("aria-pressed", on);
  find("unsure_tip").hidden = !on;
}

function openMap() {
  map?.remove();
  layers = {};
  map = L.map(find("map"), {
    crs: L.CRS.Simple, attributionControl: false, zoomControl: false, zoomSnap: 0, wheelPxPerZoomLevel: 110,
    maxBoundsViscosity: 1, scrollWheelZoom: false, doubleClickZoom: true, keyboardPanDelta: 120, boxZoom: true,
  });
  top = Math.ceil(Math.log2(Math.max(shown.width, shown.height)));
  bounds = L.latLngBounds(map.unproject([0, shown.height], top), map.unproject([shown.width, 0], top));
  for (const [name, level] of [["before", 200], ["after", 250], ["unsure", 300]]) map.createPane(name).style.zIndex = level;
  map.getPane("unsure").style.pointerEvents = "none";
  marks = L.layerGroup().addTo(map);
  map.getContainer().setAttribute("aria-label", texts.map);
  map.on("move zoomend viewreset resize", drawDivider);
  map.on("zoom", () => { find("zoom").textContent = `${Math.round(2 ** (map.getZoom() - actual()) * 100)} %`; });
  map.on("click", (event) => addSpot(event.latlng));
  map.on("focus", () => map.scrollWheelZoom.enable()); // until then the wheel moves the page
  map.on("blur", () => map.scrollWheelZoom.disable());
  resize();
  setLimits();
  map.setMaxBounds(bounds.pad(0.1));
  showWhole();
  layers.before = addTiles(shown.before, "before");
}

function draw(fresh) {
  if (fresh || !map) openMap();
  layers.after?.remove();
  layers.after = shown.after ? addTiles(shown.after, "after") : null;
  find("unsure").hidden = !shown.unsure;
  setUnsure(false);
  drawSpots();
  drawDivider();
}

function show() {
  const given = props.value || "";
  if (!given.startsWith("{")) return;
  const next = JSON.parse(given), fresh = Boolean(next.before);
  if (!fresh && next.of !== shown?.of) return; // a result of a picture that is gone
  if (fresh) [shown, spots, split] = [next, [], 0.5];
  else Object.assign(shown, next);
  find("apply").hidden = find("gone").hidden = true;
  props.value = JSON.stringify(spots);
  loadLeaflet().then(() => draw(fresh), () => {
    delete window.danqingLeaflet;
    frame.textContent = texts.missing;
  });
}

for (const [name, text] of Object.entries(texts)) {
  const part = find(name === "compare" ? "divider" : name);
  if (!part) continue;
  if (part.matches("input, .scroll-divider, .scroll-map, .scroll-in, .scroll-out, .scroll-actual")) part.setAttribute("aria-label", text);
  else part.textContent = text;
  if (part.matches("button, input, .scroll-divider")) part.title = text;
}
COLOURS.forEach((one, number) => {
  const swatch = document.createElement("button");
  [swatch.type, swatch.className, swatch.dataset.colour, swatch.title] = ["button", "scroll-swatch", one, names[number]];
  swatch.style.background = one;
  swatch.setAttribute("aria-label", names[number]);
  swatch.onclick = () => { choose(one); setSpotting(true); };
  find("swatches").append(swatch);
});
any.oninput = () => { choose(any.value); setSpotting(true); };
find("in").onclick = () => map?.zoomIn(1);
find("out").onclick = () => map?.zoomOut(1);
find("whole").onclick = () => map && showWhole();
find("height").onclick = () => map && showHeight();
find("actual").onclick = () => map?.setZoom(actual());
find("full").hidden = !document.fullscreenEnabled;
find("full").onclick = () => (document.fullscreenElement ? document.exitFullscreen() : frame.requestFullscreen());
find("unsure").onclick = () => setUnsure(!layers.unsure);
find("spot").onclick = () => setSpotting(!spotting);
find("apply").onclick = () => trigger("submit");
find("undo").onclick = () => { spots.pop(); tell(); };
find("clear").onclick = () => { spots = []; tell(); };
find("map").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && spotting) addSpot(map.getCenter());
});

function moveDivider(event) {
  const box = frame.getBoundingClientRect();
  split = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
  drawDivider();
}
divider.onpointerdown = (event) => { divider.setPointerCapture(event.pointerId); moveDivider(event); };
divider.onpointermove = (event) => { if (divider.hasPointerCapture(event.pointerId)) moveDivider(event); };
divider.onkeydown = (event) => {
  const step = { ArrowLeft: -0.05, ArrowRight: 0.05, Home: -1, End: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  split = Math.min(Math.max(split + step, 0), 1);
  drawDivider();
};

choose(COLOURS[0]);
new ResizeObserver(resize).observe(element);
watch("value", show);
show();
