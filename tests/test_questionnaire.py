"The questionnaire: right answers, what people type, what was missed and comes back."
import importlib.util, json, re, sys
from datetime import date
from html import unescape
from types import SimpleNamespace
import matplotlib.pyplot as plt, nbformat, numpy as np, pytest, torch
from torch.nn import functional as F
from chapter4_helpers.interactive.quiz import questions
from conftest import top
from settings import settings

lesson = top/'nbs'/'10_questionnaire.ipynb'
cells = nbformat.read(lesson, 4).cells
table = questions()
in_page = [n for n,q in table.items() if q['kind'] in ('one', 'some', 'order', 'numbers', 'word')]

@pytest.fixture
def quiz(tmp_path, monkeypatch):
    """A new session: nothing answered, and a clock, `quiz.at(9)` is 9 March. `said` gives what a
    call shows, `counts` how many are right, at the first try, wrong and open"""
    spec = importlib.util.find_spec('chapter4_helpers.interactive.quiz')
    quiz = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(quiz)
    def at(day): quiz.date = type('', (date,), dict(today=classmethod(lambda c: c(2026, 3, day))))
    def said(f, *args, **kwargs):
        quiz.shown.clear()
        f(*args, **kwargs)
        return '\n'.join(data['text/markdown'] for data in quiz.shown)
    def counts():
        numbers = r'(\d+) of 37 right(?:, (\d+) at the first try)?(?:, (\d+) wrong)?, (\d+) open'
        return [int(n or 0) for n in re.search(numbers, said(quiz.score)).groups()]
    quiz.shown,quiz.at,quiz.said,quiz.counts = [],at,said,counts
    quiz.display = lambda data, **kwargs: quiz.shown.append(data)
    monkeypatch.chdir(tmp_path)
    at(1)
    return quiz

def is_right(told): return '**Right.**' in told

# The lesson

@pytest.fixture(scope='module')
def book():
    "The words, the code cells and the cases of each question; and the names of the lesson"
    words,code,cases,names,n = {},{},{},dict(torch=torch),0
    def note(n, f, *rest, **kwargs): cases[n] = rest
    for c in cells:
        if c.cell_type=='code':
            if 'google.colab' in c.source or 'resume()' in c.source: continue
            names['check'] = note
            if n and not re.search('answer|explain', c.source): exec(c.source, names)
            if n: code.setdefault(n, []).append(c.source)
        else:
            for part in re.split(r'(?m)^(?=##+ )', c.source):
                m = re.match(r'### (\d+)\. ', part)
                n = int(m[1]) if m else 0 if part.startswith('## ') else n
                words[n] = words.get(n, '') + part
    return SimpleNamespace(words=words, code=code, cases=cases, names=names)

def run_above(book, n, old='', new=''):
    "The last value of the cell above the call of question `n`, with `new` for `old`"
    *above,last = book.code[n][0].replace(old, new, 1).strip().split('\n')
    exec('\n'.join(above), names := dict(book.names))
    return eval(last, names)

def give(quiz, book, n, a):
    "Answer question `n` as a reader would; `a` may be a function, and what goes with it"
    kind = table[n]['kind']
    if kind.startswith('code'):
        f,also = a if '+' in kind else (a, '')
        return quiz.said(quiz.check, n, f, *book.cases[n], also=also)
    if kind=='points': return quiz.said(quiz.explain, n, 'words', a)
    return quiz.said(quiz.answer, n, a)

def shown_answer(book, n):
    "The answer that unfolds under question `n`, as a reader would give it"
    kind,shown = table[n]['kind'],book.words[n].split('<details>')[1]
    if kind=='points': return ''.join(re.findall(r'(?m)^- \*\*(\w)\.\*\*', shown))
    bold = re.search(r'\*\*(.+?)\*\*', shown)
    if not kind.startswith('code'): return bold[1]
    exec(code := re.search(r'(?s)```python\n(.+?)```', shown)[1], names := dict(book.names))
    f = names[re.match(r'def (\w+)', code)[1]]
    return (f, bold[1]) if '+' in kind else f

