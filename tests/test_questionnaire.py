"""The questionnaire: its answers are right, its sections exist, what was missed is asked again, its
buttons work.

The right answers stand here and nowhere else in clear text. The quiz has their sums, in the table
of nbs/interactive/quiz.ipynb; where one is missing or wrong, `test_sums` says what it should be."""
import json, math, re, sys
from datetime import date
from html import unescape
from types import SimpleNamespace
import IPython.display, matplotlib.pyplot as plt, nbformat, pytest, torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from nbclient import NotebookClient
from torch.nn import functional as F
from traitlets.config import Config
from chapter4_helpers.interactive import quiz
from conftest import top
from settings import settings

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

def nine(): return torch.arange(1,10).view(3,3)

# Letters, numbers, a word in all its spellings; a function; or a function, and what goes with it
right = {
    1: 'c', 2: 'abc', 3: 'abc', 4: lambda xs: [2*x for x in xs if x%2], 5: 'a',
    6: (lambda t: (len(t.shape), t.shape), 'ac'), 7: (.2,.4), 8: 'd',
    9: lambda k: torch.tensor([[5,6],[8,9]])*k, 10: (4,4), 11: 'b', 12: 'abc', 13: 'abc',
    14: 'bdcafeg', 15: 'c', 16: 'd', 17: 'abc', 18: (-.04,), 19: 'a', 20: 'abc',
    21: (torch.sigmoid, 'ace'), 22: 'd', 23: lambda w,g,lr: w-lr*g, 24: 'ace', 25: an_epoch,
    26: (lambda xs,ys: [(x,y) for x,y in zip(xs,ys)], ['dataset', 'datasets']),
    27: (lambda t: t.flatten(1), 'bc'), 28: 'b', 29: (21,43), 30: ['grad', '.grad', 'w.grad'],
    31: (12,5), 32: 'bcefg', 33: a_loop, 34: torch.relu, 35: 'c',
    36: ['nn.ReLU()', 'torch.nn.ReLU()'], 37: 'abc', 38: (.1,2.3),
    39: ['softmax', 'softmax(1)', '.softmax(1)', '.softmax'], 40: 'a', 41: 'b', 42: ['raise'],
    43: (.01,.5), 44: (1.5,.5), 45: 'd', 46: (64,12), 47: 'b'}

# And every other letter where one is right; for points, whatever is not all of them
wrong = {
    4: [lambda xs: [2*x for x in xs], lambda xs: [x for x in xs if x%2],
        lambda xs: (2*x for x in xs if x%2)],
    6: [(lambda t: (len(t), list(t.shape)), 'ac'), (lambda t: (t.shape, len(t.shape)), 'ac'),
        (right[6][0], 'a'), (right[6][0], 'abc'), (right[6][0], 'bd')],
    7: [(.4,.2), (.2,.16), (.8,.8), (.2,.41)],
    9: [lambda k: nine()[1:,1:], lambda k: (nine()*k)[:2,:2], lambda k: [[5*k,6*k],[8*k,9*k]]],
    10: [(4,1), (1,4), (16,1)],
    14: ['abcdefg', 'bdcafge', 'bdacfeg'],
    18: [(.04,), (-4,), (-400,), (-4.01,)],
    21: [(lambda x: 1/(1+torch.exp(x)), 'ace'), (torch.tanh, 'ace'), (torch.sigmoid, 'abce'),
         (torch.sigmoid, 'ac')],
    23: [lambda w,g,lr: w+lr*g, lambda w,g,lr: w-g, lambda w,g,lr: -lr*g],
    24: ['a', 'ac', 'abcdef', 'acef', 'bdf'],
    25: [lambda *a: an_epoch(*a, zero=False), lambda *a: an_epoch(*a, zero=False, late=True),
         lambda dl,w,lr: w],
    26: [(zip, 'dataset'), (lambda xs,ys: [(y,x) for x,y in zip(xs,ys)], 'dataset'),
         (right[26][0], 'list'),
         (right[26][0], 'data loader')],
    27: [(lambda t: t.view(-1, 28*28), 'bc'), (lambda t: t.view(-1), 'bc'), (right[27][0], 'b'),
         (right[27][0], 'abcd')],
    29: [(43,21), (1,40), (21,30)],
    30: [['data'], ['gradient'], ['backward']],
    31: [(6,5), (12,6), (12,4), (0,5)],
    32: ['abcefg', 'bcf', 'abcdefg'],
    33: [lambda *a: a_loop(*a, zero=False), lambda *a: a_loop(*a)[-1],
         lambda m,dl,o,f,n: a_loop(m,dl,o,f,1)],
    34: [torch.abs, lambda x: x*0, torch.sigmoid, lambda x: -torch.relu(-x)],
    36: [['nn.ReLU'], ['nn.relu()'], ['F.relu()'], ['relu']],
    38: [(.1,.1), (1,2.3), (.1,3.32)],
    39: [['scores'], ['F'], ['targets']],
    42: [['return'], ['exit'], ['continue'], ['break']],
    43: [(.01,.01), (.5,.5), (.49,.5)],
    44: [(.5,1.5), (192,64), (.75,.25)],
    46: [(12,12), (64,128), (32,10)]}
