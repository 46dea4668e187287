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
  const positive = SMALLEST_SCALE <= s && s <= LARGEST_SCALE;
  const whole = Number.isInteger(z) && Math.abs(z) <= LARGEST_ZERO_POINT;
  if (!positive) throw new RangeError("scale s must be finite and positive");
  if (!whole) throw new RangeError("zero point z must be an integer");
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
  if (!Number.isFinite(value)) return spelled(value);
  const near = rounded(value), [digits, power] = near.toExponential(3).split("e");
  const ten = `e${power[0]}${power.slice(1).padStart(2, "0")}`;
  if (Math.abs(value) >= 1e4) return spelled(digits + ten);
  const plain = near === 0 || (1e-4 <= Math.abs(near) && Math.abs(near) < 1e4);
  return spelled(plain ? near : Number(digits) + ten);
}
const spelled = value => String(value).replaceAll("-", "−").replace("Infinity", "∞");

// The nearest number of four digits, of two the one with an even last digit, as in Python; toPrecision takes the larger.
function rounded(value) {
  const size = Math.abs(value), [digits, power] = size.toExponential(60).split("e");
  const down = /^\d\.\d{2}[02468]50*$/.test(digits);
  return Math.sign(value) * Number(down ? `${digits.slice(0, 5)}e${power}` : size.toPrecision(4)) + 0;
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

// A typed number, also with a true minus sign, a decimal comma or an infinity; NaN if it is none.
function parse(text) {
  const plain = text.trim().replaceAll("−", "-").replace(",", ".");
  return plain === "" ? NaN : Number(plain.replace(/^([+-]?)(inf|infinity|∞)$/i, "$1Infinity"));
}

// The largest of the numbers 1, 2 and 5 times a power of ten that is at most a little above the value.
function nice(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return clean([10, 5, 2, 1].find(k => k * power <= value * 1.01) * power);
}

function clean(value) { return Number(value.toPrecision(12)) + 0; }

// --- the page

const byId = id => document.getElementById(id);
const finite = numbers => numbers.map(float).filter(Number.isFinite);

// The step of the slider of s and the ends of the number line that suit these numbers; for T, those of the notebook.
function room(numbers) {
  const least = Math.min(0, ...finite(numbers)), most = Math.max(0, ...finite(numbers)), span = most - least || 1;
  const step = nice(span / QUANT_MAX / 72), tick = nice(span / 9);
  const low = tick * Math.floor((least - 0.2 * span) / tick), high = tick * Math.ceil((most + 0.2 * span) / tick);
  return { step, tick, low, high };
}

// SVG in pixels, so that letters keep their size on every screen: elements are strings, joined and set at once.
const attributes = given => Object.entries(given).map(([name, value]) => ` ${name}="${value}"`).join("");
const element = (name, given, inside = "") => `<${name}${attributes(given)}>${inside}</${name}>`;
const path = (kind, d) => element("path", { class: kind, d });
const box = (kind, left, top, right, bottom) =>
  element("rect", { class: kind, x: left, y: top, width: Math.max(0, right - left), height: bottom - top });
const text = (x, y, said, kind = "", anchor = "middle") =>
  element("text", { x, y, class: kind, "text-anchor": anchor }, said);
const upright = (x, y, said, kind) =>
  element("text", { class: kind, "text-anchor": "middle", transform: `translate(${x} ${y}) rotate(-90)` }, said);
const between = (value, low, high) => Math.min(Math.max(value, low), high);
const multiples = (tick, low, high) => { // of a tick, from low to high
  const first = Math.ceil(low / tick - 1e-9), count = Math.floor(high / tick + 1e-9) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, k) => clean((first + k) * tick));
};

// Where things are on the number line, in pixels of a picture of this width.
function ruling({ low, high, tick }, width) {
  const left = 62, right = width - 24, pixels = (right - left) / (high - low);
  const at = real => left + (real - low) * pixels, inside = real => between(at(real), left, right);
  return { left, right, low, high, tick, pixels, at, inside };
}
const RULER = { height: 178, values: 14, top: 72, bottom: 116, names: 131, axis: 142 }; // from the top, in pixels