def test_what_unfolds_is_right_and_all_of_it_scores(quiz, book):
    assert [*table] == [n for n in book.words if n] == [*range(1, 48)]
    for n in table: assert is_right(give(quiz, book, n, shown_answer(book, n))), n
    assert quiz.counts() == [37, 37, 0, 0] and '10 of 10' in quiz.said(quiz.score)
    assert 'Nothing to revisit' in quiz.said(quiz.score)

def test_options_are_those_of_the_table(book):
    for n,q in table.items():
        if q['options'].isalpha():
            where = book.words[n] if q['kind']=='points' else book.words[n].split('<details>')[0]
            assert ''.join(re.findall(r'(?m)^- \*\*(\w)\.\*\*', where)) == q['options'], n

def an_epoch(dl, w, lr, zero=True, late=False):
    for xb,yb in dl:
        ((w*xb-yb)**2).mean().backward()
        if not late: w.data -= lr*w.grad
        if zero: w.grad = None
    if late: w.data -= lr*w.grad
    return w

def a_loop(model, dl, opt, loss_func, epochs, zero=True):
    losses = []
    for xb,yb in dl*epochs:
        losses.append(loss_func(model(xb), yb))
        losses[-1].backward(); opt.step()
        if zero: opt.zero_grad()
    return [l.item() for l in losses]

def nine(): return torch.arange(1, 10).view(3, 3)
def both(t): return len(t.shape), list(t.shape)
def pairs(xs, ys): return [*zip(xs, ys)]
def rows(t): return t.flatten(1)

wrong = {
    4: [lambda xs: [2*x for x in xs], lambda xs: [x for x in xs if x%2]],
    6: [(lambda t: (len(t), list(t.shape)), 'ac'), (both, 'a'), (both, 'abc')],
    7: ['.4 .2', '.2 .16', '.2 .41'], 10: ['4 1', '16, 1'],
    9: [lambda k: nine()[1:,1:], lambda k: (nine()*k)[:2,:2], lambda k: [[5*k,6*k],[8*k,9*k]]],
    14: ['abcdefg', 'bdcafge'], 18: ['.04', '-4'],
    21: [(lambda x: 1/(1+torch.exp(x)), 'ace'), (torch.tanh, 'ace'), (torch.sigmoid, 'ac')],
    23: [lambda w,g,lr: w+lr*g, lambda w,g,lr: w-g], 24: ['ac', 'abcdef'],
    25: [lambda *a: an_epoch(*a, zero=False), lambda *a: an_epoch(*a, False, True),
         lambda dl,w,lr: w],
    26: [(zip, 'dataset'), (lambda xs,ys: pairs(ys, xs), 'dataset'), (pairs, 'list')],
    27: [(lambda t: t.view(-1, 784), 'bc'), (lambda t: t.view(-1), 'bc'), (rows, 'b')],
    29: ['43 21'], 30: ['data', 'gradient', 'requires_grad'], 31: ['6 5', '12 6'], 32: ['bcf'],
    33: [lambda *a: a_loop(*a, zero=False), lambda *a: a_loop(*a)[-1]],
    34: [torch.abs, torch.sigmoid, lambda x: -torch.relu(-x)],
    36: ['nn.ReLU', 'F.relu()', 'nn.relu()'], 38: ['.1 .1'], 39: ['scores', 'F', 'targets'],
    42: ['return', 'break'], 43: ['.5 .5'], 44: ['.5 1.5'], 46: ['12 64']}
for n,q in table.items():
    if q['kind']=='one': wrong[n] = [c for c in q['options'] if c != q['right']]
    if q['kind']=='points': wrong[n] = ['-', 'a', 'bc']

