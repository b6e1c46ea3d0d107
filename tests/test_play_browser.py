"""The pieces of page that play makes, in Chromium: they compute what Python computes, take mouse,
finger and keyboard, and do so in the saved lessons, wherever these are shown."""
import base64, io, re
from contextlib import contextmanager
from itertools import product
import nbformat, numpy as np, pytest, torch
from nbformat.sign import NotebookNotary
from PIL import Image, ImageDraw
from torch import nn
from browser import as_in_vs_code, open_page, sandboxed, serve
from conftest import top
from drawings import changes, diagonal_shadow, drawings, on_a_brown_table, white_in_alpha
from test_browser import front_ends, known, run_all
from test_browser import server as server  # a fixture
from chapter4_helpers.all import (
    descent_explorer, draw_digit, mnist, prepare, simple_net, train_live)
from chapter4_helpers.handwriting import to_grey
from test_play import data_of

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures('one_thread')]
places = [pytest.param(width, scheme, id=f'{width}-{scheme}')
          for width in (390,1300) for scheme in ('light','dark')]
alive = '[...document.querySelectorAll(".play-here")].filter(e => e.shadowRoot).length'
head = """<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,"><title>t</title><style>body {background: white; color: black}
@media (prefers-color-scheme: dark) {body {background: #111; color: #eee}}
button {color: red}</style><body>"""

def page_with(*pieces): return head + ''.join(f'<div>{p.html}</div>' for p in pieces)

@pytest.fixture
def show(chromium, tmp_path):
    "A function that opens a page with pieces, as a context"
    @contextmanager
    def _show(*pieces, width=1300, **kwargs):
        (tmp_path/'page.html').write_text(page_with(*pieces), 'utf-8')
        with serve(tmp_path) as url:
            with open_page(chromium, f'{url}page.html', width, **kwargs) as (page,wrong):
                page.wait_for_function(f'{alive} == {len(pieces)}')
                yield page
                assert wrong == []
    return _show

@pytest.fixture(scope='module')
def modules(chromium):
    "A page from whose server the modules can be imported"
    with serve(top/'chapter4_helpers'/'interactive'/'js') as url:
        with open_page(chromium, f'{url}play.css') as (page,_): yield page

def button(page, name): return page.locator('.play').get_by_role('button', name=name, exact=True)
def slider(page, name): return page.get_by_role('slider', name=name, exact=True)
def says(page): return page.locator('.play').get_by_role('status').text_content()
def path_of(page): return page.locator('.play-here').first.evaluate('e => e.path')
def set_rate(page, value): slider(page, 'learning rate').fill(str(value))

def image_of(page, selector, i=0):
    "The grey values of a canvas"
    w,h,reds = page.locator(selector).nth(i).evaluate('''c => {
        const {data} = c.getContext('2d').getImageData(0, 0, c.width, c.height)
        const reds = Array.from(data.filter((_, i) => i%4 == 0), v => String.fromCharCode(v))
        return [c.width, c.height, btoa(reds.join(''))] }''')
    return np.frombuffer(base64.b64decode(reds), np.uint8).reshape(h, w)

# It computes what Python computes

def stack(*layers): return nn.Sequential(*layers)

def nets():
    conv,flat = nn.Conv2d,nn.Flatten
    return dict(
        simple_net=simple_net(), sigmoid=stack(nn.Linear(784,9,bias=False), nn.Sigmoid(),
                                               stack(nn.Linear(9,3), nn.Dropout())),
        conv=stack(conv(1,3,(3,5),(2,3),(1,2),bias=False), nn.BatchNorm2d(3), nn.ReLU(),
                   conv(3,2,3,padding=1), flat(), nn.Linear(280,4)),
        pool=stack(nn.MaxPool2d(2), nn.MaxPool2d(3,2,1), nn.BatchNorm2d(1,affine=False), flat(),
                   nn.Linear(49,5)))

@pytest.mark.parametrize('dtype', [torch.float32, torch.float16])
@pytest.mark.parametrize('name', nets())
def test_answers(name, dtype, modules):
    torch.manual_seed(0)
    net,images = nets()[name],mnist().valid_x[::100]
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d): m.running_mean.normal_(); m.running_var.uniform_(.5, 2)
        if getattr(m, 'affine', False): m.weight.data.normal_(); m.bias.data.normal_()
    data = data_of(draw_digit(net, mean=.1307, std=.3081, dtype=dtype).html)
    found = modules.evaluate('''async ([data, images]) => {
        const {predict, probabilities} = await import('/nn.js')
        const {unpackLayers} = await import('/page.js')
        const {scale} = await import('/draw_digit.js')
        const layers = unpackLayers(data.layers)
        return images.map(image => probabilities(predict(layers, scale({data: image}, data)).data))
    }''', [data, images.view(len(images), -1).tolist()])
    net = net.to(dtype).float().eval()
    with torch.no_grad(): scores = net((images.view(-1, *data['shape'])/255-.1307)/.3081)
    p = scores.sigmoid()
    p = torch.cat([p, 1-p], 1) if scores.shape[1]==1 else scores.softmax(1)
    assert (torch.tensor(found)-p).abs().max() < 1e-3 < p.std(0).min()