for n,q in quiz.questions().items():
    if q['kind']=='one': wrong[n] = [c for c in q['options'] if c != right[n]]
    if q['kind']=='points': wrong[n] = ['-', 'a', 'b', 'c', 'ab', 'ac', 'bc']

site = quiz._colab if 'google.colab' in sys.modules else ''
lesson = top/'nbs'/'10_questionnaire.ipynb'
def read(name): return nbformat.read(top/'nbs'/f'{name}.ipynb', 4)

shown,its_live = [],quiz._live
def said(f, *args, **kwargs):
    "The last that `f` says"
    shown.clear()
    f(*args, **kwargs)
    return shown[-1]

@pytest.fixture
def at(tmp_path, monkeypatch):
    "A new session with the quiz: nothing answered, no buttons, and a clock: `at(9)` is 9 March"
    monkeypatch.chdir(tmp_path)
    def display(data, **kwargs): shown.append(data['text/markdown'])
    for name,value in dict(_state={}, _opened=set(), _live=lambda: False, display=display).items():
        monkeypatch.setattr(quiz, name, value)
    def at(day): monkeypatch.setattr(quiz, '_today', lambda: date(2026, 3, day))
    at(1)
    return at

@pytest.fixture
def nb(at, monkeypatch):
    "By number: the words, what the answer shows, the code above the call, the cases; and the names"
    words,code,cases,names,check,n = {},{},{},{},quiz.check,0
    def note(n, f, *rest, **kwargs): cases[n] = rest; check(n, f, *rest, **kwargs)
    monkeypatch.setattr(quiz, 'check', note)
    for c in read('10_questionnaire').cells:
        if c.cell_type=='code':
            if 'google.colab' in c.source: continue
            exec(c.source, names)
            if n: code.setdefault(n, []).append(c.source)
            continue
        for part in re.split(r'(?m)^(?=##+ )', c.source):
            if m := re.match(r'### (\d+)\. ', part): n = int(m[1])
            elif part.startswith('## '): n = 0
            words[n] = words.get(n, '') + '\n\n' + part
    assert list(words) == [0, *range(1, 48)] and quiz._state == {}
    shown = {n: re.search(r'(?s)<details>(.+)</details>', w)[1] for n,w in words.items() if n}
    words = {n: w.split('<details>')[0] for n,w in words.items()}
    return SimpleNamespace(words=words, shown=shown, code=code, cases=cases, names=names)

def give(nb, n, a):
    "Answer question `n` by a call, as a reader would; is it right?"
    kind = quiz._questions[n]['kind']
    if kind.startswith('code'):
        f,also = a if '+' in kind else (a, '')
        quiz.check(n, f, *nb.cases[n], also=also)
    elif kind=='points': quiz.explain(n, 'words', a)
    else: quiz.answer(n, *([a] if isinstance(a, str) else a))
    return quiz._is_right(n, quiz._state[n]['given'])

def spellings(n):
    "The right answer to question `n`, in all the ways to write it, as arguments of `tidy`"
    a = right[n][1] if '+' in quiz._questions[n]['kind'] else right[n]
    return [[spelling] for spelling in a] if isinstance(a, list) else [a]

# The answers

def test_sums():
    assert list(quiz._questions) == list(right) == list(range(1, 48))
    sums = {n: '/'.join(dict.fromkeys(quiz._sum(n, quiz._tidy(n, a)) for a in spellings(n)))
            for n,q in quiz._questions.items() if q['kind'] not in ('points', 'code')}
    put = {n: s for n,s in sums.items() if s != quiz._questions[n]['sums']}
    assert put == {}, 'put these sums into the table of nbs/interactive/quiz.ipynb, and run it'