def test_wrong_answers_are_told_what_to_read(quiz, book):
    assert [*sorted(wrong)] == [*table]
    for n,answers in wrong.items():
        for a in answers:
            told = give(quiz, book, n, a)
            place = table[n]['section'].replace('`', '').replace(' ', '-')
            assert not is_right(told) and f']({table[n]["notebook"]}.ipynb#{place})' in told, (n, a)

def test_sections_exist():
    def headings(name):
        words = [c.source for c in nbformat.read(top/'nbs'/f'{name}.ipynb', 4).cells]
        return [h.strip() for w in words for h in re.findall(r'(?m)^## (.+)', w)]
    lost = {n: q['section'] for n,q in table.items() if q['section'] not in headings(q['notebook'])}
    assert lost == {}, 'these questions point to a section that is not there, or is renamed'

def test_bugs(book):
    "Each of the four cells goes wrong as it says, and goes right with the answer"
    assert run_above(book, 10)==.5 and run_above(book, 10, '0.])\n(', '0.])[:,None]\n(')==0
    *lines,last = book.code[31][0].strip().split('\n')
    lines[4:] = lines[:3:-1]  # the fifth line after the sixth
    assert run_above(book, 31)==0
    assert abs(run_above(book, 31, book.code[31][0].strip(), '\n'.join([*lines, last])) - 2) < 1e-4
    assert 'is not a Module subclass' in run_above(book, 36)
    book.names.pop('message')
    with pytest.raises(NameError): run_above(book, 36, 'F.relu', 'nn.ReLU()')  # no message
    assert abs(run_above(book, 39)-.5514) < 1e-4 and run_above(book, 39, '.softmax(1)') < 1e-6

def test_numbers_in_the_answers():
    def tent(x): return 2*F.relu(x) - 4*F.relu(x-.5)
    off,ten,y = torch.tensor([0,0,0,.8]),torch.zeros(1,10),torch.linspace(0, 1, 2**12+1)
    for _ in range(6): y = tent(y)
    pieces = ((y.diff().diff().abs() > 1e-4).sum()+1).item()
    x = torch.tensor(3.).requires_grad_(); (x**2).backward(); (x**2).backward()
    computed = {
        7: [off.abs().mean(), off.square().mean().sqrt()],
        10: (torch.zeros(4,1)-torch.zeros(4)).shape, 18: [-4*.01],
        29: torch.tensor([[1,2],[3,4]])@torch.tensor([1,10]), 31: [x.grad, 5],
        38: [ten.softmax(1)[0,0], F.cross_entropy(ten, torch.tensor([3]))],
        43: [.02*.5, .02*.5/(1-.98)], 44: [2*192/256, 2*64/256], 46: [pieces, 12]}
    for n,numbers in computed.items():
        assert ','.join(f'{round(float(x), 2):g}' for x in numbers) == table[n]['right'], n

# What people type

@pytest.mark.parametrize('n,given', [
    (10, ['4, 4']), (10, [4, 4]), (10, [torch.Size([4, 4])]), (29, ['21, 43']),
    (29, ['[[21], [43]]']),
    (7, ['0.2 and 0.4']), (7, ['.2', 4e-1]), (7, [np.float32(.2), np.float32(.4)]),
    (7, [torch.tensor([.2, .4])]), (7, ['L1 is 0.204, RMSE +.396']), (18, ['−0.04']),
    (18, ['-4e-2']), (39, ['scores.softmax(1)']), (39, ['F.softmax']), (39, ['Softmax']),
    (30, ['`w.grad`']), (36, ['nn.ReLU( )']), (36, ['torch.nn.ReLU()']),
    (42, ['raise CancelFitException()']), (1, [' C. ']), (14, ['B-d c, a f E g']),
    (14, [*'bdcafeg']), (24, ['E, c and a']), (24, ['a', 'c', 'e'])])
def test_right_however_it_is_written(quiz, n, given):
    assert is_right(quiz.said(quiz.answer, n, *given))