def prepared(modules, grey):
    "What the page makes of a drawing or photo"
    return modules.evaluate('''async ([shape, data]) => {
        const {prepare} = await import('/prepare.js')
        return [...prepare({shape, data: Uint8Array.from(data)}).data] }''',
        [list(grey.shape), grey.ravel().tolist()])

def off(image, photo):
    "How far an image is, at most, from what Python makes of the photo"
    return np.abs(np.reshape(image, (28,28)) - prepare(photo).numpy().astype(int)).max()

@pytest.mark.parametrize('seed', range(8))
def test_prepare(seed, modules):
    rng,photo = np.random.default_rng(seed),Image.new('L', (280,280), 255)
    for _ in range(1+seed%3):
        points = np.clip(rng.uniform(60, 220, 2)+rng.normal(0, 25, (9,2)).cumsum(0), 12, 268)
        ImageDraw.Draw(photo).line([tuple(p) for p in points], 0, 22, 'curve')
    grey = np.array(photo)
    if seed%2: grey = np.minimum(grey, 200 + rng.integers(0, 20, grey.shape)).astype(np.uint8)
    if seed%3==0: grey = np.ascontiguousarray(grey[20:230, 10:])
    found = prepared(modules, grey)
    assert max(found)==255 and off(found, Image.fromarray(grey)) <= 2

@pytest.mark.parametrize('change', changes, ids=lambda f: f.__name__)
def test_prepare_photos(change, modules):
    for photo in drawings(1)[0][::4]:
        grey = to_grey(change(photo))
        assert off(prepared(modules, grey), Image.fromarray(grey)) <= 2

def three_strokes():
    grey = np.full((90,120), 255, np.uint8)
    for left in (20,55,90): grey[20:70,left:left+6] = 0
    return grey

def test_no_digit(modules):
    for grey,words in ((np.full((9,9), 255, np.uint8), 'no ink'), (three_strokes(), '3 pieces')):
        with pytest.raises(Exception, match=words): prepared(modules, grey)

def test_a_photo_on_the_pad(show):
    torch.manual_seed(0)
    net,seven = nn.Sequential(nn.Flatten(), nn.Linear(784,10)),drawings(1)[0][7]
    def choose(page, photo):
        if isinstance(photo, Image.Image):
            photo.save(file := io.BytesIO(), 'png')
            photo = file.getvalue()
        with page.expect_file_chooser() as chosen: button(page, 'Photo').click()
        page.locator('.pad image').evaluate('e => e.removeAttribute("href")')
        chosen.value.set_files(dict(name='a.png', mimeType='image/png', buffer=photo))
    def laid(page):
        page.wait_for_function("""!!document.querySelector('.play-here').shadowRoot
            .querySelector('.pad image').getAttribute('href')""")
    with show(draw_digit(net)) as page:
        for change in on_a_brown_table,white_in_alpha,diagonal_shadow:
            choose(page, photo := change(seven))
            laid(page)
            seen = image_of(page, 'canvas.seen')
            assert off(seen, photo) <= 2
            with torch.no_grad(): p = net(torch.tensor(seen)[None]/255).softmax(1)[0]
            assert f'says {p.argmax()}' in says(page)
            assert ('not sure' in says(page)) == (p.max() < .5).item()
        choose(page, Image.fromarray(three_strokes()))
        laid(page)
        assert '3 pieces' in says(page)
        choose(page, b'ftypheic')
        page.get_by_text('cannot open that file').wait_for()
        draw_with_mouse(page)  # the first stroke takes the photo away
        assert 'The network says' in says(page)

# What a reader does

seven = (76,60),(204,60),(140,236)

def pad_of(page): return page.get_by_role('application', name='Drawing pad')

def draw_with_mouse(page):
    box = pad_of(page).bounding_box()
    def at(p): return box['x']+p[0]/280*box['width'], box['y']+p[1]/280*box['height']
    page.mouse.move(*at(seven[0]))
    page.mouse.down()
    for p in seven[1:]: page.mouse.move(*at(p))
    page.mouse.up()

def draw_with_finger(page):
    box,cdp = pad_of(page).bounding_box(),page.context.new_cdp_session(page)
    def at(x, y): return dict(x=box['x']+x/280*box['width'], y=box['y']+y/280*box['height'])
    for kind,points in ('Start', seven[:1]),('Move', seven[1:2]),('Move', seven[2:]),('End', ()):
        event = dict(type=f'touch{kind}', touchPoints=[at(*p) for p in points])
        cdp.send('Input.dispatchTouchEvent', event)