def test_right_and_wrong(nb):
    for n in right:
        for a in wrong[n]:
            assert not give(nb, n, a), (n, a)
        for s in spellings(n) if isinstance(spellings(n)[0], list) else [None]:
            two = '+' in quiz._questions[n]['kind']
            a = right[n] if s is None else (right[n][0], s[0]) if two else s
            assert give(nb, n, a), (n, a)
        assert len(wrong[n]) >= 3
    assert quiz._progress() == '37 of 37 right, 0 open'
    assert quiz._progress(38) == '10 of 10 beyond the chapter right, 0 open'
    assert said(quiz.score).endswith('\nNothing to revisit.')

def test_shown_answers_are_right(nb):
    for n,q in quiz._questions.items():
        kind,shown = q['kind'],nb.shown[n]
        options = shown if kind=='points' else nb.words[n]
        listed = ''.join(re.findall(r'(?m)^- \*\*(\w)\.\*\*', options))
        has_options = kind.split('+')[-1] in ('one', 'some', 'order', 'points')
        if has_options: assert listed == q['options'], n
        bold = (re.findall(r'\*\*(.+?)\*\*', shown) or [''])[0]
        letters = ''.join(re.findall(r'\b[a-g]\b', bold))
        if kind.startswith('code'):
            exec(code := re.search(r'(?s)```python\n(.+?)```', shown)[1], nb.names)
            f = nb.names[re.match(r'def (\w+)', code)[1]]
            also = bold if kind.endswith('word') else letters
            assert give(nb, n, (f, also) if '+' in kind else f), n
        else:
            a = {'word': bold, 'points': listed}.get(kind, letters)
            if kind=='numbers': a = re.findall(r'-?\d+(?:\.\d+)?', bold)
            assert give(nb, n, a), n

def test_lesson_holds_no_answers(nb):
    # Neither in its calls nor in what they show
    for n,code in nb.code.items():
        call = code[-1]
        if quiz._questions[n]['kind'].startswith('code'):
            assert re.search(r'(?m)^def \w+\(.*\): \.\.\.$', call), n
        if '+' in quiz._questions[n]['kind']: assert call.endswith("also='')"), n
        if m := re.match(r'answer\((\d+), (.*?)\)(  #.*)?$', call):
            assert int(m[1])==n and re.sub(r'None|, ', '', m[2]) in ('', "''"), n
        if m := re.match(r'explain\((\d+), (.*)\)$', call, re.S):
            assert int(m[1])==n and m[2] == '"""\n\n""", points=\'\'', n
    text = json.dumps([c.get('outputs', []) for c in read('10_questionnaire').cells])
    text,n = re.subn('<script.+?</script>', '', text)  # it can say both, and has checksums alone
    assert n==1 and 'Right' not in text and 'Not ' not in text

# The page

def saved():
    "By number: what the saved lesson shows under the call of each question"
    found = {}
    for c in read('10_questionnaire').cells:
        m = c.cell_type=='code' and re.search(r'(?m)^(?:answer|explain|check)\((\d+), ', c.source)
        if m: found[int(m[1])] = c.outputs[-1].data
    return found

def test_page_asks_what_it_can_check(nb):
    for n,data in saved().items():
        q = quiz._questions[n]
        if q['kind'] in quiz._in_page:
            place = f'{q["notebook"]}.ipynb#{q["section"].replace("`", "").replace(" ", "-")}'
            name = f'{q["notebook"]}, {q["section"]}'
            link = f'<a slot="again" href="{place}" hidden="hidden">{name}</a>'
            html = f'<quiz-question number="{n}">Open.{link}</quiz-question>'
            assert unescape(data['text/html']) == html
            assert data['text/markdown'] == data['text/plain'] == 'Open.'
        else:
            assert 'text/html' not in data, n
            for site in (settings.colab, settings.blob):
                assert f']({site}/nbs/10_questionnaire.ipynb)' in data['text/markdown'], n
    assert list(saved()) == list(quiz._questions)

def test_page_has_the_script_once_and_as_it_is():
    outputs = [o.data for c in read('10_questionnaire').cells for o in c.get('outputs', [])]
    scripts = [d['text/html'] for d in outputs if '<script' in d.get('text/html', '')]
    assert scripts == [quiz._page_script()], 'make notebooks ARGS=nbs/10_questionnaire.ipynb'
    assert lesson.stat().st_size < 250_000

