"The site that `make docs` builds, read in Chromium: `make test-browser`."
import re, subprocess, sys
from importlib import import_module
from urllib.parse import unquote, urldefrag
import pytest
from bs4 import BeautifulSoup
from browser import open_page, serve
import conftest
from conftest import top
from settings import settings
from test_play_browser import acts, fits, places

pytestmark = pytest.mark.browser
notebooks = [p.relative_to(top/'nbs').with_suffix('').as_posix() for p in conftest.notebooks]

@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('docs')/'site'
    command = [sys.executable, top/'docs'/'build.py', folder]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, '')
    assert [*folder.parent.iterdir()] == [folder]
    return folder

@pytest.fixture(scope='module')
def site(folder):
    with serve(folder) as url: yield url

@pytest.fixture(scope='module', params=[390, 1280])
def pages(request, folder, site, chromium):
    "What each page looks like at a phone's width, or a screen's: `{file name: facts}`"
    facts = """() => ({
        images: [...document.images].map(i => [i.src.slice(0, 80), i.naturalWidth, i.alt.trim()]),
        wider: document.scrollingElement.scrollWidth - innerWidth,
        links: [...document.links].map(a => a.href),
        buttons: [...document.querySelectorAll('.article-header-buttons a')]
            .filter(a => a.checkVisibility()).map(a => a.href),
        anchors: [...document.querySelectorAll('[id]')].map(e => e.id)})"""
    pages = {}
    for path in sorted([*folder.glob('*.html'), *folder.glob('[!_]*/*.html')]):
        html = path.relative_to(folder).as_posix()
        with open_page(chromium, site+html, request.param) as (page,wrong):
            page.wait_for_function('[...document.images].every(i => i.complete)')
            pages[html] = page.evaluate(facts) | dict(wrong=wrong)
    assert {*pages} == {f'{name}.html' for name in [*notebooks, 'play', 'helpers', 'search']}
    return pages

def test_nothing_goes_wrong(pages):
    assert {path: p['wrong'] for path,p in pages.items() if p['wrong']} == {}
    assert {path: p['wider'] for path,p in pages.items() if p['wider']>0} == {}

def test_images_load_and_have_text(pages):
    images = [(path, *image) for path,p in pages.items() for image in p['images']]
    assert len(images) > 60 and [i for i in images if not (i[2] and i[3])] == []

def test_links_and_anchors(pages, folder, site):
    inner = [(path, *urldefrag(link.removeprefix(site)))
             for path,p in pages.items() for link in p['links'] if link.startswith(site)]
    def is_there(to, anchor):
        return (folder/to).is_file() and (not anchor or unquote(anchor) in pages[to]['anchors'])
    assert len(inner) > 500 and [i for i in inner if not is_there(i[1] or 'index.html', i[2])] == []

def test_colab_button(pages):
    def has_button(n): return f'{settings.colab}/nbs/{n}.ipynb' in pages[f'{n}.html']['buttons']
    assert [n for n in notebooks if not has_button(n)] == []

@pytest.mark.parametrize('ending', ['html', 'html.md'])
def test_nothing_hidden_is_shown(ending, folder):
    for n in notebooks:
        text = (folder/f'{n}.{ending}').read_text('utf-8')
        if ending == 'html': text = BeautifulSoup(text, 'html.parser').get_text()
        # The first lesson says what lines are that begin with `#|`
        assert re.findall(r'(?m)^\s*#\| *\w.*|pip install -q|expect_fail', text) == [], n

def test_search(site, chromium):
    with open_page(chromium, site, 390) as (page,wrong):
        page.locator('.search-button:visible, .search-button-field:visible').first.click()
        page.keyboard.type('broadcasting')
        page.keyboard.press('Enter')
        result = page.locator('#search-results li a', has_text='Pixels').first
        result.wait_for()
        page.wait_for_load_state('networkidle')  # it fetches the pages that it found
        result.click()
        page.wait_for_url('**/00_pixels.html*')
        assert wrong == []

@pytest.mark.parametrize('width,scheme', places)
@pytest.mark.parametrize('name', acts)
def test_play_in_the_lessons(name, width, scheme, site, chromium):
    address,how = f'{site}{name}.html', dict(color_scheme=scheme, has_touch=True)
    with open_page(chromium, address, width, **how) as (page,wrong):
        page.wait_for_load_state('networkidle')
        asked = []
        page.on('request', lambda r: r.url.startswith('data:') or asked.append(r.url))
        acts[name](page)
        assert fits(page, scheme, 'body') and wrong == asked == []

def test_exported_source_folds(site, chromium):
    # Where the reader writes, ours is closed at first; elsewhere what is exported stands open
    for page,title,name,opened in (('03_mnist_loss', 'Ours, exported to', 'def mnist_loss', False),
                                   ('09_learner', 'Exported to', 'class Learner', True)):
        with open_page(chromium, f'{site}{page}.html', 390) as (page,_):
            fold = page.locator('details', has_text=title).filter(has_text=name).first
            code = fold.locator('pre').first
            assert code.is_visible() == opened
            fold.locator('summary').first.click()
            assert code.is_visible() != opened

def test_questions_answer_in_the_page(site, chromium):
    with open_page(chromium, f'{site}10_questionnaire.html', 390) as (page,wrong):
        question = page.locator('quiz-question[number="5"]')
        question.get_by_role('button', name='b', exact=True).click()
        told = question.get_by_role('status').text_content()
        assert told.startswith('Not b. Read again: . 0 of 37 right')  # and a link in its slot
        question.get_by_role('link').click()
        page.wait_for_url('**/00_pixels.html#rank-and-shape')
        page.go_back()
        score = page.locator('quiz-score').last.get_by_role('status')
        assert '1 wrong, 36 open.' in score.text_content() and wrong == []

def test_reference(folder):
    md = (folder/'helpers.html.md').read_text('utf-8')
    entries = dict(re.findall(r'(?ms)^### `(\w+)`\n(.*?)(?=^##|\Z)', md))
    package = top/'chapter4_helpers'
    modules = ['.'.join(p.relative_to(top).with_suffix('').parts)
               for p in package.rglob('[!_]*.py') if p.name not in ('all.py', 'bundle.py')]
    public = [import_module(m).__all__ for m in modules]
    assert {*entries} == {name for names in public for name in names}
    assert [name for name,text in entries.items() if 'Made in [' not in text] == []
    assert '# Learning rate' in entries['descend']

def test_llms_txt(folder):
    text = (folder/'llms.txt').read_text('utf-8')
    assert re.match(r'# .+\n\n> .+\n\n## ', text)
    base = settings.site
    listed = re.findall(r'(?m)^- \[.+?\]\((.+?)\): .+', text)
    pages = {f'{n}.html.md' for n in [*notebooks, 'play', 'helpers']}
    assert {link.removeprefix(base) for link in listed} == pages
    for link in listed:
        page = (folder/link.removeprefix(base)).read_text('utf-8')
        assert page.startswith('# ') and not re.search(r'data:image/\w+;base64,\w{20}', page)
        for to in re.findall(r'\]\(([\w./-]+\.html\.md)', page):
            assert ((folder/link.removeprefix(base)).parent/to).is_file(), (link, to)