def draw_with_keys(page):
    "From the middle of the pad, as near as steps of 8 pixels come"
    pad_of(page).focus()
    here = [140,140]
    for i,to in enumerate(seven):
        for axis,back,on in ((0,'ArrowLeft','ArrowRight'), (1,'ArrowUp','ArrowDown')):
            steps = round((to[axis]-here[axis])/8)
            for _ in range(abs(steps)): page.keyboard.press(on if steps>0 else back)
            here[axis] += 8*steps
        if i in (0,2): page.keyboard.press(' ')

def draws(page):
    cells = page.locator('.jp-Cell').count()
    assert page.locator('.pad polyline').count() == 1  # the example
    for draw in (draw_with_keys, draw_with_mouse, draw_with_finger):
        button(page, 'Clear').click()
        assert says(page) == 'Draw a digit.' and image_of(page, 'canvas.seen').max() == 0
        pad_of(page).scroll_into_view_if_needed()
        place = pad_of(page).bounding_box()
        draw(page)
        grey = image_of(page, 'canvas.raster')
        rows,cols = np.nonzero(grey < 128)
        box = np.array([rows.min(), rows.max(), cols.min(), cols.max()])
        assert (np.abs(box - [49,247,65,215]) < [4,9,4,4]).all(), draw
        assert off(image_of(page, 'canvas.seen'), Image.fromarray(grey)) <= 2
        percents = [int(m.get_attribute('aria-valuenow')) for m in page.get_by_role('meter').all()]
        assert says(page) == f'The network says 7, with {max(percents)}%.'
        assert pad_of(page).bounding_box() == place  # nothing has scrolled
    pad_of(page).click(position=dict(x=50, y=50))
    assert page.locator('.pad polyline').count() == 2  # a dot
    pad_of(page).click(position=dict(x=50, y=90), button='right')
    button(page, 'Undo').click()
    assert page.locator('.pad polyline').count() == 1
    pad_of(page).focus()
    for key in ('d', 'd', 'x', 'a', 'b', 'Backspace'): page.keyboard.press(key)  # orders in Jupyter
    assert page.locator('.pad polyline').count() == 0 and page.locator('.jp-Cell').count() == cells
    draw_with_keys(page)
    page.keyboard.press('Delete')
    assert says(page) == 'Draw a digit.'

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
    page.mouse.move(*at(.5))
    starts_at(.3)
    page.touchscreen.tap(*at(.8))
    starts_at(.8)
    curve.focus()
    for key,part in dict(Home=0, PageUp=.1, End=1, PageDown=.9, ArrowLeft=.89, ArrowUp=.9).items():
        page.keyboard.press(key)
        starts_at(part)
    for lr,told in (.1, 'Downhill.'),(.9, 'other side'),(1.1, 'Higher than before'):
        set_rate(page, lr)
        button(page, 'Step').click()
        assert told in says(page) and page.locator('circle.step').count() == len(path_of(page))-1
    button(page, 'Run').click()
    page.locator('.play').get_by_role('status').filter(has_text='left the picture').wait_for()
    button(page, 'Run').wait_for()  # it has stopped by itself
    button(page, 'Reset').click()
    starts_at(.9)
    set_rate(page, .3)
    button(page, 'Run').tap()
    button(page, 'Pause').wait_for()
    button(page, 'Run').wait_for(timeout=20_000)
    assert len(path_of(page)) > 8 and abs(path_of(page)[-1]) < 1e-2

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
    slider(page, 'learning rate').focus()
    page.keyboard.press('ArrowRight')
    assert slider(page, 'learning rate').get_attribute('aria-valuetext') == '3'
    slider(page, 'batch size').focus()
    page.keyboard.press('End')
    page.get_by_role('combobox', name='model').select_option('simple_net')
    assert says(page).startswith('Epoch 0, step 0')
    assert image_of(page, 'canvas.weights').shape[0] > 28  # one for each hidden unit
    button(page, 'One step').click()
    assert says(page).startswith('Epoch 1, step 1, loss')  # all images at once
    for key in ('Home', 'ArrowRight', 'ArrowRight', 'ArrowRight'):
        slider(page, 'batch size').press(key)
    slider(page, 'learning rate').press('ArrowLeft')
    page.get_by_role('combobox', name='model').select_option('linear model')
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
    found = page.locator(selector).first.evaluate('(e, name) => getComputedStyle(e)[name]', name)
    return [*map(float, re.findall(r'[\d.]+', found))]

