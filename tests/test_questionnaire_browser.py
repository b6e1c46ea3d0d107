"""The questionnaire where no Python runs, in Chromium: it says what Python says, keeps the score,
and fetches nothing."""
import re, shutil
from contextlib import contextmanager
import nbformat, pytest
from nbconvert import HTMLExporter
from nbformat.sign import NotebookNotary
from browser import as_in_vs_code, open_page, sandboxed, serve
from chapter4_helpers.interactive import quiz
from conftest import top
from test_browser import badge, known, run_all
from test_browser import server as server  # a fixture
from test_questionnaire import lesson, spellings, wrong

pytestmark = pytest.mark.browser
places = [pytest.param(width, scheme, id=f'{width}-{scheme}')
          for width in (390,1300) for scheme in ('light','dark')]
ours = [n for n,q in quiz.questions().items() if q['kind'] in quiz._in_page]
grounds = dict(light='background: white; color: black', dark='background: #111; color: #eee')

def page_of(nb):
    "The notebook as HTML, with no style but a ground, light or dark as the reader wants it"
    body,_ = HTMLExporter(template_name='basic').from_notebook_node(nb)
    style = (f'body {{{grounds["light"]}}} pre {{overflow: auto}}'
             f'@media (prefers-color-scheme: dark) {{body {{{grounds["dark"]}}}}}'
             'button, p {color: red; padding: 9px}')  # which is not for our elements
    return ('<!doctype html><html lang="en"><meta charset="utf-8"><title>t</title>'
            '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
            f'<style>{style}</style><body>{body}')

@pytest.fixture(scope='module')
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp('quiz')
    (folder/'page.html').write_text(page_of(nbformat.read(lesson, 4)), 'utf-8')
    with serve(folder) as url: yield url

@contextmanager
def opened(chromium, url, **kwargs):
    with open_page(chromium, f'{url}page.html', **kwargs) as (page,wrong):
        asked = []
        page.on('request', lambda r: r.url.startswith('data:') or asked.append(r.url))
        yield page
        assert [w for w in wrong if w not in known] == []
        assert {*asked} <= {f'{url}page.html', badge}  # the one picture of the lesson

def question(page, n): return page.locator(f'quiz-question[number="{n}"]')

def give(page, n, a):
    "Answer question `n` by mouse and keys, and return what is said"
    kind,q = quiz.questions()[n]['kind'],question(page, n)
    if kind=='one': q.get_by_role('button', name=a, exact=True).click()
    elif kind=='some':
        for box in q.get_by_role('checkbox').all(): box.uncheck()
        for c in a: q.get_by_role('checkbox', name=c, exact=True).check()
        q.get_by_role('button', name='Answer').click()
    else:
        q.get_by_role('textbox').fill(a if isinstance(a, str) else ' '.join(map(str, a)))
        q.get_by_role('textbox').press('Enter')
    return says(page, n)

def visible_text(element):
    "As it is read: with the link in its slot"
    return element.evaluate('''e => [...e.childNodes].map(c => c.localName == 'slot'
        ? c.assignedElements()[0].textContent : c.textContent).join('')''')

def says(page, n): return visible_text(question(page, n).get_by_role('status'))

def scores(page): return page.locator('quiz-score').get_by_role('status').all_text_contents()

@pytest.mark.parametrize('width,scheme', places)
def test_choice_and_numbers(width, scheme, site, chromium):
    with opened(chromium, site, width=width, color_scheme=scheme) as page:
        nothing = '0 of 37 right, 37 open. 0 of 10 beyond the chapter right, 10 open.'
        assert scores(page) == [nothing]*2 and says(page, 1) == 'Open.'
        read = 'Read again: 00_pixels, An image is a tensor.'
        assert give(page, 1, 'a') == f'Not a. {read} 0 of 37 right, 1 wrong, 36 open.'
        link = question(page, 1).get_by_role('link')
        assert link.is_visible()
        assert link.get_attribute('href') == '00_pixels.ipynb#An-image-is-a-tensor'
        assert give(page, 1, 'c') == 'Right. 1 of 37 right, 36 open.' and not link.is_visible()
        assert give(page, 7, '0.2').endswith('Still open: question 7 wants 2 numbers.')
        read = 'Read again: 00_pixels, The average three.'
        assert give(page, 7, '.2 .41') == f'Not 0.2 0.41. {read} 1 of 37 right, 1 wrong, 35 open.'
        assert give(page, 38, '.1 2.301') == 'Right. 1 of 10 beyond the chapter right, 9 open.'
        told = ['1 of 37 right, 1 wrong, 35 open. 1 of 10 beyond the chapter right, 9 open.']*2
        assert scores(page) == told
        page.reload()
        assert scores(page) == told
        assert says(page, 1) == 'Right. 1 of 37 right, 1 wrong, 35 open.'
        pressed = question(page, 1).get_by_role('button', pressed=True)
        assert pressed.all_text_contents() == ['c']
        assert question(page, 7).get_by_role('textbox').input_value() == '0.2 0.41'
        assert give(page, 7, '.2 .4').startswith('Right. 2 of 37 right, 35 open.')
        # One reset, for all
        reset = page.locator('quiz-score').last.get_by_role('button')
        reset.click()
        assert reset.text_content() == 'Forget all answers'
        assert scores(page)[0].startswith('2 of')
        page.keyboard.press('Tab')
        assert reset.text_content() == 'Reset'
        for _ in range(2): reset.click()
        assert scores(page) == [nothing]*2 and not reset.is_visible()
        assert says(page, 7) == 'Open.'
        assert question(page, 7).get_by_role('textbox').input_value() == ''
        page.reload()
        assert scores(page) == [nothing]*2
        # The colours are those of the text around, and nothing is wider than the page
        around = page.evaluate('getComputedStyle(document.body).color')
        for role in ('button', 'status'):
            e = question(page, 1).get_by_role(role).first
            assert e.evaluate('e => getComputedStyle(e).color') == around
        ours = page.locator('quiz-question, quiz-score')
        assert ours.evaluate_all('''es => es.filter(e =>
            e.scrollWidth > e.clientWidth || e.getBoundingClientRect().right > innerWidth)''') == []

