"use strict";
// The arithmetic is that of quantlib/affine.py, in float32 as torch computes it: every step is rounded by Math.fround.

const float = Math.fround;
const QUANT_MIN = -128, QUANT_MAX = 127, LARGEST_ZERO_POINT = 2 ** 24;
const SMALLEST_SCALE = 2 ** -149, LARGEST_SCALE = 2 ** 128 - 2 ** 104; // of float32

function roundHalfToEven(value) {
  const up = Math.round(value); // a half goes up
  return up - value === 0.5 && up % 2 !== 0 ? up - 1 : up;
}

function check(s, z) {
  if (!(SMALLEST_SCALE <= s && s <= LARGEST_SCALE)) throw new RangeError("scale s must be finite and positive");
  if (!(Number.isInteger(z) && Math.abs(z) <= LARGEST_ZERO_POINT)) throw new RangeError("zero point z must be an integer");
}

// round(x / s + z): the code before the clamp.
function unclamped(x, s, z) {
  check(s, z);
  if (Number.isNaN(x)) throw new RangeError("NaN has no code");
  return roundHalfToEven(float(float(float(x) / float(s)) + z));
}

function quantize(x, s, z) {
  const code = Math.min(Math.max(unclamped(x, s, z), QUANT_MIN), QUANT_MAX);
  if (Number.isNaN(code)) throw new RangeError("NaN has no code");
  return code + 0; // no -0
}

function dequantize(q, s, z) {
  check(s, z);
  return float(float(q - z) * float(s));
}

// Everything that the page shows of nine numbers under a ruler.
function look(numbers, s, z) {
  const tiles = numbers.map(float).map(x => {
    const before = unclamped(x, s, z), q = quantize(x, s, z), back = dequantize(q, s, z);
    return { x, q, back, error: float(x - back), clips: before < QUANT_MIN || before > QUANT_MAX };
  });
  const low = s * (QUANT_MIN - z), high = s * (QUANT_MAX - z), clipped = tiles.filter(tile => tile.clips).length;
  return { s, z, tiles, low, high, clipped, norm: Math.hypot(...tiles.map(tile => tile.error)) };
}

// --- words, as quantlib/lab/words.py has them

// Four significant digits, a true minus sign, no trailing zeros.
function number(value) {
  if (!Number.isFinite(value)) return String(value).replace("Infinity", "∞").replace("-", "−");
  const [digits, exponent] = value.toExponential(3).split("e").map(part => part.replace("-", "−"));
  const power = Number(exponent.replace("−", "-"));
  if (Math.abs(value) >= 1e4) return `${digits}e+${String(power).padStart(2, "0")}`;
  if (value !== 0 && power < -4) return `${digits.replace(/\.?0+$/, "")}e−${String(-power).padStart(2, "0")}`;
  return String(Number(value.toPrecision(4))).replace("-", "−");
}

function clips(clipped, count) {
  if (!clipped) return "no value clips";
  return `${clipped} of ${count} values clip${clipped === 1 ? "s" : ""}`;
}

function sentence({ s, z, low, high, clipped, tiles, norm }) {
  const reach = `the levels reach from ${number(low)} to ${number(high)}; ${clips(clipped, tiles.length)}`;
  const length = norm < 1e6 ? norm.toFixed(4) : number(norm);
  return `s = ${number(s)} and z = ${number(z)}: ${reach}. Norm of the error: ${length}.`;
}

// A typed number, also with a true minus sign or a decimal comma; NaN if it is none. And back.
function parse(text) {
  const plain = text.trim().replaceAll("−", "-").replace(",", ".").replace(/^([+-]?)(inf|infinity|∞)$/i, "$1Infinity");
  return plain === "" ? NaN : Number(plain);
}
const spelled = value => String(value).replaceAll("-", "−").replace("Infinity", "∞");

// The largest of the numbers 1, 2 and 5 times a power of ten that is at most a little above the value.
function nice(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return clean([10, 5, 2, 1].find(k => k * power <= value * 1.01) * power);
}

function clean(value) { return Number(value.toPrecision(12)) + 0; }

// --- the page

const byId = id => document.getElementById(id);
const finite = numbers => numbers.map(float).filter(Number.isFinite);

// The slider of s and the ends of the number line that suit these numbers; for T, those of the notebook.
function room(numbers) {
  const least = Math.min(0, ...finite(numbers)), most = Math.max(0, ...finite(numbers)), span = most - least || 1;
  const step = nice(span / QUANT_MAX / 72), tick = nice(span / 9);
  return { step, tick, low: tick * Math.floor((least - 0.2 * span) / tick), high: tick * Math.ceil((most + 0.2 * span) / tick) };
}

