// A photo or drawing as an image of MNIST: the same steps as `prepare` in 07b_handwriting.
// An image is a tensor `{shape: [rows, columns], data}`.

/** To the nearest whole number, and from halfway to the even one, as Python and PyTorch round. */
function round(x) {
  const down = Math.floor(x)
  return x - down === 0.5 ? down + down%2 : Math.round(x)
}

function largest(data) {
  let most = -Infinity
  for (let i = 0; i < data.length; i++) if (data[i] > most) most = data[i]
  return most
}

/** An image of that shape, with what `f` gives for each row and column. */
function fill([h, w], Kind, f) {
  const data = new Kind(h*w)
  for (let r = 0, i = 0; r < h; r++)
    for (let c = 0; c < w; c++, i++) data[i] = f(r, c)
  return {shape: [h, w], data}
}

/** At most 400 pixels a side, each of them the mean of a square. The arithmetic is Pillow's. */
export function reduce(grey) {
  const [h, w] = grey.shape, side = Math.ceil(Math.max(h, w)/400)
  return fill([Math.ceil(h/side), Math.ceil(w/side)], Uint8Array, (r, c) => {
    const bottom = Math.min(h, (r + 1)*side), right = Math.min(w, (c + 1)*side)
    const n = (bottom - r*side)*(right - c*side)
    let sum = n >> 1
    for (let y = r*side; y < bottom; y++)
      for (let x = c*side; x < right; x++) sum += grey.data[y*w + x]
    return Math.floor(sum*Math.floor(2**24/n)/2**24)
  })
}

/** A line with `size - 1` more places, mirrored at its ends. */
function mirrored(line, size) {
  const n = line.length, wide = new Float64Array(n + size - 1)
  for (let i = 0; i < wide.length; i++) {
    const at = (i + 2*n*size - (size >> 1))%(2*n)  // a remainder of JavaScript may be below 0
    wide[i] = line[at < n ? at : 2*n - 1 - at]
  }
  return wide
}

/** The mean of the `size` values around each place of a line. */
function means(line, size) {
  const wide = mirrored(line, size), sums = new Float64Array(wide.length + 1)
  wide.forEach((v, i) => { sums[i + 1] = sums[i] + v })
  return line.map((_, i) => (sums[i + size] - sums[i])/size)
}

/** The highest of the `size` values around each place: in blocks of `size`, from the left and from the right. */
function highest(line, size) {
  const wide = mirrored(line, size), left = wide.slice(), right = wide.slice()
  for (let i = 1; i < wide.length; i++) if (i%size) left[i] = Math.max(left[i], left[i - 1])
  for (let i = wide.length - 2; i >= 0; i--) if ((i + 1)%size) right[i] = Math.max(right[i], right[i + 1])
  return line.map((_, i) => Math.max(right[i], left[i + size - 1]))
}

/** `f` of each row, and rows and columns exchanged. */
function rows({shape: [h, w], data}, f, size) {
  const lines = Array.from({length: h}, (_, r) => f(data.subarray(r*w, (r + 1)*w), size))
  return fill([w, h], Float64Array, (c, r) => lines[r][c])
}

/** `f` of each row, and then of each column. */
function eachWay(image, f, size) { return rows(rows(image, f, size), f, size) }

function negative({shape, data}) { return {shape, data: data.map(v => 255 - v)} }

/** Dark on light: turned around if the digit is lighter than what is around it. */
export function darkOnLight(grey) {
  const image = {shape: grey.shape, data: Float64Array.from(grey.data)}
  const around = eachWay(image, means, Math.floor(Math.max(...grey.shape)/2) + 1).data
  const away = image.data.map((v, i) => v - around[i])
  return largest(away) > largest(away.map(v => -v)) ? negative(image) : image
}

/** The paper's brightness behind each pixel. */
export function findPaper(grey) {
  const size = Math.floor(Math.max(...grey.shape)/8)*2 + 1
  return negative(eachWay(negative(eachWay(grey, highest, size)), highest, size))
}

/** How much of the paper's light is missing, from 0 to 255. */
export function findInk(grey) {
  const dark = darkOnLight(grey), paper = findPaper(dark).data
  return {shape: grey.shape, data: dark.data.map((v, i) => Math.floor(255*(paper[i] - v)/Math.max(paper[i], 1)))}
}

/** The connected pieces of ink: for each its places, its height, and whether it touches the border. */
function findPieces({shape: [h, w], data}, share) {
  const most = largest(data), open = data.map(v => share*v > most ? 1 : 0), pieces = []
  open.forEach((isOpen, start) => {
    if (!open[start]) return
    const places = [start]
    open[start] = 0
    for (const i of places)
      for (let y = Math.max(Math.floor(i/w) - 1, 0); y < Math.min(Math.floor(i/w) + 2, h); y++)
        for (let x = Math.max(i%w - 1, 0); x < Math.min(i%w + 2, w); x++)
          if (open[y*w + x]) {
            open[y*w + x] = 0
            places.push(y*w + x)
          }
    const ys = places.map(i => Math.floor(i/w)), xs = places.map(i => i%w)
    const [top, left] = [ys, xs].map(n => -largest(n.map(v => -v))), [bottom, right] = [ys, xs].map(largest)
    const touches = top === 0 || left === 0 || bottom === h - 1 || right === w - 1
    pieces.push({places, height: bottom - top + 1, touches})
  })
  return pieces
}

/** The ink without what touches the border, if there is other ink of size, and without specks. */
export function dropRest(ink) {
  const pieces = findPieces(ink, 4)
  const inside = largest(pieces.map(p => p.touches ? 0 : p.height)) >= Math.max(...ink.shape)/10
  const sizes = pieces.map(p => inside && p.touches ? 0 : p.places.length)
  const data = ink.data.slice()
  pieces.forEach(({places}, i) => { if (10*sizes[i] < largest(sizes)) for (const at of places) data[at] = 0 })
  return {shape: ink.shape, data}
}

/** What is darker than a quarter of the darkest, without margin. */
export function cropToInk({shape: [h, w], data}) {
  const most = largest(data)
  let [top, left, bottom, right] = [h, w, 0, 0]
  data.forEach((v, i) => {
    if (4*v <= most) return
    const r = Math.floor(i/w), c = i%w
    top = Math.min(top, r)
    bottom = Math.max(bottom, r + 1)
    left = Math.min(left, c)
    right = Math.max(right, c + 1)
  })
  return fill([bottom - top, right - left], Float32Array, (r, c) => {
    const v = data[(top + r)*w + left + c]
    return 4*v > most ? v : 0
  })
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

/** The digit of a photo or drawing as MNIST has them. An error says why there is none. */
export function prepare(grey) {
  let ink = findInk(reduce(grey))
  if (largest(ink.data) < 25) throw new Error('Found no ink: nothing is darker or lighter than what is around it.')
  ink = dropRest(dropRest(ink))
  const heights = findPieces(ink, 8).map(p => p.height), n = heights.filter(v => 2*v >= largest(heights)).length
  if (n > 2) throw new Error(`Found ${n} pieces of ink of about one size: crop the photo to one digit.`)
  return centreInk(shrinkInk(cropToInk(ink)))
}
