// Gradient descent on a curve. Python has noted the curve's height and slope at even distances;
// between two of these places we take the cubic that has both at either end (Hermite's).

/** The curve from the noted numbers: rows of height and slope, from `min` to `max`. */
export function curve({min, max, rows}) {
  const n = rows.shape[0] - 1, gap = (max - min)/n, [height, slope] = [0, 1].map(k => i => rows.data[2*i + k])
  const cubic = x => {
    const i = Math.min(Math.max(Math.floor((x - min)/gap), 0), n - 1), t = (x - min)/gap - i
    const rise = height(i + 1) - height(i), a = slope(i)*gap - rise, b = rise - slope(i + 1)*gap
    return {i, t, rise, a, b}
  }
  return {
    min, max,
    loss: x => {
      const {i, t, rise, a, b} = cubic(x)
      return height(i) + t*rise + t*(1 - t)*((1 - t)*a + t*b)
    },
    gradient: x => {
      const {t, rise, a, b} = cubic(x)
      return (rise + (1 - 2*t)*((1 - t)*a + t*b) + t*(1 - t)*(b - a))/gap
    },
    has: x => min <= x && x <= max,
  }
}

/** Where a step leads: minus `lr` times the gradient. */
export function step(f, x, lr) { return x - lr*f.gradient(x) }

/** What the last step of a path did, in words. */
export function verdict(f, path) {
  const [before, now] = path.slice(-2)
  if (!f.has(now)) return 'It has left the picture: the learning rate is far too large, and the loss grows.'
  const [was, is] = [before, now].map(f.loss)
  if (is > was) return 'Higher than before: the learning rate is too large here.'
  const crossed = f.gradient(before)*f.gradient(now) < 0
  return crossed ? 'Lower, but over the bottom and up the other side.' : 'Downhill.'
}