@pytest.mark.parametrize('n,given,wanted', [
    (1, ['x'], 'a, b, c, d'), (1, ['ab'], 'one of'), (1, [3], 'one of'), (7, [1], '2'),
    (7, ['x', 'y'], '2'),
    (7, [1, 2, 3], '2'), (18, ['0x10'], 'number'), (18, ['1,5'], 'number'), (14, ['abc'], 'each'),
    (14, ['aabcdef'], 'each'), (24, ['az'], 'out of'), (30, ['``'], 'word'),
    (4, ['a'], '`check`'), (6, ['ac'], '`check`')])
def test_what_does_not_fit_is_no_answer(quiz, n, given, wanted):
    told = quiz.said(quiz.answer, n, *given)
    assert 'Still open' in told and wanted in told and quiz.counts() == [0, 0, 0, 37]

def test_left_open(quiz):
    quiz.explain(2, 'mine', 'az')
    for given in ([''], [None, None], []): quiz.answer(1, *given)
    assert 'unfold' in quiz.said(quiz.explain, 2, 'mine') and quiz.counts() == [0, 0, 0, 37]
    assert '1 of 3' in (told := quiz.said(quiz.explain, 2, 'mine', 'b')) and 'a, c' in told

# Functions

@pytest.mark.parametrize('got,wanted,right', [
    (np.float32(.5), .5, True), (torch.tensor([.5]), .5, True), (.5002, .5, False), (1, 1., True),
    (np.int64(3), 3, True), ('.5', .5, False), ([1], [1, 2], False), ((1, [2.]), (1, (2.,)), True),
    (5, [5], False), ('a', 'a', True), (False, True, False),
    (torch.ones(2), torch.ones(2)+1e-6, True), (torch.ones(2), torch.ones(1), False),
    ([1., 1.], torch.ones(2), False), (torch.ones(2).int(), torch.ones(2), True),
    (torch.ones(2), 1., False)])
def test_results(quiz, got, wanted, right):
    assert is_right(quiz.said(quiz.check, 4, lambda x: got, (0, wanted))) == right

def test_each_case_runs_once_on_copies(quiz):
    calls = []
    def f(xs): calls.append(xs.pop())
    xs = [1, 2]
    assert 'returns nothing' in quiz.said(quiz.check, 4, f, (xs, 1), (xs, 1))
    assert calls == [2, 2] and xs == [1, 2]

def test_failed_cases_are_named(quiz):
    def cube(x): return x**3
    big = torch.zeros(40,40)
    told = quiz.said(quiz.check, 4, cube, (2, 6), (1, 1), ('a', 'aaa'), (big, big+1))
    assert '3 of 4' in told and 'TypeError' in told and 'cube(1)' not in told
    assert '`cube(2)` should give `6`; it gave `8`' in told
    assert len(max(told.split('\n'), key=len)) < 400

def test_a_function_and_what_goes_with_it(quiz):
    def f(t): return t
    assert '`also`' in quiz.said(quiz.check, 6, f, (1, 1)) and quiz.counts() == [0, 0, 0, 37]
    assert 'Still open' in quiz.said(quiz.check, 6, f, (1, 1), also='z')
    told = quiz.said(quiz.check, 6, f, (1, 1), also='b')
    assert 'function is right' in told and '`b`' in told
    assert 'cases fail' in quiz.said(quiz.check, 6, f, (1, 2), also='ac')
    assert 'Not right yet' in quiz.said(quiz.check, 6, lambda t: None, (1, 1))
    assert is_right(quiz.said(quiz.check, 6, f, (1, 1), also='a and c'))

def test_a_right_function_is_drawn(quiz):
    x = torch.tensor([-1., 2.])
    assert is_right(quiz.said(quiz.check, 34, torch.relu, (x, x.relu()), plot=(-1, 2)))
    assert plt.gca().lines[0].get_xdata()[[0,-1]].tolist() == [-1, 2]
    plt.close('all')

