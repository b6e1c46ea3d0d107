// The layers of a network as PyTorch computes them, one image at a time.
// A tensor is `{shape, data}`: `data` holds its numbers in one row, the last axis side by side.

/** The places of the numbers that are not 0. Most pixels are paper, so this saves most of the work of a sum. */
export function notZero(x) {
  x.places ??= Uint32Array.from(x.data.keys()).filter(j => x.data[j])
  return x.places
}

/** Weighted sums: row `i` of `weight` has a weight for each input of output `i`. */
function linear({weight, bias}, x) {
  const [nOut, nIn] = weight.shape, data = new Float32Array(nOut), places = notZero(x)
  for (let i = 0; i < nOut; i++) {
    let sum = bias ? bias.data[i] : 0
    for (const j of places) sum += weight.data[i*nIn + j]*x.data[j]
    data[i] = sum
  }
  return {shape: [nOut], data}
}

export function sigmoid(score) { return 1/(1 + Math.exp(-score)) }

/** `f` of each number. */
function map(x, f) { return {shape: x.shape, data: x.data.map(f)} }

/** How many windows of `size`, `stride` apart, fit into `n` numbers with `padding` on both sides. */
function windows(n, size, stride, padding) { return Math.floor((n + 2*padding - size)/stride) + 1 }

/** Calls `see(place in x.data, place in the window)` for each pixel of channel `c` in the window at `row`, `col`. */
function look(x, c, row, col, [h, w], see) {
  const [, height, width] = x.shape
  for (let r = Math.max(0, -row); r < Math.min(h, height - row); r++)
    for (let k = Math.max(0, -col); k < Math.min(w, width - col); k++)
      see((c*height + row + r)*width + col + k, r*w + k)
}

/** `f(channel, row, column)` wherever a window of `size` fits; row and column are those of its corner in `x`. */
function slide(x, nOut, size, {stride, padding}, f) {
  const [h, w] = [0, 1].map(i => windows(x.shape[i + 1], size[i], stride[i], padding[i]))
  const data = new Float32Array(nOut*h*w)
  for (let c = 0, i = 0; c < nOut; c++)
    for (let r = 0; r < h; r++)
      for (let k = 0; k < w; k++, i++)
        data[i] = f(c, r*stride[0] - padding[0], k*stride[1] - padding[1])
  return {shape: [nOut, h, w], data}
}

function conv2d({weight, bias, ...how}, x) {
  const [nOut, nIn, ...size] = weight.shape, area = size[0]*size[1]
  return slide(x, nOut, size, how, (c, row, col) => {
    let sum = bias ? bias.data[c] : 0
    for (let k = 0; k < nIn; k++) {
      const start = (c*nIn + k)*area
      look(x, k, row, col, size, (pixel, i) => { sum += weight.data[start + i]*x.data[pixel] })
    }
    return sum
  })
}

function maxPool2d({size, ...how}, x) {
  return slide(x, x.shape[0], size, how, (c, row, col) => {
    let most = -Infinity
    look(x, c, row, col, size, pixel => { most = Math.max(most, x.data[pixel]) })
    return most
  })
}

/** As in `eval`: by the mean and the variance that were noted in training. */
function batchNorm2d({weight, bias, mean, variance, eps}, x) {
  const area = x.shape[1]*x.shape[2]
  return {shape: x.shape, data: x.data.map((v, i) => {
    const c = Math.floor(i/area)
    const scaled = (v - mean.data[c])/Math.sqrt(variance.data[c] + eps)
    return weight ? scaled*weight.data[c] + bias.data[c] : scaled
  })}
}

const kinds = {
  Linear: linear, Conv2d: conv2d, MaxPool2d: maxPool2d, BatchNorm2d: batchNorm2d,
  ReLU: (_, x) => map(x, v => Math.max(0, v)),
  Sigmoid: (_, x) => map(x, sigmoid),
  Flatten: (_, x) => ({shape: [x.data.length], data: x.data}),
  Dropout: (_, x) => x,  // as in `eval`
}

/** What one layer makes of `x`. */
export function forward(layer, x) { return kinds[layer.kind](layer, x) }

/** The scores of an image. */
export function predict(layers, x) { return layers.reduce((out, layer) => forward(layer, out), x) }

export function softmax(scores) {
  const most = Math.max(...scores), e = Array.from(scores, s => Math.exp(s - most))
  const sum = e.reduce((a, b) => a + b)
  return e.map(v => v/sum)
}

/** A probability for each class. A single score is the first class's, and the second gets the rest. */
export function probabilities(scores) {
  if (scores.length > 1) return softmax(scores)
  const p = sigmoid(scores[0])
  return [p, 1 - p]
}
