// The modules that need no page, by `make test-js`. Expected numbers are by hand, or from PyTorch.
import assert from 'node:assert/strict'
import test from 'node:test'
import {curve, step as descend, verdict} from '../../chapter4_helpers/interactive/js/descent.js'
import {forward, predict, probabilities, sigmoid, softmax} from '../../chapter4_helpers/interactive/js/nn.js'
import {prepare} from '../../chapter4_helpers/interactive/js/prepare.js'
import {Training, accuracy, gradient, loss, randomNumbers, randomOrder, step, zeroGrad}
  from '../../chapter4_helpers/interactive/js/sgd.js'

function tensor(shape, ...numbers) { return {shape, data: Float32Array.from(numbers)} }
function close(found, expected, most = 1e-4) {
  assert.equal(found.length, expected.length)
  expected.forEach((v, i) => assert.ok(Math.abs(found[i] - v) < most, `${[...found]} is not ${expected}`))
}

// nn

test('probabilities', () => {
  close([sigmoid(0), sigmoid(2)], [0.5, 0.8808])
  close(softmax([1, 2, 3]), [0.09, 0.2447, 0.6652])
  close(softmax([1000, 1000]), [0.5, 0.5])
  close(probabilities([2]), [0.8808, 0.1192])
  close(probabilities([0, 0, 0, 0]), [0.25, 0.25, 0.25, 0.25])
})

test('layers', () => {
  const image = tensor([1, 3, 3], 1, 2, 3, 4, 5, 6, 7, 8, 9)
  const weight = tensor([1, 1, 2, 2], 1, 0, 0, -1), bias = tensor([1], 0.5), two = [2, 2], one = [1, 1]
  const conv = how => forward({kind: 'Conv2d', weight, bias, ...how}, image)
  close(conv({stride: one, padding: [0, 0]}).data, [-3.5, -3.5, -3.5, -3.5])
  const padded = conv({stride: two, padding: one})
  assert.deepEqual(padded.shape, [1, 2, 2])
  close(padded.data, [-0.5, -2.5, -6.5, -3.5])
  const pool = forward({kind: 'MaxPool2d', size: two, stride: one, padding: [0, 0]}, image)
  close(pool.data, [5, 6, 8, 9])
  const below = {shape: [1, 3, 3], data: image.data.map(v => -v)}
  close(forward({kind: 'MaxPool2d', size: two, stride: two, padding: one}, below).data, [-1, -2, -4, -5])
  const norm = {kind: 'BatchNorm2d', mean: tensor([1], 5), variance: tensor([1], 3), eps: 1}
  close(forward({...norm, weight: tensor([1], 4), bias: tensor([1], 1)}, image).data.slice(0, 2), [-7, -5])
  close(forward(norm, image).data.slice(7), [1.5, 2])
  const linear = {kind: 'Linear', weight: tensor([2, 2], 1, 2, 3, 4), bias: tensor([2], 0.5, -20)}
  close(predict([linear, {kind: 'ReLU'}], tensor([2], 0, 5)).data, [10.5, 0])
  close(forward({kind: 'Linear', weight: linear.weight}, tensor([2], 1, 1)).data, [3, 7])
  close(forward({kind: 'Sigmoid'}, tensor([1], 2)).data, [0.8808])
  assert.deepEqual(forward({kind: 'Flatten'}, image).shape, [9])
  assert.equal(forward({kind: 'Dropout'}, image), image)
})

// sgd

function net() {
  return [{kind: 'Linear', weight: tensor([2, 2], 1, -1, 0.5, 1), bias: tensor([2], 0, 0.5)}, {kind: 'ReLU'},
    {kind: 'Linear', weight: tensor([1, 2], 1, -2), bias: tensor([1], 0.25)}]
}
const images = [tensor([2], 1, 0), tensor([2], 0, 2), tensor([2], 3, 1)], targets = [1, 0, 1]

test('gradients are those of PyTorch, and add up', () => {
  const layers = net()
  zeroGrad(layers)
  close([gradient(layers, images, targets)], [0.5549])
  const gradients = layers.filter(l => l.weight).flatMap(l => [l.weight.grad, l.bias.grad])
  const expected = [[-0.0951, -0.0075, 0.1902, 0.0036], [-0.0801, 0.1546], [-0.0876, -0.088], [-0.0773]]
  gradients.forEach((g, i) => close(g, expected[i]))
  gradient(layers, images, targets)
  gradients.forEach((g, i) => close(g, expected[i].map(v => 2*v)))
  step(layers, 2)
  close(layers[0].bias.data, [0.3205, -0.1182])
  close([loss(2, 1), loss(2, 0)], [0.1192, 0.8808])
  close([accuracy(net(), images, targets)], [1/3])
})

test('random numbers and orders', () => {
  const random = randomNumbers(1)
  close([random(), random()], [0.6270739405881613, 0.002735721180215478], 1e-12)
  const order = randomOrder(99, random)
  assert.deepEqual([...order].sort((a, b) => a - b), Array.from({length: 99}, (_, i) => i))
  assert.notDeepEqual(order.slice(0, 20), [...order].sort((a, b) => a - b).slice(0, 20))
})

test('training goes through each image once an epoch', () => {
  const training = new Training(net(), {train: {images, targets}, valid: {images, targets}}, 0)
  const how = {lr: 0.5, bs: 2, shuffle: true, zero: true}
  for (let i = 0; i < 40; i++) training.batch(how)
  assert.deepEqual([...training.used].sort(), [0, 1, 2])
  assert.deepEqual([training.epoch, training.steps, training.losses.length, training.accuracies.length], [20, 40, 40, 21])
  assert.ok(training.losses.at(-1)[1] < training.losses[0][1])
  const before = [...training.layers[0].weight.grad]
  training.batch({...how, zero: false, lr: 0, bs: 3})
  const kept = [...training.layers[0].weight.grad]
  training.batch({...how, lr: 0, bs: 3})
  close(kept.map((g, i) => g - before[i]), training.layers[0].weight.grad, 1e-6)
  training.batch({...how, shuffle: false, bs: 3})
  assert.deepEqual(training.used, [0, 1, 2])
  assert.equal(training.accuracies.at(-1)[1], 1)
})

// prepare and descent

test('a stroke becomes an MNIST digit', () => {
  const data = new Uint8Array(100*100).fill(255)
  for (let r = 20; r < 80; r++) for (let c = 70; c < 85; c++) data[100*r + c] = 0
  const image = prepare({shape: [100, 100], data})
  assert.deepEqual(image.shape, [28, 28])
  const rows = [...image.data.keys()].filter(i => image.data[i]).map(i => Math.floor(i/28))
  assert.deepEqual([rows.length, Math.min(...rows), Math.max(...rows)], [100, 4, 23])
  assert.throws(() => prepare({shape: [10, 10], data: new Uint8Array(100).fill(255)}), /no ink/)
})

test('a curve between the noted places, and steps on it', () => {
  const rows = tensor([3, 2], 4, -4, 0, 0, 4, 4), f = curve({min: -2, max: 2, rows})  // x*x
  close([f.loss(-1), f.loss(0.5), f.gradient(-1), f.gradient(1.5)], [1, 0.25, -2, 3])
  close([descend(f, 1, 0.1)], [0.8])
  assert.deepEqual([f.has(2), f.has(2.1), f.has(-2.1)], [true, false, false])
  for (const [path, word] of [[[1, 0.5], 'Downhill'], [[1, -0.5], 'other side'], [[1, -1.5], 'Higher'], [[1, 3], 'left']])
    assert.match(verdict(f, path), new RegExp(word))
})
