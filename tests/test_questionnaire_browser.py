"""The questionnaire where no Python runs, in Chromium: it says what Python says, keeps the score,
and fetches nothing."""
import re, shutil
from contextlib import contextmanager
import nbformat, pytest
from nbconvert import HTMLExporter
from nbformat.sign import NotebookNotary
from browser import as_in_vs_code, open_page, sandboxed, serve
from test_browser import badges, known, run_all
from test_browser import server as server  # a fixture
from test_questionnaire import in_page, lesson, table, wrong
from test_questionnaire import quiz as quiz  # a fixture

pytestmark = pytest.mark.browser
key = 'chapter4_helpers.questionnaire'

def page_of(nb):
    "The notebook as HTML, with a style that is not for our elements"
    body,_ = HTMLExporter(template_name='basic').from_notebook_node(nb)
    style = 'pre {overflow: auto} body {color: navy} button, p {color: red; padding: 9px}'
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
        assert {*asked} <= {f'{url}page.html', *badges}  # the only pictures of the lesson

def question(page, n): return page.locator(f'quiz-question[number="{n}"]')

def give(page, n, a):
    "Answer question `n` by mouse and keys, and return what is said"
    if table[n]['kind']=='one': question(page, n).get_by_role('button', name=a, exact=True).click()
    else:
        question(page, n).get_by_role('textbox').fill(a)
        question(page, n).get_by_role('textbox').press('Enter')
    return says(page, n)

def says(page, n):
    "As it is read: with the link in its slot"
    return question(page, n).get_by_role('status').evaluate("""e => [...e.childNodes].map(c =>
        c.localName == 'slot' ? c.assignedElements()[0].textContent : c.textContent).join('')""")

def score(page): return page.locator('quiz-score').last.get_by_role('status').text_content()

def plain(markdown): return re.sub(r'\[(.+?)\]\(.+?\)|[*`]', r'\1', markdown)

typed = {7: ['0.2 and 0.4', '(.2; .404)', '1'], 10: ['4, 4'], 18: ['−0.04', '0x10', '1,5'],
         39: ['scores.softmax(1)', "F.softmax"], 30: ['`w.grad`', "''"], 36: ['nn.ReLU( )'],
         42: ['raise CancelFitException()'], 14: ['B-d c, a f E g', 'abc', 'aabcdef'],
         24: ['E, c and a', 'az']}

def test_every_question_says_what_python_says(site, chromium, quiz):
    with opened(chromium, site) as page:
        assert page.locator('quiz-question').count() == len(in_page) == 30
        for n in in_page:
            for a in (*wrong[n], *typed.get(n, []), table[n]['right'].split('/')[0]):
                told = plain(re.sub(r' Asked again on .+?\.', '', quiz.said(quiz.answer, n, a)))
                assert give(page, n, a) == told, (n, a)
        page.reload()
        assert score(page) == plain(quiz.said(quiz.score).split('.**')[0]) + '.'
        assert score(page).startswith('20 of 37 right, 0 at the first try, 17 open.')

@pytest.mark.parametrize('width', [390, 1300])
def test_what_stands_in_the_page(width, site, chromium):
    with opened(chromium, site, width=width) as page:
        nothing = score(page)
        give(page, 1, 'a'); give(page, 7, '.2 .41'); give(page, 5, 'a')
        link = question(page, 1).get_by_role('link')
        assert link.is_visible() and 'An-image-is-a-tensor' in link.get_attribute('href')
        give(page, 1, 'c')
        assert not link.is_visible() and '2 of 37 right, 1 at the first try' in score(page)
        page.reload()
        pressed = question(page, 1).get_by_role('button', pressed=True)
        assert pressed.all_text_contents() == ['c']
        assert question(page, 7).get_by_role('textbox').input_value() == '0.2,0.41'
        reset = page.locator('quiz-score').last.get_by_role('button')
        reset.click()
        page.keyboard.press('Tab')  # not sure
        reset.click()
        assert score(page) != nothing
        reset.click()
        assert score(page) == nothing and says(page, 7) == 'Open.' and not reset.is_visible()
        page.reload()
        assert score(page) == nothing
        for role in ('button', 'status'):  # in the colour of the text around
            one = question(page, 1).get_by_role(role).first
            assert one.evaluate('e => getComputedStyle(e).color') == 'rgb(0, 0, 128)'
        assert page.locator('quiz-question, quiz-score').evaluate_all('''es => es.filter(e =>
            e.scrollWidth > e.clientWidth || e.getBoundingClientRect().right > innerWidth)''') == []

@pytest.mark.parametrize('kept', [
    '{', 'null', '5', '{"answers":5}', '{"answers":{"1":5},"firsts":5}',
    '{"answers":{"99":"a","1":"z","7":"1","4":"passed","5":3,"8":null,"toString":"a"}}'])
def test_what_is_kept_may_be_damaged(kept, site, chromium):
    with opened(chromium, site) as page:
        page.evaluate('([key, kept]) => localStorage.setItem(key, kept)', [key, kept])
        page.reload()
        assert give(page, 1, 'c').startswith('Right. 1 of 37 right, 1 at the first try, 36 open.')
        assert page.evaluate('Object.keys(localStorage)') == [key]

def test_two_pages_at_once(site, chromium):
    with opened(chromium, site) as page:
        other = page.context.new_page()
        other.goto(f'{site}page.html')
        for here,there,n,counts in (page, other, 1, '1 of 37'),(other, page, 5, '2 of 37'):
            give(here, n, table[n]['right'])
            hears = there.locator('quiz-score').last.get_by_role('status')
            hears.filter(has_text=counts).wait_for()
            assert says(there, n).startswith('Right.')

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
        told.filter(has_text='1 of 37 right').wait_for()
        assert [w for w in wrong if not any(b in w for b in badges)] == []

def test_jupyterlab(server, chromium):
    folder,url,token = server
    copy = shutil.copy(lesson, folder/'10_before.ipynb')
    address = f'{url}lab/workspaces/quiz/tree/10_before.ipynb?token={token}'
    with open_page(chromium, address) as (page,_):  # not trusted: words
        page.locator('.jp-OutputArea-output', has_text=re.compile(r'^\s*Open\.')).first.wait_for()
        assert page.locator('quiz-question').count()==0
    notary = NotebookNotary(data_dir=str(folder.parent/'data'))
    notary.sign(nbformat.read(copy, 4))
    notary.store.close()
    with open_page(chromium, address) as (page,wrong_here):
        assert give(page, 1, 'a').startswith('Not a. Read again: 00_pixels, An image is a tensor.')
        question(page, 7).get_by_role('textbox').click()
        page.keyboard.type('.2 .4')  # not for JupyterLab
        page.keyboard.press('Enter')
        assert says(page, 7).startswith('Right. 1 of 37 right, 1 at the first try')
        # Run, and the calls answer instead
        run_all(page, lambda: page.request.get(f'{url}api/kernels').json(), 120)
        assert page.locator('quiz-question, quiz-score').count()==0 and {*wrong_here} <= known