def test_page_is_given_checksums_alone():
    script = quiz._page_script()
    call = re.search(r'(?m)^startQuiz\((.+)\)$', script)[1]
    table,beyond,style = json.loads(f'[{call}]')
    parts = 'kind', 'options', 'sums'
    table_here = {str(n): {k: q[k] for k in parts} for n,q in quiz.questions().items()}
    assert (table, beyond) == (table_here, quiz._beyond)
    without = script.replace('http://www.w3.org/2000/svg', '')  # a name, not an address
    assert re.findall(r'https?:|@import|\bfetch\(|url\(|XMLHttpRequest', without) == []
    for n in (14, 30, 36, 39, 42):
        for a in spellings(n):
            assert not re.search(rf'(?<![\w.]){re.escape(quiz._tidy(n, a))}(?!\w)', script), a

@pytest.mark.parametrize('program', [True, False])
def test_who_gets_the_page(program, at, monkeypatch):
    # Not somebody who runs the cells, whose answers are kept here
    got = []
    monkeypatch.setattr(quiz, 'display', lambda data, **kwargs: got.append(data))
    monkeypatch.setattr(quiz, '_person', lambda: not program)
    for f in (quiz.resume, quiz.score, lambda: quiz.answer(1, ''), lambda: quiz.explain(2, '')): f()
    script,*shown,explain = got
    assert script['text/html'] == quiz._page_script() and script['text/plain'] == ''
    assert ['text/html' in d for d in shown] == [program]*3
    assert shown[-1]['text/markdown'] == shown[-1]['text/plain'] == 'Open.'
    in_colab = f'[in Colab]({quiz._colab}10_questionnaire.ipynb)'
    assert (in_colab in explain['text/markdown']) == program
    quiz.answer(1, 'b')
    for f in (quiz.score, lambda: quiz.answer(1, '')):
        f()
        assert 'text/html' not in got[-1]  # these are answers that Python has

# The questions

def test_sections_exist():
    def headings(name):
        words = [c.source for c in read(name).cells if c.cell_type=='markdown']
        return {h.strip() for w in words for h in re.findall(r'(?m)^## (.+)', w)}
    lost = {n: (q['notebook'], q['section']) for n,q in quiz._questions.items()
            if q['section'] not in headings(q['notebook'])}
    assert lost == {}, 'these questions point to a section that is not there, or is renamed'
    assert {q['notebook'] for n,q in quiz._questions.items() if n >= quiz._beyond} == {
        '08_all_digits', '09_learner', '11_many_machines', '12_what_networks_can_say'}

def test_the_right_option_does_not_stand_out(nb):
    ones = [n for n,q in quiz._questions.items() if q['kind']=='one']
    options = {n: dict(re.findall(r'(?m)^- \*\*(\w)\.\*\* (.+)', nb.words[n])) for n in ones}
    def stands_out(n, most):
        return len(options[n][right[n]]) == most(len(o) for o in options[n].values())
    for most in (max, min): assert sum(stands_out(n, most) for n in ones) <= len(ones)/3, most
    counts = [sum(right[n]==c for n in ones) for c in 'abcd']
    assert max(counts)-min(counts) <= 2, counts

def test_first_screen(nb):
    "Question 1 comes after a few sentences and a short cell"
    cells = read('10_questionnaire').cells
    before = cells[:next(i for i,c in enumerate(cells) if '### 1.' in c.source)]
    assert sum(len(c.source.split()) for c in before if c.cell_type=='markdown') < 120
    in_view = [c for c in before if c.cell_type=='code'
               and not c.metadata.get('jupyter', {}).get('source_hidden')]
    assert len(in_view) == 1 and len(in_view[0].source.splitlines()) <= 4

def test_bugs(nb):
    "Each of the four cells goes wrong as it says, and goes right with the answer"
    def result(n, old='', new=''):
        *above,last = nb.code[n][0].replace(old, new, 1).strip().split('\n')
        exec('\n'.join(above), names := dict(nb.names))
        return eval(last, names)
    assert result(10)==.5 and result(10, '0.])\n(', '0.])[:,None]\n(')==0
    lines = nb.code[31][0].split('\n')
    assert [l[-1] for l in lines] == list('1234567') and result(31)==0
    assert abs(result(31, '\n'.join(lines[4:6]), '\n'.join([lines[5], lines[4]])) - 2) < 1e-4
    assert 'is not a Module subclass' in result(36)
    exec(nb.code[36][0].replace('F.relu', right[36][0]), names := dict(nb.names, message=''))
    assert names['message']==''
    assert abs(result(39)-.5514) < 1e-4 and result(39, '.softmax(1)') < 1e-6
    probabilities = torch.tensor([1.,0.,0.]).softmax(0)
    assert [round(p.item(), 2) for p in probabilities] == [.58,.21,.21]
    assert abs(result(39) + probabilities[0].log()) < 1e-6  # as low as it gets

