"""The lessons as they are saved, and not run: what play has made in them takes mouse, finger and
keyboard in JupyterLab and in Notebook 7, and where nothing but a script is allowed."""
import re
from contextlib import contextmanager
from itertools import product
import nbformat, numpy as np, pytest
from nbformat.sign import NotebookNotary
from browser import as_in_vs_code, open_page, sandboxed, serve
from conftest import top
from test_browser import front_ends, known
from test_browser import server as server  # a fixture
from test_play_browser import (
    alive, draw_with_finger, draw_with_keys, draw_with_mouse, image_of, path_of, set_rate, seven,
    slider, style)

pytestmark = pytest.mark.browser

def button(page, name): return page.locator('.play').get_by_role('button', name=name, exact=True)
def says(page): return page.locator('.play').get_by_role('status').text_content()

# What a reader does

def draws(page):
    pad = page.get_by_role('application', name='Drawing pad')
    cells = page.locator('.jp-Cell').count()
    for draw in (draw_with_keys, draw_with_mouse, draw_with_finger):
        button(page, 'Clear').click()
        assert says(page) == 'Draw a digit.'
        pad.scroll_into_view_if_needed()
        place = pad.bounding_box()
        draw(page, seven)
        rows,cols = np.nonzero(image_of(page, 'canvas.raster') < 128)
        box = np.array([rows.min(), rows.max(), cols.min(), cols.max()])
        assert (np.abs(box - [49,247,65,215]) < [4,9,4,4]).all(), draw
        assert says(page).startswith('The network says 7, with ')
        assert pad.bounding_box() == place  # nothing has scrolled
    pad.focus()
    for key in 'ddxab': page.keyboard.press(key)  # which are orders in Jupyter
    assert page.locator('.jp-Cell').count() == cells

def descends(page):
    curve = slider(page, 'Place on the curve')
    curve.scroll_into_view_if_needed()
    box = curve.bounding_box()
    low,high = (float(curve.get_attribute(f'aria-value{end}')) for end in ('min', 'max'))
    def at(part): return box['x']+44+(box['width']-60)*part, box['y']+60
    def starts_at(part):
        assert len(path_of(page))==1 and abs(path_of(page)[0]-low-part*(high-low)) < .01*(high-low)
    page.mouse.move(*at(.9))
    page.mouse.down()
    page.mouse.move(*at(.3))
    page.mouse.up()
    starts_at(.3)
    page.touchscreen.tap(*at(.8))
    starts_at(.8)
    curve.focus()
    for key in ('Home', 'PageUp'): page.keyboard.press(key)
    starts_at(.1)
    set_rate(page, .1)
    button(page, 'Step').click()
    assert says(page).startswith('Step 1: x = ') and len(path_of(page))==2
    button(page, 'Run').tap()
    button(page, 'Pause').wait_for()
    button(page, 'Run').wait_for(timeout=20_000)
    assert len(path_of(page)) > 5
    button(page, 'Reset').click()
    starts_at(.1)

def trains(page):
    before = image_of(page, 'canvas.weights')
    button(page, 'One step').click()
    assert 'step 1, loss 0.' in says(page)
    button(page, 'Start').tap()
    page.wait_for_timeout(500)
    button(page, 'Pause').click()
    stopped = says(page)
    page.wait_for_timeout(200)
    assert says(page) == stopped and 'step 1,' not in stopped
    button(page, 'Reset').focus()
    page.keyboard.press('Enter')
    assert says(page).startswith('Epoch 0, step 0, accuracy')
    button(page, 'Start').focus()
    page.keyboard.press(' ')
    page.locator('.play').get_by_role('status').filter(has_text='Epoch 20,').wait_for()
    assert float(says(page).split()[-1][:-1]) > .94
    assert (image_of(page, 'canvas.weights') != before).mean() > .3

acts = {'02_learning_rate': descends, '04_minibatches': trains, '06_nonlinearity': draws,
        '08_all_digits': draws}

def rgb(page, selector, name):
    return [*map(float, re.findall(r'[\d.]+', style(page.locator(selector).first, name)))]

def fits(page, scheme, ground):
    "Is the text light on dark, or dark on light, and nothing wider than the page?"
    text,behind = rgb(page, '.play', 'color'),rgb(page, ground, 'backgroundColor')
    lighter = sum(text[:3]) - sum(behind[:3])
    wide = page.locator('.play, .play *').evaluate_all('''es => es
        .filter(e => e.getClientRects().length && e.getBoundingClientRect().right > innerWidth)
        .map(e => e.outerHTML.slice(0, 100))''')
    return abs(lighter) > 350 and (lighter > 0) == (scheme=='dark') and wide == []

