// The questionnaire where no Python runs: `<quiz-question number="5">` asks and tells, `<quiz-score>` sums up.
// `tidy`, `isRight` and `progress` do here what they do in interactive/quiz.ipynb, on the same table.
import {make, button} from './page.js'

const key = 'chapter4_helpers.questionnaire'
let questions, beyond           // the table, by number, and the first number beyond the chapter
let answers = {}, firsts = {}   // by number: the answer in tidy form, and whether the first attempt was right

const number = /(?<![\w.])[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d\d?)?(?!\w)/gi
const wanted = {
  one: 'one of', some: 'letters out of', order: 'each once of', numbers: 'as many numbers as', word: 'a word',
}

/** What was typed or pressed for question `n`, in tidy form; an error if it does not fit. */
export function tidy(n, text) {
  const {kind, options} = questions[n], letters = [...options]
  function check(good) {
    const what = kind === 'word' ? '' : ` ${letters.join(', ')}`
    if (!good) throw new RangeError(`question ${n} wants ${wanted[kind]}${what}`)
  }
  if (kind === 'numbers') {
    const found = text.replaceAll('\u2212', '-').match(number) ?? []
    check(found.length === Number(options))
    return found.map(x => Number(Number(x).toFixed(2)) + 0).join(',')
  }
  if (kind === 'word') {
    const typed = text.replace(/[\s`'"]/g, ''), word = /^\p{L}+$/u.test(typed) ? typed.toLowerCase() : typed
    const name = word.replace(/\(.*\)$/, '').split('.').at(-1)  // softmax, of scores.softmax(1)
    check(word)
    return isRight(n, name) ? name : word
  }
  let parts = text.toLowerCase().replace(/\band\b/g, '').match(/[\p{L}\p{N}]/gu) ?? []
  if (kind !== 'order') parts = [...new Set(parts)].sort()
  const different = new Set(parts).size, need = {one: 1, order: letters.length}[kind] ?? different
  check(parts.every(c => letters.includes(c)) && parts.length === different && different === need)
  return parts.join('')
}

export function isRight(n, given) { return questions[n].right.split('/').includes(given) }

/** How far the reader is in the questions of the chapter, or beyond it, wherever `n` is. */
function progress(n) {
  const group = Object.keys(questions).filter(m => (m >= beyond) === (n >= beyond))
  const done = group.filter(m => m in answers)
  const right = done.filter(m => isRight(m, answers[m])).length, first = done.filter(m => firsts[m]).length
  const parts = [`${right} of ${group.length}${n >= beyond ? ' beyond the chapter' : ''} right`]
  if (done.length) parts.push(`${first} at the first try`)
  if (right < done.length) parts.push(`${done.length - right} wrong`)
  return [...parts, `${group.length - done.length} open`].join(', ')
}

function fits(n, given) {
  try { return tidy(n, given) === given } catch { return false }
}

/** Takes up what the browser keeps: nothing if there is something else, or if it may keep nothing. */
function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(key))
    answers = Object.fromEntries(Object.entries(kept.answers).filter(([n, given]) => fits(n, given)))
    firsts = {...kept.firsts}
  } catch { /* then it stays as it is */ }
}

function keep() {
  try { localStorage.setItem(key, JSON.stringify({answers, firsts})) } catch { /* then until the page closes */ }
}

const shown = new Set()  // the elements on the page
function tellAll() { for (const e of shown) e.tell() }

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

/** Buttons to press or a field to fill, which call `answer` with a text; `show` shows the one given. */
function fields({kind, options}, answer) {
  if (kind === 'one') {
    const buttons = [...options].map(c => button(c, () => answer(c)))
    const press = given => buttons.forEach(b => b.setAttribute('aria-pressed', b.textContent === given))
    return {elements: buttons, show: press}
  }
  const what = {word: 'word', numbers: 'numbers'}[kind] ?? 'letters'
  const plain = {autocapitalize: 'off', autocomplete: 'off', spellcheck: 'false'}  // or a phone mends what is typed
  const field = make('input', {type: 'text', 'aria-label': what, placeholder: what, ...plain})
  field.addEventListener('keydown', e => { if (e.key === 'Enter') answer(field.value) })
  return {elements: [field, button('Answer', () => answer(field.value))], show: given => { field.value = given }}
}

class Score extends Piece {
  build() {
    this.reset = button('Reset', () => this.forget())
    this.reset.addEventListener('blur', () => this.tell())
    return make('div', {class: 'play quiz score'}, this.says, this.reset)
  }

  /** The first press asks, the second one does it. */
  forget() {
    if (this.reset.textContent === 'Reset') {
      this.reset.textContent = 'Forget all answers'
      return
    }
    answers = {}
    firsts = {}
    keep()
    tellAll()
  }

  tell() {
    this.reset.textContent = 'Reset'
    this.reset.hidden = !Object.keys(answers).length
    this.says.replaceChildren(make('strong', {}, `${progress(1)}.`), ` ${progress(beyond)}.`)
  }
}

class Question extends Piece {
  build() {
    this.n = Number(this.getAttribute('number'))
    this.link = this.querySelector('a')  // to what to read again
    this.open = this.firstChild.textContent
    this.fields = fields(questions[this.n], text => this.answer(text))
    const group = {class: 'buttons', role: 'group', 'aria-label': `Question ${this.n}`}
    return make('div', {class: 'play quiz'}, make('div', group, ...this.fields.elements), this.says)
  }

  answer(text) {
    if (!text.trim()) return
    try {
      const given = tidy(this.n, text)
      read()  // what another page has kept meanwhile
      answers[this.n] = given
      firsts[this.n] ??= isRight(this.n, given)
      keep()
      tellAll()
    } catch (e) { this.says.textContent = `Still open: ${e.message}.` }
  }

  tell() {
    const given = answers[this.n], right = given !== undefined && isRight(this.n, given)
    this.fields.show(given ?? '')
    this.link.hidden = right || given === undefined
    if (given === undefined) return this.says.replaceChildren(this.open)
    const verdict = right ? ['Right.'] : ['Not ', make('code', {}, given), '.']
    const again = right ? [] : ['Read again: ', make('slot', {name: 'again'}), '. ']
    return this.says.replaceChildren(make('strong', {}, ...verdict), ' ', ...again, `${progress(this.n)}.`)
  }
}

/** Makes the elements of the page work, unless another output has done so. */
export function startQuiz(table, firstBeyond, style) {
  if (customElements.get('quiz-question')) return
  questions = table
  beyond = firstBeyond
  Piece.style = style
  read()
  customElements.define('quiz-question', Question)
  customElements.define('quiz-score', Score)
  addEventListener('storage', () => {  // the page is open twice
    read()
    tellAll()
  })
}