def test_numbers_in_the_answers(nb):
    off = torch.tensor([0,0,0,.8])
    means = torch.stack([off.abs().mean(), off.square().mean().sqrt()])
    assert torch.allclose(means, torch.tensor(right[7]))
    x,y = torch.tensor([[1.],[0.],[1.],[0.]]),torch.tensor([1.,0.,1.,0.])
    assert (x-y).shape == right[10] and (x != y).sum() == 8
    x = torch.tensor(5.).requires_grad_(); (-4*x).backward()
    assert math.isclose(x.grad*.01, *right[18], rel_tol=1e-6)
    epochs = [quiz._run(f, nb.cases[25][0][:-1]) for f in wrong[25][:2]]
    ones = [round(an.item(), 6) for an in epochs]
    assert ones == [3.8,4.6]
    assert (torch.tensor([[1,2],[3,4]])@torch.tensor([[1],[10]])).flatten().tolist() == [*right[29]]
    x = torch.tensor(3.).requires_grad_(); (x**2).backward(); (x**2).backward()
    assert x.grad == right[31][0]
    ten = torch.zeros(1,10)
    assert ten.softmax(1).unique().item() == torch.tensor(right[38][0])
    assert round(F.cross_entropy(ten, torch.tensor([3])).item(), 2) == right[38][1]
    first = .98*0 + .02*.5
    assert math.isclose(first, right[43][0]) and math.isclose(first/(1-.98), right[43][1])
    assert right[44] == (2*192/256, 2*64/256)
    def tent(x): return 2*F.relu(x) - 4*F.relu(x-.5)
    y = torch.linspace(0, 1, 2**12+1)
    for _ in range(6): y = tent(y)
    assert ((y.diff().diff().abs() > 1e-4).sum()+1, 6*2) == right[46]

# Coming back, as `nbs/interactive/quiz.ipynb` tests it in all cases

def test_missed_is_asked_again_another_day(nb, at):
    def new_session(day):
        quiz._state.clear(); quiz._opened.clear(); at(day)
        return said(quiz.resume)
    told = said(quiz.answer, 5, 'b')
    assert told.startswith('**Not b.** Read again: [00_pixels, Rank and shape](')
    said(quiz.answer, 5, right[5]); said(quiz.answer, 1, right[1])
    give(nb, 6, wrong[6][0])
    assert said(quiz.save) == '3 answers saved in questionnaire.json.'
    assert '**Asked again' not in new_session(1)
    assert new_session(2).endswith('1 of 37 right, 36 open. **Asked again today:** 5, 6.')
    # All cells are run, with the answers of last time in them: these do not count
    for n,a in ((5, right[5]), (6, wrong[6][0])):
        give(nb, n, a)
        assert shown[-1].startswith('**Asked again**')
    assert give(nb, 5, right[5]) and give(nb, 6, right[6])
    assert 'Asked again later: 5, 6 on 5 March.' in said(quiz.score)
    said(quiz.save)
    assert new_session(4).endswith('3 of 37 right, 34 open. Asked again later: 5, 6 on 5 March.')
    assert new_session(5).endswith('**Asked again today:** 5, 6.')
    said(quiz.answer, 5, ''); said(quiz.answer, 5, right[5]); said(quiz.answer, 6); said(quiz.save)
    assert new_session(12).endswith('**Asked again today:** 5, 6.')
    said(quiz.answer, 5)
    assert said(quiz.answer, 5, right[5]) == '**Right.** 2 of 37 right, 35 open.'
    said(quiz.save)
    assert new_session(31).endswith('**Asked again today:** 6.')

def test_what_is_said_word_for_word(at):
    assert said(quiz.explain, 2, 'words', 'a').startswith('**1 of 3 points.** Missing: b, c.')
    assert said(quiz.answer, 36, 'nn.ReLU').startswith('**Not `nn.ReLU`.**')
    at(2)
    asked = ('**Asked again**, because you missed it. Think anew: an answer that still stands in '
             'the cell is from last time. Your next one counts.')
    assert said(quiz.answer, 36, '') == asked
    assert said(quiz.answer, 36, 'nn.ReLU').startswith('**Not `nn.ReLU`.**')
    at(3)  # in the same session
    assert said(quiz.answer, 36, 'nn.ReLU') == asked
    assert '>05_optimizer, train_epoch, naively</a>' in quiz._form(33, '')