def test_every_question_says_what_python_says(site, chromium, monkeypatch):
    monkeypatch.setattr(quiz, '_state', {})
    def python(n, *given):
        tidied = quiz._tidy(n, given)
        quiz._state[n] = dict(given=tidied, day='2026-03-01', wait=0)
        q = quiz._questions[n]
        read = f'Read again: {q["notebook"]}, {q["section"]}. '*(not quiz._is_right(n, tidied))
        return re.sub('[*`]', '', f'{quiz._verdict(n, tidied)} {read}{quiz._progress(n)}.')
    with opened(chromium, site) as page:
        assert page.locator('quiz-question').count() == len(ours) == 30
        for n in ours:
            for a in (*wrong[n], *spellings(n)):
                a = a[0] if isinstance(a, list) else a
                assert give(page, n, a) == python(n, *([a] if isinstance(a, str) else a)), (n, a)
        all_right = '20 of 37 right, 17 open. 10 of 10 beyond the chapter right, 0 open.'
        assert scores(page) == [all_right]*2

def test_tidy_as_in_python(chromium):
    texts = {
        1: ['B', ' b. ', 'ab', 'x', '3', 'é'], 24: ['E, c', 'aa', 'az', 'g'],
        14: ['G f-EDC b, A', 'abc', 'aabcdefg', 'abcdefgh'],
        30: ['`w.grad`', 'Grad', ' w . grad', "''", 'Été'],
        18: ['-.04', '-0.001', '1e2', '+3.', '1e-9', '2.675', '1234567', '12345.678', '0x10', '',
             '1,5', '1 2', 'b', 'nan.', '-0', '.', '1e'],
        7: ['1 2.004', '1  2', '1', '1 2 3', 'a b', '1e400 1', '٣ 4']}
    table = quiz.questions()
    def python(n, text):
        try: return quiz._tidy(n, [text] if table[n]['kind']=='word' else text.split())
        except ValueError as e: return f'{e}'
    js = top/'chapter4_helpers'/'interactive'/'js'
    with serve(js) as url, open_page(chromium, f'{url}quiz.css') as (page,_):
        page.evaluate('''async ([url, table]) => {
            window.quiz = await import(url + 'quiz.js')
            window.sums = await import(url + 'sha256.js')
            quiz.startQuiz(table, 38, '') }''', [url, table])
        def javascript(n, text):
            return page.evaluate('''([n, text]) => {
                try { return quiz.tidy(n, text) } catch (e) { return e.message } }''', [n, text])
        odd = {(7, '٣ 4'), (7, '1e400 1'), (18, '1234567')}  # these differ, and are never right
        found = [(n, t, javascript(n, t), python(n, t)) for n,ts in texts.items() for t in ts]
        assert {f[:2] for f in found if f[2] != f[3]} <= odd, found
        assert len({f[2] for f in found}) > 20
        for text in ('', 'question 5: b', 'é'*40, *('x'*n for n in (54,55,56,63,64,65,200))):
            theirs = quiz.sha256(text.encode()).hexdigest()
            assert page.evaluate('t => sums.sha256(t)', text) == theirs

@pytest.mark.parametrize('kept', [
    '{', 'null', '5', '{"version":1}', '{"version":2,"answers":{"1":"c"}}',
    '{"version":1,"answers":{"99":"a","1":"z","7":"1","4":"passed","5":3,"8":null,"toString":"a"}}'])