// SVG in pixels, so that letters keep their size on every screen: elements are strings, joined and set at once.
const attributes = given => Object.entries(given).map(([name, value]) => ` ${name}="${value}"`).join("");
const element = (name, given, inside = "") => `<${name}${attributes(given)}>${inside}</${name}>`;
const path = (kind, d) => element("path", { class: kind, d });
const text = (x, y, said, kind = "", anchor = "middle") => element("text", { x, y, class: kind, "text-anchor": anchor }, said);

// How many levels lie between two that are drawn: closer than 4 pixels they would blur.
const sparse = (s, pixels) => 2 ** Math.max(0, Math.ceil(Math.log2(4 / (s * pixels))));

function drawRuler(view, { low, high, tick }, width) {
  const left = 62, right = width - 24, height = 178, values = 14, top = 72, bottom = 116, axis = 142;
  const pixels = (right - left) / (high - low), at = real => left + (real - low) * pixels;
  const inside = real => Math.min(Math.max(at(real), left), right);
  const every = sparse(view.s, pixels), marks = [];
  for (let q = QUANT_MIN; q <= QUANT_MAX; q++) {
    const x = at(view.s * (q - view.z));
    if ((q - view.z) % every === 0 && x >= left - 0.5 && x <= right + 0.5) marks.push(`M${x.toFixed(2)} ${top}V${bottom}`);
  }
  const ways = clipping => view.tiles.filter(tile => tile.clips === clipping)
    .map(({ x, back }) => `M${inside(x).toFixed(2)} ${values}L${inside(back).toFixed(2)} ${top}`).join("");
  const ticks = [], labelled = tick * Math.ceil(70 / (tick * pixels));
  for (let k = Math.ceil(low / labelled); k * labelled <= high + labelled * 1e-9; k++)
    ticks.push(path("axis", `M${at(k * labelled)} ${axis}v4`), text(at(k * labelled), axis + 17, number(clean(k * labelled)), "quiet"));
  const band = Math.max(0, inside(view.high) - inside(view.low));
  const svg = [
    element("rect", { class: "band", x: inside(view.low), y: top, width: band, height: bottom - top }),
    path("levels", marks.join("")),
    path("inside", ways(false)), path("outside", ways(true)),
    path("zero", `M${at(0)} ${top}V${bottom}`),
    ...view.tiles.map(({ x }) => element("circle", { class: "value", cx: inside(x), cy: values, r: 4.5 })),
    ...ends(view, at, left, right, bottom + 15),
    path("axis", `M${left} ${axis}H${right}`), ...ticks,
    text(left - 10, values + 4, "values", "", "end"), text(left - 10, (top + bottom) / 2 + 4, "levels", "quiet", "end"),
    text((left + right) / 2, height - 2, "real value r", "quiet"),
  ];
  const drawn = every > 1 ? ` (1 in ${every} drawn)` : "";
  return { svg: svg.join(""), height, title: `256 levels from ${number(view.low)} to ${number(view.high)}${drawn}`, at, left, pixels, low };
}

// The names of the first code, of z and of the last one, below their levels; with an arrow where the line ends.
function ends(view, at, left, right, y) {
  const [first, last] = [`q = ${number(QUANT_MIN)}`, `q = ${number(QUANT_MAX)}`], zero = at(0), room = 62;
  const low = Math.min(at(view.low), zero - 8), high = Math.max(at(view.high), zero + 8), names = [text(zero, y, "z", "code bold")];
  if (at(view.low) < left) names.push(text(left, y, `← ${first}`, "code", "start"));
  else if (at(view.low) < right) names.push(text(Math.max(low, left + room), y, first, "code", "end"));
  if (at(view.high) > right) names.push(text(right, y, `${last} →`, "code", "end"));
  else if (at(view.high) > left) names.push(text(Math.min(high, right - room), y, last, "code", "start"));
  return names;
}

const SAMPLES = 961; // of the staircase

