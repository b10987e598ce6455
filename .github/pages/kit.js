// --- what all pages share: sliders, an address that keeps their values, curves ---------------------------------------

const byId = id => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const sliders = Object.create(null);  // name: slider

/**
 * A slider. `of` turns its position into a value, `back` a value into a position, `show` a value into words.
 * Its input has the id `name`, its words appear in `name-shown`.
 */
function slider(name, { of = p => p, back = v => v, show = String } = {}) {
  const input = byId(name);
  sliders[name] = {
    get value() { return of(Number(input.value)); },
    set value(value) { input.value = back(value); },
    tell() {
      const words = show(of(Number(input.value)));
      byId(`${name}-shown`).textContent = words;
      input.setAttribute("aria-valuetext", words);
    },
  };
  input.addEventListener("input", changed);
  return sliders[name];
}

const LOG = { of: position => 10 ** position, back: Math.log10 };  // for a slider over powers of ten

/** Set sliders as "name=value&name=value" says; what it does not name, or names badly, stays. */
function setAll(text) {
  for (const [name, value] of new URLSearchParams(text)) {
    if (name in sliders && value !== "" && Number.isFinite(Number(value))) sliders[name].value = Number(value);
  }
}

let linkTimer = 0;

/** Draw the page again, and keep the values in its address once nothing has changed for a moment. */
function changed() {
  repaint();
  clearTimeout(linkTimer);
  linkTimer = setTimeout(() => {
    const parts = Object.entries(sliders).map(([name, { value }]) => `${name}=${Number(value.toPrecision(6))}`);
    history.replaceState(null, "", `#${parts.join("&")}`);
  }, 150);
}

function repaint() {
  Object.values(sliders).forEach(slider => slider.tell());
  paint();
}

/** Begin: each page calls this last. `paint` is the page's own. */
function start() {
  for (const button of document.querySelectorAll("button[data-set]")) {
    button.addEventListener("click", () => { setAll(button.dataset.set); changed(); });
  }
  const follow = () => { setAll(location.hash.slice(1)); repaint(); };
  addEventListener("hashchange", follow);
  addEventListener("resize", repaint);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  follow();
}

/** Write a number with so many significant digits, and a real minus sign. */
function number(value, digits = 3) {
  if (!Number.isFinite(value)) return "∞";
  const small = value !== 0 && Math.abs(value) < 1e-4;
  const text = small ? value.toExponential(digits - 1) : Number(value.toPrecision(digits)).toLocaleString("en",
    { maximumFractionDigits: 8 });
  return text.replace("-", "−");
}

const whole = value => Math.round(value).toLocaleString("en");
const percent = value => `${(100 * value).toFixed(1)} %`;

/** Say in the verdict: a headline, and a sentence after it. */
function say(headline, sentence) {
  const bold = document.createElement("b");
  bold.textContent = headline;
  byId("verdict").replaceChildren(bold, sentence);
}

/** Add an SVG element. */
function add(parent, name, attributes, text = "") {
  const element = parent.appendChild(document.createElementNS("http://www.w3.org/2000/svg", name));
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  if (text) element.textContent = text;
  return element;
}

/** Where the ticks of an axis stand: powers of ten, or round numbers. */
function ticks([low, high, isLog]) {
  if (isLog) {
    const all = [];
    const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
    const by = Math.ceil((last - first + 1) / 6);
    for (let k = first; k <= last; k += by) all.push(10 ** k);
    return all;
  }
  const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find(m => m * power >= rough * 0.99);
  const all = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) all.push(k * step);
  return all;
}

const SUPER = [..."⁰¹²³⁴⁵⁶⁷⁸⁹"];

/** The words of a tick: powers of ten beyond thousands as such. */
function tickText(value, isLog) {
  if (!isLog || (value < 9999 && value > 0.005)) return Number(value.toPrecision(6)).toLocaleString("en").replace("-", "−");
  const power = Math.round(Math.log10(value));
  return `10${power < 0 ? "⁻" : ""}${[...String(Math.abs(power))].map(digit => SUPER[digit]).join("")}`;
}

/**
 * Empty an SVG element and draw axes into it. x, y: [low, high, isLog].
 * Returns how to draw on it: X and Y turn values into places, curve, dot, bar and word draw.
 */
function plot(id, x, y, xLabel, yLabel, options = {}) {
  const svg = byId(id), { width, height } = svg.getBoundingClientRect();
  const [left, right, top, bottom] = [48, 18, 26, 36];
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const map = ([low, high, isLog], from, to) => {
    const f = isLog ? value => Math.log(Math.max(value, 1e-300)) : value => value;
    return value => from + (to - from) * (f(value) - f(low)) / (f(high) - f(low));
  };
  const X = map(x, left, width - right), Y = map(y, height - bottom, top);
  const clip = add(add(svg, "clipPath", { id: `${id}-clip` }), "rect", { x: left, y: top, width: width - left - right,
    height: height - top - bottom });
  clip.parentNode.dataset.for = id;
  for (const value of options.xTicks ?? ticks(x)) {
    add(svg, "path", { class: "grid", d: `M${X(value)} ${top}V${height - bottom}` });
    add(svg, "text", { class: "soft middle", x: X(value), y: height - bottom + 15 }, tickText(value, x[2]));
  }
  for (const value of options.yTicks ?? ticks(y)) {
    add(svg, "path", { class: "grid", d: `M${left} ${Y(value)}H${width - right}` });
    add(svg, "text", { class: "soft end", x: left - 6, y: Y(value) + 4 }, tickText(value, y[2]));
  }
  add(svg, "text", { class: "soft end", x: width - right, y: height - 5 }, xLabel);
  add(svg, "text", { class: "soft", x: 2, y: 13 }, yLabel);
  const inside = add(svg, "g", { "clip-path": `url(#${id}-clip)` });
  return {
    svg, inside, X, Y,
    curve(points, kind, more = {}) {
      const far = place => Math.max(-1e5, Math.min(1e5, place)).toFixed(1);
      const d = points.map(([a, b]) => `${far(X(a))} ${far(Y(b))}`).join("L");
      return add(inside, "path", { class: `curve ${kind}`, d: `M${d}`, ...more });
    },
    dot(a, b, r, kind) { return add(inside, "circle", { class: kind, cx: X(a), cy: Y(b), r }); },
    bar(a, b, high, kind) {
      return add(inside, "rect", { class: kind, x: X(a), y: Y(high), width: Math.max(0, X(b) - X(a) - 1),
        height: Math.max(0, Y(0) - Y(high)) });
    },
    word(a, b, text, kind = "") { return add(inside, "text", { class: kind, x: X(a), y: Y(b) }, text); },
  };
}
