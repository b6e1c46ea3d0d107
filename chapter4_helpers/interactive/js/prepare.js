// A drawing as an image of MNIST: the same three steps as `prepare` in 07_going_deeper.
// An image is a tensor `{shape: [rows, columns], data}`.

/** To the nearest whole number, and from halfway to the even one, as Python and PyTorch round. */
function round(x) {
  const down = Math.floor(x)
  return x - down === 0.5 ? down + down%2 : Math.round(x)
}

/** The lower of the two middle numbers, where there are two. */
function median(data) { return data.slice().sort()[Math.floor((data.length - 1)/2)] }

/** The digit, bright on dark, cropped to its ink; `null` where there is none. `grey` is 255 for white. */
export function cropToInk(grey) {
  const [h, w] = grey.shape
  const dark = grey.data.map(v => 255 - v), paper = median(dark)
  const ink = Float32Array.from(dark, v => Math.max(0, v - paper))
  const most = ink.reduce((a, b) => Math.max(a, b))
  let [top, left, bottom, right] = [h, w, 0, 0]
  ink.forEach((v, i) => {
    if (v <= most/2) return
    const r = Math.floor(i/w), c = i%w
    top = Math.min(top, r)
    bottom = Math.max(bottom, r + 1)
    left = Math.min(left, c)
    right = Math.max(right, c + 1)
  })
  if (top === h) return null
  const shape = [bottom - top, right - left], data = new Float32Array(shape[0]*shape[1])
  for (let r = top, i = 0; r < bottom; r++)
    for (let c = left; c < right; c++, i++) data[i] = ink[r*w + c]
  return {shape, data}
}

/** Where pixel `i` of `n` begins and ends in a line of `length`. */
function span(i, n, length) { return [Math.floor(i*length/n), Math.ceil((i + 1)*length/n)] }

/** The longer side 20 pixels, each of them the mean of the ink it covers. */
export function shrinkInk(ink) {
  const longer = Math.max(...ink.shape)
  const [h, w] = ink.shape.map(n => Math.max(1, round(n*20/longer)))
  const data = new Float32Array(h*w)
  for (let r = 0, i = 0; r < h; r++)
    for (let c = 0; c < w; c++, i++) {
      const [top, bottom] = span(r, h, ink.shape[0]), [left, right] = span(c, w, ink.shape[1])
      let sum = 0
      for (let y = top; y < bottom; y++)
        for (let x = left; x < right; x++) sum += ink.data[y*ink.shape[1] + x]
      data[i] = sum/(bottom - top)/(right - left)
    }
  return {shape: [h, w], data}
}

/** In a square of 28, the centre of mass at row and column 14 if it fits, and the brightest pixel 255. */
export function centreInk(ink) {
  const [h, w] = ink.shape
  let sum = 0, row = 0, col = 0, most = 0
  ink.data.forEach((v, i) => {
    sum += v
    row += v*Math.floor(i/w)
    col += v*(i%w)
    most = Math.max(most, v)
  })
  const start = (centre, n) => Math.min(Math.max(round(Math.fround(14 - centre)), 0), 28 - n)
  const top = start(row/sum, h), left = start(col/sum, w)
  const data = new Uint8Array(28*28)
  ink.data.forEach((v, i) => { data[(top + Math.floor(i/w))*28 + left + i%w] = round(255*v/most) })
  return {shape: [28, 28], data}
}

/** The digit of a drawing as MNIST has them, or `null` if nothing is drawn. */
export function prepare(grey) {
  const ink = cropToInk(grey)
  return ink && centreInk(shrinkInk(ink))
}
