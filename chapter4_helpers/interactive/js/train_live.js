// A model that learns threes from sevens in the page, while you watch and change how.
import {chart, text} from './chart.js'
import {button, checkbox, choice, inflate, make, unpack, unpackLayers} from './page.js'
import {Training} from './sgd.js'

const rates = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100]
const sizes = [1, 4, 16, 64, 256, 1024]
const epochsPerSecond = 14, budget = 12  // of a frame's 16 milliseconds, so that the page stays responsive

/** From the smallest, each once. */
function sorted(numbers) { return [...new Set(numbers)].sort((a, b) => a - b) }

/** Images of 28 x 28 bytes as rows of numbers from 0 to 1, each a tensor. */
async function unpackImages({base64, targets}) {
  const bytes = await inflate(unpack(base64))
  const row = i => Float32Array.from(bytes.subarray(784*i, 784*(i + 1)), v => v/255)
  const images = targets.map((_, i) => ({shape: [784], data: row(i)}))
  return {images, targets}
}

/** How much ink at each pixel changes the score: an image for the linear model, or one for each hidden unit. */
function effects([first, , second]) {
  const {shape: [n], data} = first.weight
  const factor = i => second ? second.weight.data[i] : 1
  return Array.from({length: n}, (_, i) => data.subarray(784*i, 784*(i + 1)).map(w => w*factor(i)))
}

/** Draws images in a grid: red above 0, blue below, the stronger the farther. */
function show(images, canvas) {
  const columns = Math.ceil(Math.sqrt(images.length)), rows = Math.ceil(images.length/columns)
  const most = Math.max(...images.map(image => image.reduce((m, v) => Math.max(m, Math.abs(v)), 0))) || 1
  Object.assign(canvas, {width: 28*columns, height: 28*rows})
  const pixels = new ImageData(canvas.width, canvas.height)
  images.forEach((image, n) => image.forEach((v, i) => {
    const x = 28*(n%columns) + i%28, y = 28*Math.floor(n/columns) + Math.floor(i/28)
    const color = v > 0 ? [200, 30, 45] : [35, 105, 190]
    pixels.data.set([...color, 255*Math.abs(v)/most], 4*(y*canvas.width + x))
  }))
  canvas.getContext('2d').putImageData(pixels, 0, 0)
}

/** No more than 1,000 points of a line. */
function thin(points) {
  const every = Math.ceil(points.length/1000)
  return points.filter((_, i) => i%every === 0 || i === points.length - 1)
}

export async function trainLive({train, valid, models, lr, bs, epochs, seed}, host) {
  const data = {train: await unpackImages(train), valid: await unpackImages(valid)}
  const n = data.train.images.length
  const model = make('select', {'aria-label': 'model', onchange: reset},
    ...Object.keys(models).map(name => make('option', {}, name)))
  const rate = choice('learning rate', sorted([...rates, lr]), lr)
  const size = choice('batch size', sorted([...sizes, bs, n]).filter(k => k <= n), Math.min(bs, n))
  const shuffle = checkbox('shuffle'), zero = checkbox('zero the gradients')
  const weights = make('canvas', {class: 'weights', role: 'img', 'aria-label': 'The weights as an image'})
  const says = make('p', {class: 'says', role: 'status', 'aria-live': 'off'})
  const view = chart({
    label: 'Loss of each batch, and accuracy on images held back',
    names: {x: 'step', y: 'loss and accuracy'}, range: {x: [0, 100], y: [0, 1]}, draw,
  })
  let training, running = false, until = 0, last = 0, debt = 0

  function draw(c) {
    const {losses, accuracies} = training
    const right = c.x(c.range.x[1]) - 4
    const end = (points, name, below) => points.slice(1).slice(-1).map(
      ([, y]) => text(right, c.y(y) + below, name, {class: name, 'text-anchor': 'end'}))
    return [
      c.line(thin(losses), {class: 'loss'}), c.line(accuracies, {class: 'accuracy'}),
      ...losses.slice(-1).map(point => c.dot(point, 3, {class: 'loss'})),
      ...accuracies.slice(-1).map(point => c.dot(point, 3, {class: 'accuracy'})),
      ...end(losses, 'loss', -16), ...end(accuracies, 'accuracy', 16),
    ]
  }
  function tell() {
    const {steps, epoch, losses, accuracies} = training
    view.range.x = [0, Math.max(100, Math.ceil(steps/100)*100)]
    view.redraw()
    show(effects(training.layers), weights)
    const loss = losses.length ? `, loss ${losses.at(-1)[1].toFixed(3)}` : ''
    says.textContent = `Epoch ${epoch}, step ${steps}${loss}, accuracy ${accuracies.at(-1)[1].toFixed(3)}.`
  }
  function batch() { training.batch({lr: rate.value, bs: size.value, shuffle: shuffle.value, zero: zero.value}) }
  function frame(now) {
    if (!running) return
    debt = Math.min(debt + (now - last)/1000*epochsPerSecond*n/size.value, n/size.value)
    last = now
    for (const end = performance.now() + budget; debt >= 1 && running && performance.now() < end; debt--) {
      batch()
      if (training.epoch >= until) stop()
    }
    tell()
    if (running) requestAnimationFrame(frame)
  }
  function stop() {
    running = false
    go.textContent = 'Start'
    says.setAttribute('aria-live', 'polite')  // not while it changes with every frame
  }
  const go = button('Start', () => {
    if (running) return stop()
    running = true
    go.textContent = 'Pause'
    says.setAttribute('aria-live', 'off')
    until = training.epoch + epochs
    last = performance.now()
    requestAnimationFrame(frame)
  })
  function once() {
    stop()
    batch()
    training.validate()
    tell()
  }
  function reset() {
    if (running) stop()
    training = new Training(unpackLayers(models[model.value]), data, seed)
    host.training = training  // for the console
    tell()
  }
  reset()
  return make('div', {class: 'play', role: 'group', 'aria-label': 'Train a model'},
    make('div', {class: 'watch'}, view.svg,
      make('div', {class: 'small'}, weights, make('span', {}, 'the weights: red speaks for a three, blue against'))),
    make('div', {class: 'controls'}, rate.element, size.element),
    make('div', {class: 'controls'},
      make('div', {class: 'buttons'}, go, button('One step', once), button('Reset', reset), model),
      make('div', {class: 'buttons'}, shuffle.element, zero.element)),
    says)
}
