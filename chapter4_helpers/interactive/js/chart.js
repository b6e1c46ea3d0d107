// Axes to draw on, as wide as their place on the page.
import {brief, make} from './page.js'

const left = 44, right = 16, top = 10, bottom = 34

/** Round numbers between `min` and `max`, five or so. */
function ticks(min, max) {
  const rough = (max - min)/5, ten = 10**Math.floor(Math.log10(rough))
  const gap = ten*[1, 2, 5, 10].find(k => k*ten >= rough)
  const first = Math.ceil(min/gap), n = Math.floor(max/gap) - first + 1
  return Array.from({length: n}, (_, i) => Number(((first + i)*gap).toPrecision(12)))
}

export function text(x, y, words, more = {}) { return make('svg:text', {x, y, ...more}, words) }

/**
 * An SVG whose `draw(chart)` gives what is drawn on the axes; `chart.x` and `chart.y` turn numbers into pixels,
 * `chart.range` holds the limits of both axes, `chart.redraw()` draws anew.
 */
export function chart({label, names, range, draw, height = 260, ...attributes}) {
  const svg = make('svg:svg', {class: 'chart', height, role: 'img', 'aria-label': label, ...attributes})
  const c = {svg, range}
  c.redraw = () => {
    const width = Math.max(left + right + 1, svg.getBoundingClientRect().width || 640)
    const [[xMin, xMax], [yMin, yMax]] = [c.range.x, c.range.y]
    c.x = v => left + (v - xMin)/(xMax - xMin)*(width - left - right)
    c.y = v => height - bottom - (v - yMin)/(yMax - yMin)*(height - top - bottom)
    c.xAt = pixel => xMin + (pixel - left)/(width - left - right)*(xMax - xMin)
    const place = ([x, y]) => `${c.x(x).toFixed(1)},${c.y(y).toFixed(1)}`
    c.line = (points, more) => make('svg:polyline', {points: points.map(place).join(' '), ...more})
    c.dot = ([x, y], r, more) => make('svg:circle', {cx: c.x(x), cy: c.y(y), r, ...more})
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`)
    svg.replaceChildren(
      make('svg:rect', {class: 'frame', x: left, y: top, width: width - left - right, height: height - top - bottom}),
      ...ticks(xMin, xMax).map(v => text(c.x(v), height - bottom + 14, brief(v), {'text-anchor': 'middle'})),
      ...ticks(yMin, yMax).map(v => text(left - 5, c.y(v) + 4, brief(v), {'text-anchor': 'end'})),
      text((left + width - right)/2, height - 4, names.x, {'text-anchor': 'middle'}),
      text(-(top + height - bottom)/2, 11, names.y, {'text-anchor': 'middle', transform: 'rotate(-90)'}),
      ...draw(c))
  }
  new ResizeObserver(c.redraw).observe(svg)
  return c
}