def test_what_is_kept_may_be_damaged(kept, site, chromium):
    with opened(chromium, site) as page:
        page.evaluate('kept => localStorage.setItem("chapter4_helpers.questionnaire", kept)', kept)
        page.reload()
        assert scores(page)[0].startswith('0 of 37 right, 37 open.')
        assert give(page, 1, 'c').startswith('Right. 1 of 37 right, 36 open.')
        assert page.evaluate('Object.keys(localStorage)') == ['chapter4_helpers.questionnaire']
        kept = page.evaluate('localStorage["chapter4_helpers.questionnaire"]')
        assert kept == '{"version":1,"answers":{"1":"c"}}'

def test_two_pages_at_once(site, chromium):
    with opened(chromium, site) as page:
        other = page.context.new_page()
        other.goto(f'{site}page.html')
        give(page, 1, 'c')
        def hears(page, text):
            score = page.locator('quiz-score').first.get_by_role('status')
            score.filter(has_text=text).wait_for()
        hears(other, '1 of 37')
        assert says(other, 1).startswith('Right.')
        assert give(other, 5, 'b').endswith('1 of 37 right, 1 wrong, 35 open.')
        hears(page, '1 wrong')
        assert says(page, 5).startswith('Not b.')

def test_by_keyboard_and_by_name(site, chromium):
    with opened(chromium, site) as page:
        group = page.get_by_role('group', name='Question 1', exact=True)
        group.get_by_role('button', name='a', exact=True).focus()
        for key in ('Tab', 'Tab', 'Space'): page.keyboard.press(key)
        assert says(page, 1).startswith('Right.')
        controls = page.locator('quiz-question').locator('button, input')
        names = controls.evaluate_all('''es => es.map(e =>
            e.ariaLabel || e.closest('label')?.textContent.trim() || e.textContent)''')
        assert len(names) > 80 and all(names)

def html_outputs():
    cells = [c for c in nbformat.read(lesson, 4).cells if c.cell_type=='code']
    return [o.data['text/html'] for c in cells for o in c.outputs if 'text/html' in o.data]

@pytest.mark.parametrize('way', [
    lambda: sandboxed(page_of(nbformat.read(lesson, 4))), lambda: as_in_vs_code(html_outputs())],
    ids=['page', 'as_in_vs_code'])
def test_where_nothing_may_be_kept_or_loaded(way, chromium, tmp_path):
    (tmp_path/'page.html').write_text(way(), 'utf-8')
    with serve(tmp_path) as url, open_page(chromium, f'{url}page.html') as (page,wrong):
        frame = page.frame_locator('iframe')
        question(frame, 1).get_by_role('button', name='c', exact=True).click()
        told = frame.locator('quiz-score').first.get_by_role('status')
        told.filter(has_text='1 of 37 right, 36 open.').wait_for()
        assert [w for w in wrong if 'colab-badge' not in w] == []

def test_without_scripts(site, chromium):
    with opened(chromium, site, java_script_enabled=False) as page:
        assert [q.inner_text().strip() for q in page.locator('quiz-question').all()] == ['Open.']*30
        assert page.locator('quiz-score').first.inner_text().endswith('0 of 37 right, 37 open.')
        fold = page.locator('details').first
        fold.locator('summary').click()
        assert fold.get_by_text('In MNIST 0 is paper').is_visible()

# In JupyterLab, before the cells are run

def test_jupyterlab(server, chromium):
    folder,url,token = server
    copy = shutil.copy(lesson, folder/'10_before.ipynb')
    address = f'{url}lab/workspaces/quiz/tree/10_before.ipynb?token={token}'
    with open_page(chromium, address) as (page,wrong_here):  # not trusted: words
        opens = re.compile(r'^\s*Open\.')
        output = page.locator('.jp-OutputArea-output', has_text=opens).first
        output.wait_for()
        assert output.inner_text().strip() == 'Open.'
        assert page.locator('quiz-question').count()==0
    notary = NotebookNotary(data_dir=str(folder.parent/'data'))
    notary.sign(nbformat.read(copy, 4))
    notary.store.close()
    with open_page(chromium, address) as (page,wrong_here):
        q = question(page, 1)
        q.get_by_role('button', name='a', exact=True).click()
        assert says(page, 1).startswith('Not a. Read again: 00_pixels, An image is a tensor. 0 of')
        assert q.get_by_role('link').is_visible()
        field = question(page, 7).get_by_role('textbox')
        field.click()
        page.keyboard.type('.2 .4')  # not for JupyterLab
        page.keyboard.press('Enter')
        assert says(page, 7) == 'Right. 1 of 37 right, 1 wrong, 35 open.'
        assert set(wrong_here) <= known
        # Run, and the widgets are there instead
        def kernels(): return page.request.get(f'{url}api/kernels').json()
        run_all(page, kernels, 120)
        page.locator('.jupyter-widgets').first.wait_for()
        assert page.locator('quiz-question, quiz-score').count()==0
        assert set(wrong_here) <= known