def fits(page, scheme, ground):
    "Is the text light on dark, or dark on light, and nothing wider than the page?"
    text,behind = rgb(page, '.play', 'color'),rgb(page, ground, 'backgroundColor')
    lighter = sum(text[:3]) - sum(behind[:3])
    wide = page.locator('.play, .play *').evaluate_all('''es => es
        .filter(e => e.getClientRects().length && e.getBoundingClientRect().right > innerWidth)
        .map(e => e.outerHTML.slice(0, 100))''')
    return abs(lighter) > 350 and (lighter > 0) == (scheme=='dark') and wide == []

# On a page

def html_of(name):
    cells = [c for c in nbformat.read(top/'nbs'/f'{name}.ipynb', 4).cells if c.cell_type=='code']
    data = [o.data for c in cells for o in c.outputs if 'data' in o]
    return next(d['text/html'] for d in data if 'class="play-here"' in d.get('text/html', ''))

def pieces():
    live = train_live(n_train=20, n_valid=20)
    return draw_digit(simple_net()), descent_explorer(torch.square), live

def test_several_do_not_disturb_each_other(show):
    with show(*pieces(), draw_digit(stack(nn.Linear(784,10)))) as page:
        before = [image_of(page, 'canvas.seen', i) for i in range(2)]
        button(page, 'Clear').nth(1).click()
        after = [image_of(page, 'canvas.seen', i) for i in range(2)]
        assert [(a==b).all() for a,b in zip(before, after)] == [True, False]
        assert rgb(page, '.play button', 'color') == [0, 0, 0]  # not the page's red
        assert page.evaluate('["make", "predict", "step", "start"].filter(n => n in window)') == []
        kinds = 'button, input:not([hidden]), select, [tabindex], canvas:not([hidden]), svg'
        names = page.locator('.play').locator(kinds).evaluate_all(
            'es => es.map(e => (e.ariaLabel || (e.closest("label") || e).textContent).trim())')
        assert len(names) > 18 and all(names)

def test_pictures_where_scripts_fail_or_do_not_run(chromium, tmp_path):
    broken = page_with(*pieces()).replace('"kind": "ReLU"', '"kind": "Unknown"', 1)
    (tmp_path/'page.html').write_text(broken, 'utf-8')
    for scripts,n in (True, 1),(False, 3):
        with serve(tmp_path) as url, open_page(chromium, f'{url}page.html', 390,
                                               java_script_enabled=scripts) as (page,wrong):
            page.wait_for_timeout(500)
            images = [i for i in page.locator('.play-here img').all() if i.is_visible()]
            assert len(images) == n and all(i.bounding_box()['width'] > 300 for i in images)
            assert len(wrong) == scripts

@pytest.mark.parametrize('way', [sandboxed, lambda html: as_in_vs_code([html])],
                         ids=['in_a_frame', 'as_in_vs_code'])
@pytest.mark.parametrize('name', acts)
def test_where_only_a_script_is_allowed(name, way, chromium, tmp_path):
    (tmp_path/'page.html').write_text(way(html_of(name)), 'utf-8')
    with serve(tmp_path) as url, open_page(chromium, f'{url}page.html') as (page,wrong):
        frame = page.frame_locator('iframe')
        frame.get_by_role('button', name=re.compile('Undo|tep')).click()
        told = re.compile(r'(Step|step) 1\b|Draw a digit')
        frame.get_by_role('status').filter(has_text=told).wait_for()
        assert wrong == []

# In JupyterLab and in Notebook 7

@contextmanager
def opened(name, front_end, server, chromium, trusted=True, **kwargs):
    "A lesson that is not run, and what goes wrong"
    folder,url,token = server
    nb = nbformat.read(top/'nbs'/f'{name}.ipynb', 4)
    nb.metadata.title = name = f'{name.replace("/", "_")}_{"trusted" if trusted else "new"}'
    nbformat.write(nb, folder/f'{name}.ipynb')
    if trusted:
        notary = NotebookNotary(data_dir=str(folder.parent/'data'))
        notary.sign(nb)  # that is, its content
        notary.store.close()
    address = f'{url}{front_ends[front_end].format(name)}?token={token}&reset'
    with open_page(chromium, address, **kwargs) as (page,wrong):
        page.locator('.play-here').first.wait_for(state='attached')
        if front_end=='lab': page.keyboard.press('Control+b')  # closes the list of files
        yield page
        assert [w for w in wrong if w not in known] == []
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

def test_run_in_jupyterlab(server, chromium):
    with opened('interactive/play', 'lab', server, chromium, trusted=False) as page:
        pictures = [i.bounding_box()['width'] for i in page.locator('.play-here img').all()]
        assert len(pictures) == 3 and min(pictures) > 400 and page.evaluate(alive) == 0
        run_all(page, lambda: page.request.get(f'{server[1]}api/kernels').json(), 120)
        page.wait_for_function(f'{alive} == 3')
        button(page, 'One step').click()
        assert 'step 1, loss' in page.get_by_role('status').last.text_content()