def test_a_function_that_is_not_there_yet(at):
    def double(xs): ...
    assert said(quiz.check, 4, double, ([1],[2])) == (
        f'Open: `double` returns nothing yet. {quiz._elsewhere()}')
    quiz.check(4, lambda xs: xs, ([1],[2]))
    assert said(quiz.check, 4, double, ([1],[2])).startswith('**Not right yet.** Read again: ')

def test_a_file_that_is_not_ours_is_kept(at, tmp_path):
    (tmp_path/'mine.json').write_text('{}')
    quiz.answer(1, 'a')
    assert said(quiz.save, 'mine.json') == (
        'Not saved: mine.json is damaged, or is not a file of saved answers. Nothing was changed. '
        "Give another name: `save('mine.json')`.")
    assert (tmp_path/'mine.json').read_text() == '{}'

def test_what_a_killed_save_left_is_cleared(at, tmp_path):
    left = tmp_path/'questionnaire.json.new'
    left.write_text('half')
    quiz.answer(1, 'a'); quiz.save()
    assert not left.exists()

def test_days_to_come_back_stand_side_by_side(at):
    quiz.answer(1, 'a'); at(2); quiz.answer(1, right[1]); quiz.answer(5, 'b')
    assert 'Asked again later: 5 on 3 March; 1 on 5 March.' in said(quiz.score)

def test_right_and_wrong_are_counted(at):
    quiz.answer(1, right[1]); quiz.answer(8, right[8]); quiz.answer(5, 'b')
    assert quiz._progress() == '2 of 37 right, 1 wrong, 34 open'

def test_questions_of_one_section_stand_together(at):
    for n in 1,8: quiz.answer(n, 'a')
    assert quiz._link('00_pixels', 'An image is a tensor') + ': questions 1, 8' in said(quiz.score)

def test_a_line_of_the_file_for_each_part(at, tmp_path):
    quiz.answer(1, 'a'); quiz.save()
    assert (tmp_path/'questionnaire.json').read_text().startswith('{\n "made_by": ')

def test_a_right_function_is_drawn(at):
    x = torch.tensor([-1., 2.])
    assert said(quiz.check, 34, torch.relu, (x, x.relu()), plot=(-1,2)).startswith('**Right.**')
    ax = plt.gca()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ('x', 'relu(x)')
    assert ax.lines[0].get_xdata()[[0,-1]].tolist() == [-1, 2]
    plt.close('all')

def test_rounding_is_no_mistake_and_more_is():
    assert quiz._same(1.00005, 1.) and not quiz._same(1e-4, 0.)

@pytest.mark.parametrize('given', ['passed', 'failed'])
def test_a_function_is_kept_by_how_it_did(given):
    assert quiz._fits(4, given, '2026-03-01', 1)
    assert quiz._fits(6, f'{given} ac', '2026-03-01', 1) == (given=='passed')

def test_without_ipywidgets(nb, monkeypatch):
    monkeypatch.setattr(quiz, '_live', its_live)
    monkeypatch.setitem(sys.modules, 'ipywidgets', None)
    monkeypatch.setitem(sys.modules, 'google.colab', sys)
    assert not quiz._live()
    assert said(quiz.answer, 1, '') == 'Open.'
    link = f'[00_pixels, An image is a tensor]({quiz._colab}00_pixels.ipynb#'
    assert said(quiz.answer, 1, 'a').startswith(f'**Not a.** Read again: {link}')
    assert said(quiz.answer, 1, right[1]).startswith('**Right.**')

def fields(n, **kwargs):
    "Those of question `n`, and the list of what they call with which arguments"
    calls = []
    found = quiz._fields(n, lambda f, *args: calls.append((f.__name__, *args)),
                         kwargs.get('before', {}), kwargs.get('words', ''))
    return *found,calls

def test_letters_are_buttons(at):
    buttons,calls = fields(1)
    assert buttons.options == ('a','b','c','d') and buttons.value is None
    assert buttons.style.button_width == '3em'
    buttons.value = 'b'
    assert calls == [('answer', 'b')] and fields(1, before=dict(given='c'))[0].value == 'c'

def test_several_letters_are_boxes(at):
    row,calls = fields(24, before=dict(given='ce'))
    *boxes,button = row.children
    assert [(b.description, b.value, b.indent, b.layout.width) for b in boxes] == [
        (c, c in 'ce', False, '3em') for c in 'abcdef']
    assert button.description == 'Answer'
    button.click()
    for b in boxes: b.value = False
    button.click()  # says nothing
    boxes[3].value = boxes[0].value = True
    button.click()
    assert calls == [('answer', 'ce'), ('answer', 'ad')]

