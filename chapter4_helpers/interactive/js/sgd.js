// Stochastic gradient descent on linear layers with ReLU between them, as in 02 to 06.
import {forward, notZero, predict, sigmoid} from './nn.js'

/** Random numbers from 0 to 1, the same for the same seed (mulberry32, by Tommy Ettinger). */
export function randomNumbers(seed) {
  return () => {
    seed = (seed + 0x6D2B79F5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0)/4294967296
  }
}

/** The numbers from 0 to `n` - 1, shuffled. */
export function randomOrder(n, random) {
  const order = Array.from({length: n}, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random()*(i + 1));
    [order[i], order[j]] = [order[j], order[i]]
  }
  return order
}

/** How far the prediction is from its target, 1 for a three and 0 for a seven: `mnist_loss` of one image. */
export function loss(score, target) {
  const p = sigmoid(score)
  return target ? 1 - p : p
}

/** How much the loss rises with the score. */
function slopeOfLoss(score, target) {
  const p = sigmoid(score)
  return (target ? -1 : 1)*p*(1 - p)
}

/** Forget all gradients. */
export function zeroGrad(layers) {
  for (const {weight, bias} of layers)
    if (weight) for (const t of [weight, bias]) t.grad = new Float32Array(t.data.length)
}

/** Adds to the gradients of a linear layer what its input `x` and the slopes of its outputs say. */
function addGradient({weight, bias}, x, slopes) {
  const nIn = weight.shape[1], places = notZero(x)
  slopes.forEach((slope, i) => {
    if (!slope) return
    bias.grad[i] += slope
    for (const j of places) weight.grad[i*nIn + j] += slope*x.data[j]
  })
}

/** The chain rule: the slopes of a layer's inputs, from those of its outputs. */
function backward({kind, weight}, x, slopes) {
  if (kind === 'ReLU') return slopes.map((slope, i) => x.data[i] > 0 ? slope : 0)
  const nIn = weight.shape[1]
  return x.data.map((_, j) => slopes.reduce((sum, slope, i) => sum + slope*weight.data[i*nIn + j], 0))
}

/** Predicts a batch, adds the gradients of its mean loss to those of the layers, and returns the loss. */
export function gradient(layers, images, targets) {
  let sum = 0
  images.forEach((image, i) => {
    const seen = [image]  // what each layer got; the last is the score
    for (const layer of layers) seen.push(forward(layer, seen.at(-1)))
    const [score] = seen.pop().data
    sum += loss(score, targets[i])
    let slopes = Float32Array.of(slopeOfLoss(score, targets[i])/images.length)
    for (let k = layers.length - 1; k >= 0; k--) {
      if (layers[k].weight) addGradient(layers[k], seen[k], slopes)
      if (k) slopes = backward(layers[k], seen[k], slopes)
    }
  })
  return sum/images.length
}

/** Changes each parameter by minus `lr` times its gradient. */
export function step(layers, lr) {
  for (const {weight, bias} of layers)
    if (weight) for (const {data, grad} of [weight, bias]) grad.forEach((g, i) => { data[i] -= lr*g })
}

/** The share of the images whose score is on the right side of 0. */
export function accuracy(layers, images, targets) {
  const right = images.filter((image, i) => (predict(layers, image).data[0] > 0) === (targets[i] === 1))
  return right.length/images.length
}

/** A model while it is trained, batch by batch. What is given to `batch` may change from one to the next. */
export class Training {
  /** `layers` are changed; `train` and `valid` hold images and their targets. */
  constructor(layers, {train, valid}, seed) {
    this.random = randomNumbers(seed)
    Object.assign(this, {layers, train, valid, order: [], used: [], epoch: 0, steps: 0, losses: [], accuracies: []})
    zeroGrad(layers)
    this.validate()
  }

  /** One step; the last batch of an epoch holds what is left. Notes the loss, and after an epoch the accuracy. */
  batch({lr, bs, shuffle, zero}) {
    const {images, targets} = this.train, n = images.length
    if (!this.order.length) {
      this.used = []
      this.order = shuffle ? randomOrder(n, this.random) : images.map((_, i) => i)
    }
    const rows = this.order.splice(0, bs)
    this.used.push(...rows)  // the order of this epoch, as far as it has gone
    if (zero) zeroGrad(this.layers)
    this.losses.push([++this.steps, gradient(this.layers, rows.map(i => images[i]), rows.map(i => targets[i]))])
    step(this.layers, lr)
    if (!this.order.length) {
      this.epoch++
      this.validate()
    }
  }

  validate() { this.accuracies.push([this.steps, accuracy(this.layers, this.valid.images, this.valid.targets)]) }
}