function drawStairs(view, { step }, width, height) {
  const reach = 210 * step, left = 52, right = width - 62, top = 10, bottom = height - 46;
  const x = real => left + (real + reach) / (2 * reach) * (right - left), y = real => bottom - (real + reach) / (2 * reach) * (bottom - top);
  const steps = [], flat = [];
  let most = 0, before = "";
  for (let k = 0; k < SAMPLES; k++) {
    const real = float(reach * (2 * k / (SAMPLES - 1) - 1)), back = dequantize(quantize(real, view.s, view.z), view.s, view.z);
    const beyond = real < view.low - view.s / 2 || real > view.high + view.s / 2, line = beyond ? flat : steps;
    const kind = beyond ? "flat" : "steps", seen = Math.min(Math.max(y(back), top - 40), bottom + 40);
    line.push(`${kind === before ? "L" : "M"}${x(real).toFixed(2)} ${seen.toFixed(2)}`);
    before = kind;
    if (!beyond) most = Math.max(most, Math.abs(back - real));
  }
  const axis = [], tick = nice(reach / 1.9);
  for (let k = -Math.floor(reach / tick); k * tick <= reach; k++) {
    const said = number(clean(k * tick));
    axis.push(path("axis", `M${x(k * tick)} ${bottom}v4M${left} ${y(k * tick)}h-4`), text(x(k * tick), bottom + 17, said, "quiet"), text(left - 7, y(k * tick) + 4, said, "quiet", "end"));
  }
  const svg = [
    element("clipPath", { id: "stairs-window" }, element("rect", { x: left, y: top, width: right - left, height: bottom - top })),
    path("grid", `M${left} ${y(0)}H${right}M${x(0)} ${top}V${bottom}`),
    element("g", { "clip-path": "url(#stairs-window)" }, path("ideal", `M${x(-reach)} ${y(-reach)}L${x(reach)} ${y(reach)}`) + path("steps", steps.join("")) + path("flat", flat.join(""))),
    path("axis", `M${left} ${top}V${bottom}H${right}`), ...axis,
    text(right - 6, y(reach * 0.22), "no error", "", "end"),
    ...codes(view, reach, y, right + 8),
    text((left + right) / 2, height - 6, "value x, near 0.0", "quiet"),
    element("text", { class: "quiet", "text-anchor": "middle", transform: `translate(12 ${(top + bottom) / 2}) rotate(-90)` }, "what comes back"),
    element("text", { class: "code", "text-anchor": "middle", transform: `translate(${width - 6} ${(top + bottom) / 2}) rotate(-90)` }, "code q, z in bold"),
  ];
  const off = steps.length ? `at most ${number(most)} off on the ruler; 0 stays 0` : "all of this lies beyond the levels";
  const half = steps.length && most <= view.s / 2 * 1.001;
  return { svg: svg.join(""), title: half ? `at most s/2 = ${number(clean(view.s / 2))} off on the ruler; 0 stays 0` : off };
}

// The codes of the levels, on the right of the stairs: as many as there is room for, and z always.
function codes(view, reach, y, x) {
  const least = 17 / ((y(0) - y(reach)) / reach), every = Math.ceil(least / view.s), names = [];
  for (let k = -Math.floor(reach / (every * view.s)); k * every * view.s <= reach; k++) {
    const code = view.z + k * every;
    if (code >= QUANT_MIN && code <= QUANT_MAX) names.push(text(x, y(k * every * view.s) + 4, number(code), k ? "code" : "code bold", "start"));
  }
  return names;
}

