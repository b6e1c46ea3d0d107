// The questionnaire where no Python runs: `<quiz-question number="5">` asks and tells, `<quiz-score>` sums up.
// `tidy`, `isRight`, `verdict` and `progress` do here what they do in interactive/quiz.ipynb.
import {make, button} from './page.js'
import {sha256} from './sha256.js'

const key = 'chapter4_helpers.questionnaire', version = 1
let questions, beyond  // the table of interactive/quiz.ipynb, by number, and the first number beyond the chapter
let answers = {}       // in tidy form, by number

/** A number as Python's `f'{round(x, 2):g}'` writes it, but for ties such as 0.125. */
function rounded(x) { return String(Number(Number(Number(x).toFixed(2)).toPrecision(6)) + 0) }

function isNumber(text) { return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,2})?$/i.test(text) }

/** What was typed or pressed for question `n`, in tidy form; an error if it does not fit. */
export function tidy(n, text) {
  const {kind, options} = questions[n]
  function check(good, wanted) { if (!good) throw new RangeError(`question ${n} wants ${wanted}`) }
  if (kind === 'numbers') {
    const numbers = text.trim().split(/\s+/), good = numbers.length === Number(options) && numbers.every(isNumber)
    check(good, `${options} number${options === '1' ? '' : 's'}`)
    return numbers.map(rounded).join(' ')
  }
  if (kind === 'word') {
    const word = text.replace(/[\s`'"]/g, '')
    check(word, 'a word')
    return /^\p{L}+$/u.test(word) ? word.toLowerCase() : word  // in code, capitals matter
  }
  const letters = text.toLowerCase().match(/[\p{L}\p{N}]/gu) ?? [], different = new Set(letters)
  const need = {one: 1, order: options.length}[kind] ?? different.size
  const wanted = {one: 'one of the letters', order: 'each of the letters once:'}[kind] ?? 'letters out of'
  check(letters.every(c => options.includes(c)) && different.size === need, `${wanted} ${[...options].join(', ')}`)
  return (kind === 'order' ? letters : [...different].sort()).join('')
}

/**
 * Is the tidy answer right? The page has only a checksum of what is right, so that nobody reads it by accident.
 * It hides nothing from somebody who wants to know.
 */
export function isRight(n, given) {
  return questions[n].sums.split('/').includes(sha256(`question ${n}: ${given}`).slice(0, 6))
}

function verdict(n, given) {
  if (isRight(n, given)) return ['Right.']
  return ['Not ', questions[n].kind === 'word' ? make('code', {}, given) : given, '.']
}

/** How far the reader is in the questions of the chapter, or beyond it, wherever `n` is. */
function progress(n) {
  const group = Object.keys(questions).filter(m => (m >= beyond) === (n >= beyond))
  const done = group.filter(m => m in answers), right = done.filter(m => isRight(m, answers[m])).length
  const where = n >= beyond ? ' beyond the chapter' : ''
  const wrong = right < done.length ? `${done.length - right} wrong, ` : ''
  return `${right} of ${group.length}${where} right, ${wrong}${group.length - done.length} open`
}

// Keeping

function fits(n, given) {
  try { return tidy(n, given) === given } catch { return false }
}

/** The answers that the browser keeps: none if there is something else, or if it may keep nothing. */
function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(key))
    const good = Object.entries(kept.answers).filter(([n, given]) => fits(n, given))
    if (kept.version === version) return Object.fromEntries(good)
  } catch { /* then there are none */ }
  return {}
}

function keep(changed) {
  answers = changed
  try { localStorage.setItem(key, JSON.stringify({version, answers})) } catch { /* then until the page closes */ }
}

// Showing

const shown = new Set()  // the elements on the page
function tell(which = Object) { for (const e of shown) if (e instanceof which) e.tell() }

/** What both elements are: a place of their own on the page, in which `build` makes the controls. */
class Piece extends HTMLElement {
  connectedCallback() {
    if (!this.shadowRoot) {
      this.dataset.lmSuppressShortcuts = 'true'  // or JupyterLab takes our keys for its own
      this.says = make('p', {role: 'status', class: 'says'})
      this.attachShadow({mode: 'open'}).append(make('style', {}, Piece.style), this.build())
    }
    shown.add(this)
    this.tell()
  }

  disconnectedCallback() { shown.delete(this) }
}

/** Buttons to press, boxes to tick or a field to fill for question `n`, which call `answer` with a text. */
function fields({kind, options}, answer) {
  const letters = [...options]
  if (kind === 'one') {
    const buttons = letters.map(c => button(c, () => answer(c)))
    function show(given) { for (const b of buttons) b.setAttribute('aria-pressed', b.textContent === given) }
    return {elements: buttons, show}
  }
  if (kind === 'some') {
    const boxes = letters.map(() => make('input', {type: 'checkbox'}))
    const labels = letters.map((c, i) => make('label', {}, boxes[i], ` ${c}`))
    function ticked() { return letters.filter((_, i) => boxes[i].checked).join('') }
    function show(given) { boxes.forEach((box, i) => { box.checked = given.includes(letters[i]) }) }
    return {elements: [...labels, button('Answer', () => answer(ticked()))], show}
  }
  const numbers = options === '1' ? 'number' : 'numbers, spaces between'
  const what = {order: 'letters', word: 'word', numbers}[kind]
  const plain = {autocapitalize: 'off', autocomplete: 'off', spellcheck: 'false'}  // or a phone mends what is typed
  const field = make('input', {type: 'text', 'aria-label': what, placeholder: what, ...plain})
  field.addEventListener('keydown', e => { if (e.key === 'Enter') answer(field.value) })
  return {elements: [field, button('Answer', () => answer(field.value))], show(given) { field.value = given }}
}

class Score extends Piece {
  build() {
    this.reset = button('Reset', () => this.forget())
    this.reset.addEventListener('blur', () => this.tell())
    return make('div', {class: 'play quiz score'}, this.says, this.reset)
  }

  /** The first press asks, the second one does it. */
  forget() {
    if (!this.sure) {
      this.sure = true
      this.reset.textContent = 'Forget all answers'
      return
    }
    keep({})
    tell()
  }

  tell() {
    this.sure = false
    this.reset.textContent = 'Reset'
    this.reset.hidden = !Object.keys(answers).length
    this.says.replaceChildren(make('strong', {}, `${progress(1)}.`), ` ${progress(beyond)}.`)
  }
}

class Question extends Piece {
  build() {
    this.n = Number(this.getAttribute('number'))
    this.link = this.querySelector('a')  // to what to read again
    this.open = this.firstChild === this.link ? '' : this.firstChild.textContent
    this.fields = fields(questions[this.n], text => this.answer(text))
    const group = {class: 'buttons', role: 'group', 'aria-label': `Question ${this.n}`}
    return make('div', {class: 'play quiz'}, make('div', group, ...this.fields.elements), this.says)
  }

  answer(text) {
    if (!text.trim()) return
    try { keep({...answers, ...read(), [this.n]: tidy(this.n, text)}) } catch (e) {
      this.says.textContent = `Still open: ${e.message}.`
      return
    }
    this.tell()
    tell(Score)
  }

  tell() {
    const given = answers[this.n], right = given !== undefined && isRight(this.n, given)
    this.fields.show(given ?? '')
    this.link.hidden = right || given === undefined
    const again = this.link.hidden ? [] : ['Read again: ', make('slot', {name: 'again'}), '. ']
    this.says.replaceChildren(...given === undefined ? [this.open] :
      [make('strong', {}, ...verdict(this.n, given)), ' ', ...again, `${progress(this.n)}.`])
  }
}

/** Makes the elements of the page work, unless another output has done so. */
export function startQuiz(table, firstBeyond, style) {
  if (customElements.get('quiz-question')) return
  questions = table
  beyond = firstBeyond
  Piece.style = style
  answers = read()
  customElements.define('quiz-question', Question)
  customElements.define('quiz-score', Score)
  addEventListener('storage', e => {  // the page is open twice
    if (e.key !== null && e.key !== key) return
    answers = read()
    tell()
  })
}
