// What the pads and explorers share: a place of their own on the page, elements, controls, numbers unpacked.

/** An element with attributes and children. `on...` listens to an event; a string becomes text, never HTML. */
export function make(tag, attributes = {}, ...children) {
  const [name, space] = tag.split(':').reverse()
  const e = space ? document.createElementNS('http://www.w3.org/2000/svg', name) : document.createElement(name)
  for (const [key, value] of Object.entries(attributes))
    if (key.startsWith('on')) e.addEventListener(key.slice(2), value)
    else e.setAttribute(key, value)
  e.append(...children)
  return e
}

/**
 * Puts what `build` makes of `data` in the place of the picture in each element that waits for it.
 * A shadow root keeps its style and its names apart from the page's. If `build` fails, the picture stays.
 */
export async function start(id, build, data, style) {
  for (const host of document.querySelectorAll(`[data-play="${id}"]`)) {
    if (host.dataset.started) continue
    host.dataset.started = 'yes'
    host.dataset.lmSuppressShortcuts = 'true'  // or JupyterLab takes our keys for its own
    const built = await build(data, host)
    host.attachShadow({mode: 'open'}).append(make('style', {}, style), built)
  }
}

export function button(text, onclick) { return make('button', {type: 'button', onclick}, text) }

/** A slider with its name and its value in words. `value` is its number, and `show` turns that into words. */
export function slider({label, min, max, step, value, show = String}) {
  const output = make('output', {'aria-hidden': 'true'})
  const input = make('input', {type: 'range', min, max, step, value, 'aria-label': label, oninput: tell})
  function tell() {
    output.textContent = show(Number(input.value))
    input.setAttribute('aria-valuetext', output.textContent)
  }
  tell()
  const element = make('label', {class: 'slider'}, make('span', {}, `${label} `, output), input)
  return {element, get value() { return Number(input.value) }}
}

/** A slider over the numbers of a list. */
export function choice(label, choices, value) {
  const show = i => String(choices[i])
  const by = slider({label, min: 0, max: choices.length - 1, step: 1, value: choices.indexOf(value), show})
  return {element: by.element, get value() { return choices[by.value] }}
}

/** A box to tick, ticked at first. */
export function checkbox(label) {
  const input = make('input', {type: 'checkbox', checked: ''})
  return {element: make('label', {}, input, ` ${label}`), get value() { return input.checked }}
}

/** `n` in a few digits, as Python's `:.3g` in plain numbers. */
export function brief(n) { return Number(n.toPrecision(3)).toString() }

/** The bytes of a base64 text. */
export function unpack(base64) { return Uint8Array.from(atob(base64), c => c.charCodeAt(0)) }

/** What Python's `zlib.compress` has packed. */
export async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

/** The number that 16 bits stand for (IEEE 754, without infinity and nan). */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = (bits & 1023)/1024
  return sign*(exponent ? 2**(exponent - 15)*(1 + fraction) : 2**-14*fraction)
}

/** A tensor from its shape, type and base64. */
export function tensor({shape, dtype, base64}) {
  const {buffer} = unpack(base64)
  const data = dtype === 'float16' ? Float32Array.from(new Uint16Array(buffer), half) : new Float32Array(buffer)
  return {shape, data}
}

/** Layers as Python has packed them, with their tensors as numbers. */
export function unpackLayers(layers) {
  return layers.map(layer => Object.fromEntries(
    Object.entries(layer).map(([key, value]) => [key, value?.base64 === undefined ? value : tensor(value)])))
}