# In JupyterLab and in Notebook 7

@contextmanager
def opened(name, front_end, server, chromium, trusted=True, **kwargs):
    "A lesson, and what goes wrong"
    folder,url,token = server
    nb = nbformat.read(top/'nbs'/f'{name}.ipynb', 4)
    nb.metadata.title = name = f'{name}_{"trusted" if trusted else "new"}'
    nbformat.write(nb, folder/f'{name}.ipynb')
    if trusted:
        notary = NotebookNotary(data_dir=str(folder.parent/'data'))
        notary.sign(nb)  # that is, its content
        notary.store.close()
    address = f'{url}{front_ends[front_end].format(name)}?token={token}&reset'
    with open_page(chromium, address, **kwargs) as (page,wrong):
        page.locator('.play-here').wait_for(state='attached')
        if front_end=='lab': page.keyboard.press('Control+b')  # closes the list of files
        yield page
        assert [w for w in wrong if w not in known] == []
        ran = page.locator('.jp-InputPrompt').filter(has_text=re.compile(r'\[\*'))
        assert ran.count()==0
        headers = dict(Authorization=f'token {token}')
        for k in page.request.get(f'{url}api/kernels').json():
            page.request.delete(f'{url}api/kernels/{k["id"]}', headers=headers)

def place(front_end, name, width, scheme):
    # The pad is drawn on everywhere. Of the other places, each front end has half of the lessons
    other_half = (front_end=='lab') + (width==390) + (scheme=='dark') in (0,2)
    slow = [pytest.mark.slow]*(name != '06_nonlinearity' and other_half)
    return pytest.param(front_end, name, width, scheme, marks=slow)

everywhere = product(front_ends, acts, (390,1300), ('light','dark'))

@pytest.mark.parametrize('front_end,name,width,scheme', [place(*which) for which in everywhere])
def test_without_a_kernel(front_end, name, width, scheme, server, chromium):
    how = dict(width=width, color_scheme=scheme, has_touch=True)
    with opened(name, front_end, server, chromium, **how) as page:
        page.wait_for_function(f'{alive} == 1')
        acts[name](page)
        assert fits(page, scheme, '.jp-Notebook')

@pytest.mark.parametrize('front_end', front_ends)
@pytest.mark.parametrize('name', acts)
def test_picture_where_nothing_is_trusted(name, front_end, server, chromium):
    with opened(name, front_end, server, chromium, trusted=False) as page:
        picture = page.locator('.play-here img')
        picture.wait_for()
        picture.scroll_into_view_if_needed()
        assert picture.evaluate('e => e.naturalWidth') > 400 and page.evaluate(alive)==0
        assert picture.bounding_box()['width'] > 400

# In VS Code and Colab, as near as one comes without them

def html_of(name):
    cells = [c for c in nbformat.read(top/'nbs'/f'{name}.ipynb', 4).cells if c.cell_type=='code']
    data = [o.data for c in cells for o in c.outputs if 'data' in o]
    return next(d['text/html'] for d in data if 'class="play-here"' in d.get('text/html', ''))

@pytest.mark.parametrize('way', [sandboxed, lambda html: as_in_vs_code([html])],
                         ids=['in_a_frame', 'as_in_vs_code'])
@pytest.mark.parametrize('name', acts)
def test_where_only_a_script_is_allowed(name, way, chromium, tmp_path):
    (tmp_path/'page.html').write_text(way(html_of(name)), 'utf-8')
    with serve(tmp_path) as url, open_page(chromium, f'{url}page.html') as (page,wrong):
        frame = page.frame_locator('iframe')
        def told(text): frame.get_by_role('status').filter(has_text=text).wait_for()
        if acts[name]==draws:
            button(frame, 'Clear').click()
            told('Draw a digit.')
            pad = frame.get_by_role('application', name='Drawing pad')
            ends = dict(source_position=dict(x=140, y=50), target_position=dict(x=140, y=230))
            pad.drag_to(pad, **ends)
            told(re.compile('The network says .+, with'))
        else:
            frame.get_by_role('button', name='tep').click()
            told(re.compile(r'(Step|step) 1\b'))
        assert wrong == []
