// A pad to draw a digit on, and what a network says of it at once.
import {predict, probabilities} from './nn.js'
import {button, make, unpackLayers} from './page.js'
import {prepare} from './prepare.js'

const side = 280, pen = 22  // the width and height of the pad, and the width of its line
const caption = 'what the network sees'
const moves = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}

/** An image of MNIST as the network wants it. */
export function scale({data}, {shape, mean, std}) {
  return {shape, data: Float32Array.from(data, v => (v/255 - mean)/std)}
}

/** A stroke that begins where it ends is a dot, which needs some length to be drawn. */
function line(stroke) { return stroke.length > 1 ? stroke : [stroke[0], [stroke[0][0] + 0.01, stroke[0][1]]] }

/** The strokes as grey pixels, black on white. */
function rasterize(strokes, canvas) {
  const context = canvas.getContext('2d', {willReadFrequently: true})
  context.fillStyle = 'white'
  context.fillRect(0, 0, side, side)
  Object.assign(context, {lineWidth: pen, lineCap: 'round', lineJoin: 'round', strokeStyle: 'black'})
  for (const stroke of strokes) {
    context.beginPath()
    for (const point of line(stroke)) context.lineTo(...point)
    context.stroke()
  }
  const {data} = context.getImageData(0, 0, side, side)
  return {shape: [side, side], data: data.filter((_, i) => i%4 === 0)}
}

/** Shows an image of 28 x 28 bytes, white on black as the network sees it. */
function show(image, canvas) {
  const pixels = new ImageData(28, 28)
  image.data.forEach((v, i) => pixels.data.set([v, v, v, 255], 4*i))
  canvas.getContext('2d').putImageData(pixels, 0, 0)
}

/** A bar for each class: `set(probabilities)` sets them, and without probabilities they are empty. */
function bars(classes) {
  const rows = classes.map(name => {
    const fill = make('i'), text = make('span', {class: 'percent'})
    const aria = {role: 'meter', 'aria-label': name, 'aria-valuemin': 0, 'aria-valuemax': 100}
    const meter = make('span', {class: 'bar', ...aria}, fill)
    return {fill, text, meter, element: make('div', {class: 'row'}, make('span', {}, name), meter, text)}
  })
  const set = ps => rows.forEach(({fill, text, meter, element}, i) => {
    const percent = ps ? Math.round(100*ps[i]) : 0
    fill.style.width = `${percent}%`
    text.textContent = ps ? `${percent}%` : ''
    meter.setAttribute('aria-valuenow', percent)
    element.classList.toggle('most', Boolean(ps) && ps[i] === Math.max(...ps))
  })
  return {element: make('div', {class: 'bars'}, ...rows.map(row => row.element)), set}
}

export function drawDigit({classes, example, ...how}) {
  const layers = unpackLayers(how.layers), answer = bars(classes)
  const ink = make('svg:g'), cursor = make('svg:circle', {class: 'pen', r: pen/2})
  const pad = make('svg:svg', {
    class: 'pad', viewBox: `0 0 ${side} ${side}`, tabindex: 0,
    role: 'application', 'aria-label': 'Drawing pad', 'aria-describedby': 'how',
  }, ink, cursor)
  const raster = make('canvas', {class: 'raster', width: side, height: side, hidden: ''})
  const seen = make('canvas', {class: 'seen', width: 28, height: 28, role: 'img', 'aria-label': caption})
  const says = make('p', {class: 'says', role: 'status'})
  const nothing = {shape: [28, 28], data: new Uint8Array(28*28)}
  let strokes = example, isExample = true  // until the first stroke
  let at = [side/2, side/2], drawing = false

  function look() {
    ink.replaceChildren(...strokes.map(s => make('svg:polyline', {points: line(s).join(' ')})))
    cursor.setAttribute('cx', at[0])
    cursor.setAttribute('cy', at[1])
    cursor.classList.toggle('down', drawing)
    const image = prepare(rasterize(strokes, raster))
    show(image ?? nothing, seen)
    const ps = image && probabilities(predict(layers, scale(image, how)).data)
    answer.set(ps)
    return ps
  }
  function finish() {
    drawing = false
    const ps = look(), best = ps?.indexOf(Math.max(...ps))
    says.textContent = ps ? `The network says ${classes[best]}, with ${Math.round(100*ps[best])}%.` : 'Draw a digit.'
  }
  function begin(point) {
    if (isExample) [strokes, isExample] = [[], false]
    at = point
    drawing = true
    says.textContent = ''
    strokes.push([at])
  }
  function moveTo(point) {
    at = point.map(v => Math.min(Math.max(v, 0), side))
    if (drawing) strokes.at(-1).push(at)
    look()
  }
  function change(to) {
    [strokes, isExample] = [to, false]
    finish()
  }
  function undo() { change(strokes.slice(0, -1)) }
  function clear() { change([]) }

  function place(event) {
    const {left, top, width} = pad.getBoundingClientRect()
    return [event.clientX - left, event.clientY - top].map(v => Math.round(v/width*side*10)/10)
  }
  pad.addEventListener('pointerdown', event => {
    if (!event.isPrimary || event.button) return
    pad.setPointerCapture(event.pointerId)
    begin(place(event))
    look()
  })
  pad.addEventListener('pointermove', event => {
    if (pad.hasPointerCapture(event.pointerId) && drawing) moveTo(place(event))
  })
  for (const end of ['pointerup', 'pointercancel']) pad.addEventListener(end, () => { if (drawing) finish() })

  const held = new Set()  // two arrows together move the pen along a diagonal
  pad.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key in moves) {
      held.add(event.key)
      const [x, y] = [...held].reduce((sum, key) => sum.map((v, i) => v + moves[key][i]), [0, 0])
      moveTo([at[0] + 8*x, at[1] + 8*y])
    } else if (event.key === ' ') {
      if (drawing) finish()
      else begin(at)
      look()
    } else if (event.key === 'Backspace') undo()
    else if (event.key === 'Delete') clear()
    else return
    event.preventDefault()
    event.stopPropagation()
  })
  pad.addEventListener('keyup', event => held.delete(event.key))
  pad.addEventListener('blur', () => held.clear())

  finish()
  return make('div', {class: 'play draw', role: 'group', 'aria-label': 'Draw a digit'},
    make('div', {}, pad, raster, make('div', {class: 'buttons'}, button('Undo', undo), button('Clear', clear))),
    make('div', {class: 'answer'},
      make('div', {class: 'small'}, seen, make('span', {}, caption)), answer.element, says),
    make('p', {id: 'how', class: 'how'}, 'Draw with the mouse or a finger. By keyboard: arrows move the pen, ',
      'Space sets it down or lifts it, Backspace takes back, Delete clears.'))
}
