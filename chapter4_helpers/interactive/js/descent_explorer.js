// A curve on which you choose the start and the learning rate, and go down step by step.
import {chart} from './chart.js'
import {curve, step, verdict} from './descent.js'
import {brief, button, make, slider, tensor} from './page.js'

const most = 100, pause = 120  // steps of a run, and milliseconds between two

export function descentExplorer({min, max, rows, start, lr, maxLr}, host) {
  const f = curve({min, max, rows: tensor(rows)})
  const xs = Array.from({length: 201}, (_, i) => min + (max - min)*i/200), ys = xs.map(f.loss)
  const margin = 0.06*(Math.max(...ys) - Math.min(...ys) || 1)
  const says = make('p', {class: 'says', role: 'status'})
  let path = [start], timer

  const view = chart({
    label: 'Place on the curve', names: {x: 'x', y: 'loss'}, draw, height: 280,
    range: {x: [min, max], y: [Math.min(...ys) - margin, Math.max(...ys) + margin]},
    tabindex: 0, role: 'slider', 'aria-valuemin': min, 'aria-valuemax': max,
  })
  const one = lr/Math.max(1, Math.round(120*lr/maxLr))  // lr is a whole number of these, or it would be rounded
  const rate = slider({label: 'learning rate', min: one, max: maxLr, step: one, value: lr, show: brief})

  function draw(c) {
    const inside = path.filter(f.has).map(x => [x, f.loss(x)])
    const gone = path.find(x => !f.has(x))
    const out = gone === undefined ? [] : [[gone < min ? min : max, c.range.y[1]]]
    return [
      c.line(xs.map((x, i) => [x, ys[i]]), {class: 'curve'}),
      c.line([...inside, ...out], {class: 'path'}),
      ...inside.map((point, i) => c.dot(point, i ? 3 : 8, {class: i ? 'step' : 'start'})),
      c.dot(inside.at(-1), 5, {class: 'now'}),
    ]
  }
  function tell() {
    view.redraw()
    const x = path.at(-1), here = f.has(x) ? ` x = ${brief(x)}, loss ${brief(f.loss(x))}.` : ''
    const comment = path.length > 1 ? verdict(f, path) : 'Drag the large dot to start elsewhere.'
    says.textContent = `Step ${path.length - 1}:${here} ${comment}`
    view.svg.setAttribute('aria-valuenow', brief(path[0]))
    view.svg.setAttribute('aria-valuetext', `start at x = ${brief(path[0])}`)
  }
  function stop() {
    clearInterval(timer)
    timer = undefined
    run.textContent = 'Run'
  }
  function go() {
    if (!f.has(path.at(-1))) return stop()
    path.push(step(f, path.at(-1), rate.value))
    tell()
    const [before, now] = path.slice(-2)
    if (!f.has(now) || path.length > most || Math.abs(now - before) < (max - min)/1e5) stop()
  }
  function reset(x) {
    stop()
    path = [Math.min(Math.max(x, min), max)]
    tell()
  }
  function once() {
    stop()
    go()
  }
  const back = button('Reset', () => reset(path[0]))
  const run = button('Run', () => {
    if (timer) return stop()
    run.textContent = 'Pause'
    timer = setInterval(go, pause)
  })

  const svg = view.svg
  const drag = event => reset(view.xAt(event.clientX - svg.getBoundingClientRect().left))
  svg.addEventListener('pointerdown', event => {
    if (!event.isPrimary || event.button) return
    svg.setPointerCapture(event.pointerId)
    drag(event)
  })
  svg.addEventListener('pointermove', event => { if (svg.hasPointerCapture(event.pointerId)) drag(event) })
  const arrows = {ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1}
  const percent = {...arrows, PageDown: -10, PageUp: 10, Home: -100, End: 100}
  svg.addEventListener('keydown', event => {
    if (!(event.key in percent)) return
    reset(path[0] + percent[event.key]*(max - min)/100)
    event.preventDefault()
    event.stopPropagation()
  })

  tell()
  Object.defineProperty(host, 'path', {get: () => [...path]})  // for the console
  return make('div', {class: 'play', role: 'group', 'aria-label': 'Descend a curve'}, svg,
    make('div', {class: 'controls'}, rate.element, make('div', {class: 'buttons'}, button('Step', once), run, back)),
    says)
}