function drawRuler(view, line) {
  const { left, right, at, inside } = line, { height, values, top, bottom, axis } = RULER;
  const every = sparse(view.s, line.pixels);
  const svg = [
    box("band", inside(view.low), top, inside(view.high), bottom),
    path("levels", levels(view, line, every)),
    path("inside", ways(view, line, false)),
    path("outside", ways(view, line, true)),
    path("zero", `M${at(0)} ${top}V${bottom}`),
    ...view.tiles.map(({ x }) => element("circle", { class: "value", cx: inside(x), cy: values, r: 4.5 })),
    ...ends(view, line),
    path("axis", `M${left} ${axis}H${right}`),
    ...multiples(line.tick * Math.ceil(70 / (line.tick * line.pixels)), line.low, line.high).map(
      real => path("axis", `M${at(real)} ${axis}v4`) + text(at(real), axis + 17, number(real), "quiet")),
    text(left - 10, values + 4, "values", "", "end"),
    text(left - 10, (top + bottom) / 2 + 4, "levels", "quiet", "end"),
    text((left + right) / 2, height - 2, "real value r", "quiet"),
  ];
  const drawn = 1 < every && every < 256 ? ` (1 in ${every} drawn)` : "";
  return { svg: svg.join(""), title: `256 levels from ${number(view.low)} to ${number(view.high)}${drawn}` };
}

// One level of how many is drawn: closer than 4 pixels they would blur.
const sparse = (s, pixels) => 2 ** Math.max(0, Math.ceil(Math.log2(4 / (s * pixels))));

function levels({ s, z }, { at, left, right }, every) {
  const codes = Array.from({ length: QUANT_MAX - QUANT_MIN + 1 }, (_, k) => QUANT_MIN + k);
  const places = codes.filter(q => (q - z) % every === 0).map(q => at(s * (q - z)));
  const seen = places.filter(x => left - 0.5 <= x && x <= right + 0.5);
  return seen.map(x => `M${x.toFixed(2)} ${RULER.top}V${RULER.bottom}`).join("");
}

// From each value to the level that it comes back as.
function ways({ tiles }, { inside }, clips) {
  const chosen = tiles.filter(tile => tile.clips === clips);
  const ends = chosen.map(({ x, back }) => [inside(x).toFixed(2), inside(back).toFixed(2)]);
  return ends.map(([from, to]) => `M${from} ${RULER.values}L${to} ${RULER.top}`).join("");
}

// The names of the first code, of z and of the last one, below their levels; with an arrow where the line ends.
function ends(view, { at, left, right }) {
  const wide = 62, y = RULER.names, [first, last] = [QUANT_MIN, QUANT_MAX].map(code => `q = ${number(code)}`);
  const zero = at(0), low = Math.min(at(view.low), zero - 8), high = Math.max(at(view.high), zero + 8);
  const names = [text(zero, y, "z", "code bold")];
  const arrow = room => room < wide + 16; // there is room for no more
  if (at(view.low) < left) names.push(text(left, y, arrow(zero - left) ? "←" : `← ${first}`, "code", "start"));
  else if (at(view.low) < right) names.push(text(Math.max(low, left + wide), y, first, "code", "end"));
  if (at(view.high) > right) names.push(text(right, y, arrow(right - zero) ? "→" : `${last} →`, "code", "end"));
  else if (at(view.high) > left) names.push(text(Math.min(high, right - wide), y, last, "code", "start"));
  return names;
}

const SAMPLES = 961; // of the staircase

function drawStairs(view, { step }, width, height) {
  const reach = 210 * step, left = 52, right = width - 62, top = 10, bottom = height - 46;
  const x = real => left + (real + reach) / (2 * reach) * (right - left);
  const y = real => bottom - (real + reach) / (2 * reach) * (bottom - top);
  const stairs = climb(view, reach, x, real => between(y(real), top - 40, bottom + 40));
  const ideal = path("ideal", `M${x(-reach)} ${y(-reach)}L${x(reach)} ${y(reach)}`);
  const svg = [
    element("clipPath", { id: "window" }, box("", left, top, right, bottom)),
    path("grid", `M${left} ${y(0)}H${right}M${x(0)} ${top}V${bottom}`),
    element("g", { "clip-path": "url(#window)" }, ideal + path("steps", stairs.steps) + path("flat", stairs.flat)),
    path("axis", `M${left} ${top}V${bottom}H${right}`),
    ...multiples(nice(reach / 1.9), -reach, reach).map(real =>
      path("axis", `M${x(real)} ${bottom}v4M${left} ${y(real)}h-4`) +
      text(x(real), bottom + 17, number(real), "quiet") + text(left - 7, y(real) + 4, number(real), "quiet", "end")),
    text(right - 6, y(reach * 0.22), "no error", "", "end"),
    ...codes(view, reach, y, right + 8),
    text((left + right) / 2, height - 6, "value x, near 0.0", "quiet"),
    upright(12, (top + bottom) / 2, "what comes back", "quiet"),
    upright(width - 6, (top + bottom) / 2, "code q, z in bold", "code"),
  ];
  return { svg: svg.join(""), title: climbed(view, stairs) };
}

