// --- data: what the page was given -----------------------------------------------------------------------------------

const byId = id => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const { meta, test } = data;
const names = meta.class_names;
const [rows, cols] = meta.input_shape;
const sizes = data.sizes;        // units of every level: pixels, units of each hidden layer, classes
const last = sizes.length - 1;   // levels are 0 (pixels), 1, ... (units) and last (classes); layer k leads from k to k + 1

const TYPES = { u1: Uint8Array, i1: Int8Array, i4: Int32Array, f4: Float32Array };

/** Inflate the arrays of the page, {name: typed array}; `data.arrays` says where each begins and what it holds. */
async function inflate() {
  const packed = Uint8Array.from(atob(byId("arrays").textContent), c => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  return Object.fromEntries(Object.entries(data.arrays).map(
    ([name, { type, at, length }]) => [name, new TYPES[type](buffer, at, length)]));
}

const arrays = await inflate().catch(error => {
  byId("summary").textContent = "This browser cannot unpack the page: it needs DecompressionStream, as browsers have " +
    "since 2023.";
  throw error;
});

/** Unpack bytes of two pixels each, the first in the high half, to `count` pixels of 0 to 255. */
function unpackHalves(bytes, count) {
  return Uint8Array.from({ length: count }, (_, i) => 17 * (i % 2 ? bytes[i >> 1] & 15 : bytes[i >> 1] >> 4));
}

const sum = numbers => numbers.reduce((a, b) => a + b, 0);
const argmax = numbers => numbers.indexOf(Math.max(...numbers));
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// Numbers and names as the page shows them.
const number = value => value.toLocaleString("en");
const percent = value => `${(100 * value).toFixed(1)} %`;
const signed = value => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);
const count = (n, word) => `${number(n)} ${word}${n === 1 ? "" : "s"}`;
const shorten = (text, most = 24) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
const nameOf = index => shorten(names[index]);
const say = (id, text) => {  // a screen reader would repeat a text that is written again
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
};