# Coming back

def test_first_attempts_are_counted(quiz):
    for n in (1, 5, 8, 11):
        for c in 'abcd': quiz.answer(n, c)
        quiz.answer(n, table[n]['right'])
    assert quiz.counts() == [4, 1, 0, 33]  # question 5 has the answer a
    quiz.answer(5, 'b'); quiz.answer(38, '.1 2.3')
    assert quiz.counts() == [3, 1, 1, 33] and '1 of 10 beyond' in quiz.said(quiz.score)
    assert '[00_pixels, Rank and shape]' in quiz.said(quiz.score)

def test_missed_is_asked_again(quiz):
    def f(right): return quiz.said(quiz.check, 4, lambda x: int(right), (0, 1))
    def five(): return quiz.said(quiz.answer, 5, 'a')
    assert 'again on 2 March' in quiz.said(quiz.answer, 5, 'b') and 'again on 2 March' in f(False)
    assert is_right(told := five()) and 'again on 2 March' in told  # right, and on the same day
    quiz.answer(1, table[1]['right'])
    quiz.at(2)
    assert quiz.counts() == [1, 1, 0, 36] and 'again: 4 today, 5 today' in quiz.said(quiz.score)
    assert '**Asked again**' in five() and '**Asked again**' in f(False)  # that stood in the cell
    assert 'again on 5 March' in f(True)
    for day,next_day in (2, '5 March'),(5, '12 March'):
        quiz.at(day)
        if day > 2: assert '**Asked again**' in five()
        assert is_right(told := five()) and f'again on {next_day}' in told
        quiz.at(day+2)
        assert f'again on {next_day}' in five()  # too early to count
    quiz.at(12)
    assert '**Asked again**' in quiz.said(quiz.answer, 5, '')
    assert is_right(told := five()) and 'gain' not in told  # known by now
    assert 'again on 13 March' in f(False)  # a miss on the way begins anew
    quiz.at(31)
    assert is_right(five()) and '**Asked again**' in f(False)

def test_points_in_other_words_count_at_once(quiz):
    quiz.explain(2, 'mine', 'a'); quiz.at(2)
    assert 'Asked again**' in quiz.said(quiz.explain, 2, 'mine', 'a')
    quiz.explain(2, 'mine', 'ab'); quiz.at(3)
    assert '1 of 3' in quiz.said(quiz.explain, 2, 'new', 'a')

# Keeping

def test_saved_and_resumed(quiz, tmp_path):
    assert 'Nothing' in quiz.said(quiz.save) and 'No saved' in quiz.said(quiz.resume)
    quiz.answer(5, 'b'); quiz.answer(7, '1, 2'); quiz.explain(2, 'my words', 'ab')
    quiz.check(6, lambda t: t, (1, 1), also='b'); quiz.check(4, lambda t: t, (1, 2))
    (tmp_path/'questionnaire.json.new').write_text('half')  # what a killed save left
    assert '5 answers' in quiz.said(quiz.save)
    assert [p.name for p in tmp_path.iterdir()] == ['questionnaire.json']
    assert 'my words' in (tmp_path/'questionnaire.json').read_text()
    quiz.__spec__.loader.exec_module(quiz)  # tomorrow, and another kernel
    quiz.display = lambda data, **kwargs: quiz.shown.append(data)
    quiz.at(1)
    quiz.answer(1, 'c'); quiz.answer(5, 'a')
    assert '5 answers' in quiz.said(quiz.resume) and quiz.counts() == [2, 2, 4, 31]
    quiz.answer(5, 'b')
    quiz.save()
    assert json.loads((tmp_path/'questionnaire.json').read_text())['answers'].keys() == {*'124567'}

good = dict(given='c', day='2026-03-01', wait=0)
made_by = 'chapter4_helpers, 10_questionnaire'
def file_of(answers): return json.dumps(dict(made_by=made_by, answers=answers))