function start() {
  const matrix = JSON.parse(document.querySelector("main").dataset.matrix).flat();
  const begin = { s: 3.5, z: -70 };
  let numbers = [...matrix], { s, z } = begin, place = room(numbers), ruler = null;
  const [scale, zero, scaleTyped, zeroTyped] = ["scale", "zero", "scale-typed", "zero-typed"].map(byId);

  byId("tiles").innerHTML = matrix.map((_, k) => `<div class="tile"><input aria-label="number ${k + 1}" autocomplete="off" inputmode="text">
    <output class="q"></output><span class="back"></span><span class="error"></span></div>`).join("");
  const tiles = [...document.querySelectorAll(".tile")].map(tile => ({
    tile, input: tile.querySelector("input"), q: tile.querySelector(".q"), back: tile.querySelector(".back"), error: tile.querySelector(".error"),
  }));

  // Write a value into a field, unless somebody is typing there.
  const fill = (field, said) => { if (document.activeElement !== field) field.value = said; };

  function draw() {
    const view = look(numbers, s, z);
    Object.assign(scale, { min: 5 * place.step, max: 80 * place.step, step: place.step });
    scale.value = s;
    zero.value = z;
    scale.setAttribute("aria-valuetext", number(s));
    zero.setAttribute("aria-valuetext", number(z));
    fill(scaleTyped, spelled(s));
    fill(zeroTyped, spelled(z));
    byId("said").textContent = sentence(view);
    ruler = drawRuler(view, place, byId("ruler").clientWidth);
    show("ruler", ruler, ruler.height);
    const { clientWidth, clientHeight } = byId("stairs");
    show("stairs", drawStairs(view, place, clientWidth, clientHeight), clientHeight);
    byId("tiles-title").textContent = clips(view.clipped, numbers.length);
    view.tiles.forEach((one, k) => fillTile(tiles[k], one, numbers[k]));
  }

  function show(id, { svg, title }, height) {
    const picture = byId(id);
    picture.setAttribute("viewBox", `0 0 ${picture.clientWidth} ${height}`);
    picture.innerHTML = svg;
    byId(`${id}-title`).textContent = title;
  }

  function fillTile({ tile, input, q, back, error }, one, typed) {
    tile.classList.toggle("clips", one.clips);
    fill(input, spelled(typed));
    q.textContent = number(one.q);
    back.textContent = number(one.back);
    error.textContent = `error ${number(one.error)}`;
  }

  // What is typed counts at once if it is a number; else the last one stays, and the page says why.
  function typed(field, accept) {
    field.addEventListener("input", () => {
      try {
        accept(parse(field.value));
        field.removeAttribute("aria-invalid");
        draw();
      } catch (error) {
        field.setAttribute("aria-invalid", "true");
        byId("said").textContent = `${error.message}: the last value stays.`;
      }
    });
    field.addEventListener("blur", () => { field.removeAttribute("aria-invalid"); draw(); });
  }

  function setScale(value) { check(value, z); s = value; }
  function setZero(value) {
    check(s, value);
    if (value < QUANT_MIN || value > QUANT_MAX) throw new RangeError("z is a code, from −128 to 127");
    z = value;
  }
  function setNumbers(given) {
    if (given.some(Number.isNaN)) throw new RangeError("Only a number has a code");
    numbers = given;
    place = room(numbers);
  }

  scale.addEventListener("input", () => { setScale(clean(scale.valueAsNumber)); draw(); });
  zero.addEventListener("input", () => { setZero(zero.valueAsNumber); draw(); });
  typed(scaleTyped, setScale);
  typed(zeroTyped, setZero);
  tiles.forEach(({ input }, k) => {
    typed(input, value => setNumbers(numbers.with(k, value)));
    input.addEventListener("focus", () => input.select());
    input.addEventListener("paste", event => {
      const pasted = event.clipboardData.getData("text").split(/[\s;[\]]+|,\s+/).filter(Boolean).map(parse);
      if (pasted.length < 2 || pasted.some(Number.isNaN)) return;
      event.preventDefault();
      setNumbers(numbers.map((old, at) => pasted[at - k] ?? old));
      input.blur();
      draw();
    });
  });
  byId("controls").addEventListener("submit", event => event.preventDefault());
  byId("reset").addEventListener("click", () => {
    setNumbers([...matrix]);
    ({ s, z } = begin);
    draw();
  });
  drag(byId("ruler"), () => ({ s, z, place, ruler }), (wantedS, wantedZ) => {
    const steps = Math.round(Math.min(Math.max(wantedS / place.step, 5), 80));
    setScale(wantedS === s ? s : clean(steps * place.step));
    setZero(Math.min(Math.max(Math.round(wantedZ), QUANT_MIN), QUANT_MAX));
    draw();
  });
  new ResizeObserver(draw).observe(document.querySelector("main"));
  draw();
}

// A ruler under a pointer: the mark that is pressed stays under it. In its middle it slides, at an end it stretches.
function drag(picture, now, move) {
  const real = (event, { ruler }) => ruler.low + (event.clientX - picture.getBoundingClientRect().left - ruler.left) / ruler.pixels;
  let follow = null;
  function atAnEnd({ s, z, place }, x) {
    const low = s * (QUANT_MIN - z), high = s * (QUANT_MAX - z), near = Math.min(0.03 * (place.high - place.low), (high - low) / 4);
    return [low, high].some(end => end >= place.low && end <= place.high && Math.abs(end) > 2 * near && Math.abs(x - end) <= near);
  }
  picture.addEventListener("pointerdown", event => {
    if (event.button !== 0) return;
    const held = now(), x = real(event, held), q = x / held.s + held.z;
    follow = atAnEnd(held, x) ? x => [x / (q - held.z), held.z] : x => [held.s, q - x / held.s];
    picture.setPointerCapture(event.pointerId);
  });
  picture.addEventListener("pointermove", event => {
    picture.style.cursor = atAnEnd(now(), real(event, now())) ? "ew-resize" : "grab";
    if (follow) move(...follow(real(event, now())));
  });
  for (const end of ["pointerup", "pointercancel"]) picture.addEventListener(end, () => { follow = null; });
}

// As the book beside it: its light or dark theme, and a way back, if the reader came from there.
try { document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "auto"; } catch { /* no storage */ }
byId("back").hidden = !location.search.includes("from=book");
start();