def test_points_have_a_field_and_boxes(at):
    text,row,calls = fields(2)
    hint = 'Your answer, before you unfold the model answer'
    assert (text.value, text.placeholder) == ('', hint)
    assert (text.layout.width, text.layout.height) == ('90%', '6em')
    *boxes,button = row.children
    assert [b.description for b in boxes] == [*'abc'] and button.description == 'Mark'
    text.value = 'mine'
    button.click()
    boxes[1].value = True
    button.click()
    assert calls == [('explain', 'mine', '-'), ('explain', 'mine', 'b')]
    before = dict(given='ac', words='old')
    for words,wanted in ('', 'old'),('new', 'new'):
        text,row,_ = fields(2, before=before, words=words)
        assert text.value == wanted and [b.value for b in row.children[:-1]] == [True, False, True]

@pytest.mark.parametrize('n,placeholder,entry,given', [
    (14, 'letters', ' b d c ', ('b','d','c')), (36, 'word', ' nn.ReLU( ) ', ('nn.ReLU( )',)),
    (7, 'numbers, spaces between', '1  2', ('1','2')), (18, 'number', '-1', ('-1',))])
def test_what_is_typed(at, n, placeholder, entry, given):
    field,calls = fields(n)
    assert (field.value, field.placeholder, field.continuous_update) == (
        '', f'{placeholder}, then Enter', False)
    field.value,field.placeholder = '  ','another'
    assert calls == []
    field.value = entry
    assert calls == [('answer', *given)]
    assert fields(n, before=dict(given='as before'))[0].value == 'as before'

@pytest.fixture
def shell():
    "What displays, outside of a notebook"
    yield InteractiveShell.instance(config=Config(HistoryManager=dict(enabled=False)))
    InteractiveShell.clear_instance()

def test_below_the_buttons(at, shell, monkeypatch):
    monkeypatch.setattr(quiz, 'display', IPython.display.display)
    with capture_output() as c: box = quiz._ask(5, 'A hint.')
    shown,hint = c.outputs
    assert shown.data['text/html'] == quiz._form(5, '') and hint.data['text/markdown'] == 'A hint.'
    with capture_output() as c: box.children[0].value = 'b'
    told, = c.outputs
    assert told.update and told.transient == hint.transient
    assert told.data['text/markdown'].startswith('**Not b.** Read again')
    assert shown.data.keys() == box._repr_mimebundle_().keys() | {'text/html'}
    at(2)
    with capture_output() as c: box = quiz._ask(5)
    assert box.children[0].value is None
    assert [o.data['text/markdown'] for o in c.outputs[1:]] == ['Open.']
    with capture_output() as c: box.children[0].value = 'b'  # a button counts at once
    assert c.outputs[-1].data['text/markdown'].startswith('**Not b.**')
    assert quiz._state[5]['day'] == '2026-03-02'
    with capture_output() as c: box = quiz._ask(5)
    assert box.children[0].value == 'b'
    assert c.outputs[-1].update
    assert c.outputs[-1].data['text/markdown'].startswith('**Not b.** Read again')
    with capture_output() as c: box = quiz._ask(2, 'Open.', 'my words')
    assert box.children[0].value == 'my words' and 'text/html' not in c.outputs[0].data
    monkeypatch.setitem(sys.modules, 'google.colab', sys)
    with capture_output() as c: quiz._ask(1)
    assert 'text/html' not in c.outputs[0].data

def test_when_there_are_buttons(at, monkeypatch):
    asked = []
    monkeypatch.setattr(quiz, '_ask', lambda *args: asked.append(args))
    for live in True,False:
        monkeypatch.setattr(quiz, '_live', lambda: live)
        quiz.answer(1, ''); quiz.explain(2, ''); quiz.explain(2, 'words'); quiz.answer(4)
    assert asked == [(1, 'Open.', ''), (2, 'Open.', ''), (
        2, 'Now unfold the model answer, and give the points that yours has.', 'words')]
    monkeypatch.setattr(quiz, '_live', its_live)
    monkeypatch.setattr(quiz, 'find_spec', lambda name: {'ipywidgets': 'there'}.get(name))
    for person in True,False:
        monkeypatch.setattr(quiz, '_person', lambda: person)
        assert quiz._live() is person

