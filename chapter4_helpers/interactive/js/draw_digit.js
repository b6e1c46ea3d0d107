// A pad to draw a digit on or to lay a photo of one on, and what a network says of it at once.
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
  return greyOf(canvas, context)
}

/** The grey of a canvas, as Pillow computes it. */
function greyOf({width, height}, context) {
  const {data} = context.getImageData(0, 0, width, height), grey = new Uint8Array(width*height)
  for (let i = 0; i < grey.length; i++)
    grey[i] = (19595*data[4*i] + 38470*data[4*i + 1] + 7471*data[4*i + 2] + 32768) >> 16
  return {shape: [height, width], data: grey}
}

/** A file as grey pixels and as a picture for the pad: upright, on white, at most 1,600 pixels a side. */
async function readPhoto(file) {
  const bitmap = await createImageBitmap(file)
  const scale = Math.min(1, 1600/Math.max(bitmap.width, bitmap.height))
  const [width, height] = [bitmap.width, bitmap.height].map(n => Math.max(1, Math.round(n*scale)))
  const canvas = make('canvas', {width, height}), context = canvas.getContext('2d', {willReadFrequently: true})
  let grey
  for (const paper of ['white', 'black']) {  // on black only what white shows nothing of
    context.fillStyle = paper
    context.fillRect(0, 0, width, height)
    context.drawImage(bitmap, 0, 0, width, height)
    grey = greyOf(canvas, context)
    if (grey.data.some(v => v < 250)) break
  }
  return {grey, picture: canvas.toDataURL()}
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
  const ink = make('svg:g'), paper = make('svg:image', {width: side, height: side}), cursor = make('svg:circle', {class: 'pen', r: pen/2})
  const pad = make('svg:svg', {
    class: 'pad', viewBox: `0 0 ${side} ${side}`, tabindex: 0,
    role: 'application', 'aria-label': 'Drawing pad', 'aria-describedby': 'how',
  }, paper, ink, cursor)
  const raster = make('canvas', {class: 'raster', width: side, height: side, hidden: ''})
  const seen = make('canvas', {class: 'seen', width: 28, height: 28, role: 'img', 'aria-label': caption})
  const says = make('p', {class: 'says', role: 'status'})
  const nothing = {shape: [28, 28], data: new Uint8Array(28*28)}
  let strokes = example, isExample = true  // until the first stroke
  let at = [side/2, side/2], drawing = false, photo = null

  function look() {
    ink.replaceChildren(...strokes.map(s => make('svg:polyline', {points: line(s).join(' ')})))
    cursor.setAttribute('cx', at[0])
    cursor.setAttribute('cy', at[1])
    cursor.classList.toggle('down', drawing)
    const drawn = rasterize(strokes, raster)
    let image = nothing, ps = null, text = 'Draw a digit.'
    if (photo || strokes.length)
      try { image = prepare(photo ?? drawn) } catch (error) { text = error.message }
    if (image !== nothing) {
      ps = [...probabilities(predict(layers, scale(image, how)).data)]
      const most = Math.max(...ps)
      text = `The network says ${classes[ps.indexOf(most)]}, with ${Math.round(100*most)}%.`
      if (most < 0.5) text += ' It is not sure.'
    }
    show(image, seen)
    answer.set(ps)
    return text
  }
  function finish() {
    drawing = false
    says.textContent = look()
  }
  function lay({grey, picture} = {grey: null}) {
    photo = grey
    if (picture) paper.setAttribute('href', picture)
    else paper.removeAttribute('href')
  }
  function begin(point) {
    if (isExample || photo) [strokes, isExample] = [[], false]
    lay()
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
  function change(to, photo) {
    [strokes, isExample] = [to, false]
    lay(photo)
    finish()
  }
  function undo() { change(strokes.slice(0, -1)) }
  function clear() { change([]) }

  const file = make('input', {type: 'file', accept: 'image/*', hidden: '', onchange: async () => {
    const [chosen] = file.files
    file.value = ''  // so that the same one can be chosen again
    if (chosen)
      try { change([], await readPhoto(chosen)) }
      catch { says.textContent = 'This browser cannot open that file as a picture. Save it as JPEG or PNG.' }
  }})
  function choose() { file.click() }

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
    make('div', {}, pad, raster, make('div', {class: 'buttons'}, button('Undo', undo), button('Clear', clear), button('Photo', choose), file)),
    make('div', {class: 'answer'},
      make('div', {class: 'small'}, seen, make('span', {}, caption)), answer.element, says),
    make('p', {id: 'how', class: 'how'}, 'Draw with the mouse or a finger. By keyboard: arrows move the pen, ',
      'Space sets it down or lifts it, Backspace takes back, Delete clears. A photo stays on this page.'))
}