def test_good_entries_are_kept_beside_others(quiz, tmp_path):
    bad = {'99': good, '5': good | dict(given='z'), '8': 5, 'x': good, '15': dict(given='c'),
           '11': good | dict(day='yesterday'), '16': good | dict(day=5), '19': good | dict(given=3),
           '22': good | dict(wait=10**400), '6': good | dict(given=None)}
    failed = good | dict(given='failed', wait=1)
    old = {'1': good, '7': good | dict(given='0.2 0.4'), '4': failed}  # of an earlier version
    (tmp_path/'a.json').write_text(file_of(bad | old))
    assert '3 answers' in quiz.said(quiz.resume, 'a.json') and quiz.counts() == [2, 2, 1, 34]
    quiz.answer(28, 'b'); quiz.save('a.json')
    assert json.loads((tmp_path/'a.json').read_text())['answers'].keys() == {*bad, *old, '28'}

@pytest.mark.parametrize('text', ['', '[1,2]', 'null', '{}', '{"answers": {}}', '['*100_000,
                                  '\xff\x00', file_of([1]), file_of({}).replace('10_q', '11_q')])
def test_a_file_of_something_else_is_left_alone(quiz, tmp_path, text):
    (tmp_path/'mine.json').write_text(text, 'latin-1')
    quiz.answer(1, 'c')
    for f in (quiz.resume, quiz.save):
        assert 'Not ' in (told := quiz.said(f, 'mine.json')) and 'mine.json is damaged' in told
    assert (tmp_path/'mine.json').read_text('latin-1') == text and quiz.counts() == [1, 1, 0, 36]
    for path in (tmp_path, tmp_path/'missing'/'a.json'):
        assert 'Not saved' in quiz.said(quiz.save, path)

# The page

def test_saved_lesson_asks_what_the_page_can_check():
    found = {}
    for c in cells:
        m = c.cell_type=='code' and re.search(r'(?m)^(?:answer|explain|check)\((\d+), ', c.source)
        if m: found[int(m[1])] = c.outputs[-1].data
    assert [*found] == [*table]
    for n,data in found.items():
        q = table[n]
        assert ('text/html' in data) == (n in in_page)
        if n in in_page:
            place = f'{q["notebook"]}.ipynb#{q["section"].replace("`", "").replace(" ", "-")}'
            html = unescape(data['text/html'])
            assert re.match(f'<quiz-question number="{n}">Open.<a .*hidden', html)
            assert f'href="{place}"' in html
        else: assert f']({settings.colab}/nbs/10_questionnaire.ipynb)' in data['text/markdown']

@pytest.mark.parametrize('kernel,person', [
    (SimpleNamespace(), False), (SimpleNamespace(_allow_stdin=True), True), (None, False)])
def test_who_gets_the_page(quiz, kernel, person, monkeypatch):
    # Not somebody who runs the cells, whose answers are kept here
    quiz.get_ipython = lambda: SimpleNamespace(kernel=kernel)
    quiz.said(lambda: (quiz.resume(), quiz.score(), quiz.answer(1, ''), quiz.explain(2, '')))
    script,*shown,explain = quiz.shown
    assert 'startQuiz(' in script['text/html'] and not script['text/plain']
    assert ['text/html' in d for d in shown] == [not person]*3 and 'text/html' not in explain
    assert ('Colab' in explain['text/markdown']) == (not person)
    quiz.answer(1, 'b'); quiz.said(lambda: (quiz.score(), quiz.answer(1, '')))
    assert not any('text/html' in d for d in quiz.shown)  # these are answers that Python has
    monkeypatch.setitem(sys.modules, 'google.colab', sys)
    assert f']({settings.colab}/nbs/00_pixels.ipynb#' in quiz.said(quiz.answer, 1, 'a')
    assert 'text/html' not in (quiz.said(quiz.answer, 5, '') and quiz.shown[-1])