def test_who_is_a_person(monkeypatch):
    for kernel,person in (None, False),(SimpleNamespace(), False),(
            SimpleNamespace(_allow_stdin=True), True),(SimpleNamespace(_allow_stdin=False), False):
        monkeypatch.setattr(quiz, 'get_ipython', lambda: SimpleNamespace(kernel=kernel))
        assert quiz._person() is person
    monkeypatch.setattr(quiz, 'get_ipython', lambda: None)
    assert quiz._person() is ('google.colab' in sys.modules)
    monkeypatch.setitem(sys.modules, 'google.colab', sys)
    assert quiz._person() is True

def test_buttons(tmp_path):
    nb = read('10_questionnaire')
    where = dict(metadata=dict(path=str(tmp_path)))
    client = NotebookClient(nb, kernel_name='python3', resources=where)
    def run(source):
        nb.cells.append(nbformat.v4.new_code_cell(source))
        return client.execute_cell(nb.cells[-1], len(nb.cells)-1).outputs
    def value(source): return run(source)[0].data['text/plain']
    widget = 'application/vnd.jupyter.widget-view+json'
    def has_widgets(cell): return any(widget in o.get('data', {}) for o in cell.outputs)
    with client.setup_kernel():
        client.kc.allow_stdin = True  # as where a person sits in front
        for i,c in enumerate(list(nb.cells)): client.execute_cell(c, i)
        shown = [c.source for c in nb.cells if c.cell_type=='code' and has_widgets(c)]
        assert len(shown) == 37 and all(re.match('answer|explain', s) for s in shown)
        beside = [o.data['text/html'] for c in nb.cells for o in c.get('outputs', [])
                  if {widget, 'text/html'} <= {*o.get('data', {})}]
        asks = [re.match(r'<quiz-question number="(\d+)"><a ', html)[1] for html in beside]
        assert asks == [str(n) for n,q in quiz._questions.items() if q['kind'] in quiz._in_page]
        assert list(tmp_path.iterdir()) == []

        said = {}
        run('import datetime\nfrom chapter4_helpers.interactive import quiz\nbox = {}')
        def ask(n):
            said[n] = run(f'box[{n}] = quiz._ask({n}).children')
            return said[n][1].data['text/plain']
        assert [ask(n) for n in (1, 7, 14, 24, 2, 36)] == ['Open.']*6
        def press(n, source):
            "What stands under the buttons of question `n` after `source`"
            assert run(source) == []
            return said[n][1].data['text/markdown']
        def tick(n, row, boxes):
            return press(n, f'*boxes,button = box[{n}][{row}].children\n'
                            f'for i,b in enumerate(boxes): b.value = i in {boxes}\nbutton.click()')
        def enter(n, text): return press(n, f'box[{n}][0].value = {text!r}')
        assert enter(1, 'a').startswith('**Not a.** Read again: [00_pixels, An image is a tensor](')
        assert enter(1, 'c').endswith('1 of 37 right, 36 open.')
        assert enter(7, '0.2') == 'Still open: question 7 wants 2 numbers.'
        assert enter(7, '0.2 0.4').startswith('**Right.**')
        assert enter(14, 'b d c a f e g').startswith('**Right.**')
        assert enter(36, 'nn.ReLU').startswith('**Not `nn.ReLU`.**')
        assert enter(36, 'nn.ReLU( )').startswith('**Right.**')
        assert tick(24, 0, [0, 2]).startswith('**Not ac.**')
        assert tick(24, 0, [0, 2, 4]).startswith('**Right.**')
        run('box[2][0].value = "mine"')
        assert tick(2, 1, []).startswith('**0 of 3 points.** Missing: a, b, c.')
        assert tick(2, 1, [0]).startswith('**1 of 3 points.** Missing: b, c.')
        assert value('quiz._progress()') == "'5 of 37 right, 1 wrong, 31 open'"
        run('save(); quiz._state.clear(); resume()')
        assert ask(2).startswith('**1 of 3 points.** Missing: b, c.')
        kept = value('box[2][0].value, [b.value for b in box[2][1].children[:3]]')
        assert kept == "('mine', [True, False, False])"
        # The next day: the fields are empty, and a button counts at once
        run('tomorrow = datetime.date.today() + datetime.timedelta(1)\n'
            'quiz._today = lambda: tomorrow')
        assert value('quiz._progress()') == "'2 of 37 right, 35 open'"
        assert ask(1) == 'Open.' and value('box[1][0].value is None') == 'True'
        assert enter(1, 'c').startswith('**Right.** Asked again on ')
        assert value('quiz._state[1]["wait"]') == '3'

def test_a_long_value_is_cut():
    assert quiz._short('a'*78) == repr('a'*78)
    assert quiz._short('a'*79) == repr('a'*79)[:80] + '...'