// The stairs as two paths, on the ruler and beyond it, and how far they are from no error on the ruler.
function climb({ s, z, low, high }, reach, x, y) {
  const paths = { steps: "", flat: "" };
  let most = 0, before = "";
  for (let k = 0; k < SAMPLES; k++) {
    const real = float(reach * (2 * k / (SAMPLES - 1) - 1)), back = dequantize(quantize(real, s, z), s, z);
    const kind = real < low - s / 2 || real > high + s / 2 ? "flat" : "steps";
    paths[kind] += `${kind === before ? "L" : "M"}${x(real).toFixed(2)} ${y(back).toFixed(2)}`;
    if (kind === "steps") most = Math.max(most, Math.abs(back - real));
    before = kind;
  }
  return { ...paths, most };
}

function climbed({ s }, { steps, most }) {
  if (!steps) return "all of this lies beyond the levels";
  const off = most <= s / 2 * 1.001 ? `at most s/2 = ${number(clean(s / 2))}` : `up to ${number(most)}`;
  return `${off} off on the ruler; 0 stays 0`;
}

// The codes of the levels, on the right of the stairs: as many as there is room for, and z always.
function codes({ s, z }, reach, y, x) {
  const least = 17 * reach / (y(0) - y(reach)), every = Math.ceil(least / s), most = Math.floor(reach / (every * s));
  const steps = Array.from({ length: 2 * most + 1 }, (_, k) => (k - most) * every);
  const seen = steps.filter(k => QUANT_MIN <= z + k && z + k <= QUANT_MAX);
  return seen.map(k => text(x, y(k * s) + 4, number(z + k), k ? "code" : "code bold", "start"));
}

function start() {
  const matrix = JSON.parse(document.querySelector("main").dataset.matrix).flat();
  const begin = { s: 3.5, z: -70 };
  let numbers = [...matrix], { s, z } = begin, place = room(numbers);
  const line = () => ruling(place, byId("ruler").clientWidth);
  const [scale, zero, scaleTyped, zeroTyped] = ["scale", "zero", "scale-typed", "zero-typed"].map(byId);

  byId("tiles").innerHTML = matrix.map((_, k) => `<div class="tile">
    <input aria-label="number ${k + 1}" autocomplete="off">
    <span class="q"></span><span class="back"></span><span class="error"></span></div>`).join("");
  const tiles = [...document.querySelectorAll(".tile")].map(tile => {
    const [input, q, back, error] = tile.children;
    return { tile, input, q, back, error };
  });

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
    show("ruler", drawRuler(view, line()), RULER.height);
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
  drag(byId("ruler"), () => ({ s, z, line: line() }), (wantedS, wantedZ) => {
    setScale(wantedS === s ? s : clean(between(Math.round(wantedS / place.step), 5, 80) * place.step));
    setZero(between(Math.round(wantedZ), QUANT_MIN, QUANT_MAX));
    draw();
  });
  new ResizeObserver(draw).observe(document.querySelector("main"));
  draw();
}

// A ruler under a pointer: the mark that is pressed stays under it. In its middle it slides, at an end it stretches.
function drag(picture, now, move) {
  let follow = null;
  const real = (event, { left, low, pixels }) =>
    low + (event.clientX - picture.getBoundingClientRect().left - left) / pixels;
  function isAtAnEnd({ s, z, line }, x) {
    const low = s * (QUANT_MIN - z), high = s * (QUANT_MAX - z);
    const near = Math.min(0.03 * (line.high - line.low), (high - low) / 4);
    const ends = [low, high].filter(end => line.low <= end && end <= line.high && Math.abs(end) > 2 * near);
    return ends.some(end => Math.abs(x - end) <= near);
  }
  picture.addEventListener("pointerdown", event => {
    if (event.button !== 0) return;
    const held = now(), { s, z } = held, x = real(event, held.line), q = x / s + z;
    follow = isAtAnEnd(held, x) ? x => [x / (q - z), z] : x => [s, q - x / s];
    picture.setPointerCapture(event.pointerId);
  });
  picture.addEventListener("pointermove", event => {
    const held = now(), x = real(event, held.line);
    if (follow) move(...follow(x));
    else picture.style.cursor = isAtAnEnd(held, x) ? "ew-resize" : "grab";
  });
  for (const end of ["pointerup", "pointercancel"]) picture.addEventListener(end, () => { follow = null; });
}

// As the book beside it: its light or dark theme, and a way back, if the reader came from there.
try {
  document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "auto";
} catch { /* the browser keeps nothing for this page */ }
byId("back").hidden = !location.search.includes("from=book");
start();
