"""The pieces of page that play makes, in Chromium: they compute what Python computes, and take
mouse, finger and keyboard."""
import base64, io, math, random, shutil
from contextlib import contextmanager
import numpy as np, pytest, torch
from PIL import Image
from torch import nn
from browser import open_page, sandboxed, serve
import test_browser
from conftest import top
from drawings import (
    changes, diagonal_shadow, drawings, on_a_brown_table, white_in_alpha)
from chapter4_helpers.all import (
    BasicOptim, TensorDataLoader, calc_grad, descend, descent_explorer, draw_digit, mnist,
    mnist_sample, prepare, simple_net, train_epoch, train_live, validate_epoch)
from chapter4_helpers.handwriting import to_grey
from chapter4_helpers.play import _kinds, _layers, _pack, _photo

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures('one_thread')]
places = [pytest.param(width, scheme, id=f'{width}-{scheme}')
          for width in (390,1300) for scheme in ('light','dark')]

head = """<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,"><title>t</title><style>
body {background: white; color: black}
@media (prefers-color-scheme: dark) {body {background: #111; color: #eee}}
button {color: red}
</style><body>"""

def page_with(*widgets):
    "An HTML page that is dark where the reader wants it dark, with a box for each widget"
    return head + ''.join(f'<div>{w._repr_mimebundle_()["text/html"]}</div>' for w in widgets)

alive = '[...document.querySelectorAll(".play-here")].filter(e => e.shadowRoot).length'

@pytest.fixture
def show(chromium, tmp_path):
    "A function that opens a page with widgets, as a context"
    @contextmanager
    def _show(*widgets, width=1300, **kwargs):
        (tmp_path/'page.html').write_text(page_with(*widgets), 'utf-8')
        with serve(tmp_path) as url:
            with open_page(chromium, f'{url}page.html', width, **kwargs) as (page,wrong):
                asked = []
                page.on('request', lambda r: asked.append(r.url))
                if kwargs.get('java_script_enabled', True):
                    page.wait_for_function(f'{alive} == {len(widgets)}')
                    assert page.evaluate('document.scrollingElement.scrollWidth') <= width
                yield page
                assert wrong == [] and [u for u in asked if not u.startswith('data:')] == []
    return _show

@pytest.fixture(scope='module')
def modules(chromium):
    "A page from whose server the modules can be imported"
    with serve(top/'chapter4_helpers'/'js') as url:
        with open_page(chromium, f'{url}play.css') as (page,wrong):
            yield page
            assert wrong == []

def button(page, name): return page.get_by_role('button', name=name, exact=True)
def slider(page, name): return page.get_by_role('slider', name=name, exact=True)
def said(page): return page.get_by_role('status').text_content()
def style(e, name): return e.evaluate('(e, name) => getComputedStyle(e)[name]', name)

def image_of(page, selector, i=0):
    "The grey values of a canvas"
    w,h,reds = page.locator(selector).nth(i).evaluate('''c => {
        const {data} = c.getContext('2d').getImageData(0, 0, c.width, c.height)
        const reds = Array.from(data.filter((_, i) => i%4 == 0), v => String.fromCharCode(v))
        return [c.width, c.height, btoa(reds.join(''))]
    }''')
    return np.frombuffer(base64.b64decode(reds), np.uint8).reshape(h, w)

lab = test_browser.server  # a fixture

# It computes what Python computes: answers

def shaken(net):
    "With batch normalization away from where it starts, which changes nothing"
    torch.manual_seed(0)
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.normal_()
            m.running_var.uniform_(.5, 2)
            if m.affine: m.weight.data.uniform_(.5, 2), m.bias.data.normal_()
    return net

def stack(*layers): return lambda: nn.Sequential(*[f() for f in layers])
def layer(kind, *args, **kwargs): return lambda: getattr(nn, kind)(*args, **kwargs)

def linear(*size, **kwargs): return layer('Linear', *size, **kwargs)
def conv(*args, **kwargs): return layer('Conv2d', *args, **kwargs)
def pool(*args): return layer('MaxPool2d', *args)
def norm(*args, **kwargs): return layer('BatchNorm2d', *args, **kwargs)
relu,sigmoid,flat = nn.ReLU,nn.Sigmoid,nn.Flatten

nets = dict(
    linear=stack(linear(784,10)),
    no_bias=stack(flat, linear(784,10,bias=False)),
    simple_net=simple_net,
    sigmoid=stack(linear(784,20), sigmoid, linear(20,3)),
    nested=stack(flat, stack(linear(784,9), stack(relu, nn.Dropout)), linear(9,2)),
    conv=stack(conv(1,3,5), flat, linear(3*24*24,4)),
    conv_stride_padding=stack(conv(1,3,(3,5),(2,3),(1,2),bias=False), relu, conv(3,2,3,padding=1),
                              flat, linear(2*14*10,4)),
    pool=stack(pool(2), pool(3,2,1), flat, linear(7*7,5)),
    norm=stack(norm(1), conv(1,4,5,4), norm(4), norm(4,affine=False), flat, linear(4*6*6,5)),
    all_digits=stack(conv(1,16,5,2), relu, conv(16,32,3), pool(2), norm(32), relu,
                     conv(32,96,3), norm(96), relu, conv(96,128,3), norm(128), relu,
                     flat, nn.Dropout, linear(128,10)))

def test_every_layer_is_tried():
    tried = {type(m).__name__ for net in nets.values() for m in net().modules()}
    assert tried-{'Sequential'} == {*_kinds}

@pytest.mark.parametrize('name', nets)
def test_answers(name, modules):
    torch.manual_seed(0)
    net,images = shaken(nets[name]()),mnist().valid_x[::100]
    shape = [784] if isinstance(net[0], nn.Linear) else [1,28,28]
    how = dict(shape=shape, mean=.1307, std=.3081)
    found = modules.evaluate('''async ([packed, images, how]) => {
        const {predict, probabilities} = await import('/nn.js')
        const {unpackLayers} = await import('/page.js')
        const {scale} = await import('/draw_digit.js')
        const layers = unpackLayers(packed)
        return images.map(data => {
            const {data: scores} = predict(layers, scale({data}, how))
            return [[...scores], probabilities(scores)]
        })
    }''', [_layers(net, torch.float32), images.view(len(images), -1).tolist(), how])
    with torch.no_grad(): scores = net.eval()((images.view(-1, *shape)/255-.1307)/.3081)
    p = scores.sigmoid()
    probs = torch.cat([p, 1-p], 1) if scores.shape[1]==1 else scores.softmax(1)
    assert len(found)==100 and scores.std(0).min() > 1e-3  # they differ from image to image
    for i,expected in enumerate((scores, probs)):
        ours = torch.tensor([f[i] for f in found])
        assert ours.shape==expected.shape and (ours-expected).abs().max() < 1e-3

def test_half(modules):
    numbers = torch.tensor([0., 1, -1, .5, 65504, -65504, 6.1e-5, 6e-8, -3e-7, .1, 1/3]).half()
    found = modules.evaluate('async packed => [...(await import("/page.js")).tensor(packed).data]',
                             _pack(numbers, torch.float16))
    assert torch.equal(torch.tensor(found), numbers.float())

# Drawings

def drawing(seed):
    "One to three smooth strokes on a pad of 280"
    rng = random.Random(seed)
    def stroke():
        x,y,angle,turn = (rng.uniform(*ends) for ends in ((60,220), (60,220), (0,7), (-.3,.3)))
        points = []
        for _ in range(rng.randint(5, 25)):
            points.append([round(x), round(y)])
            x = min(max(x+12*math.cos(angle), 12), 268)
            y = min(max(y+12*math.sin(angle), 12), 268)
            angle += turn
        return points
    return [stroke() for _ in range(rng.randint(1,3))]

def prepared(modules, grey):
    "What the page makes of a drawing"
    return modules.evaluate('''async ([shape, data]) => {
        const {prepare} = await import('/prepare.js')
        const image = prepare({shape, data: Uint8Array.from(data)})
        return image && [...image.data]
    }''', [list(grey.shape), grey.ravel().tolist()])

def off(image, grey):
    "How far an image is, at most, from what Python makes of the drawing"
    expected = prepare(Image.fromarray(grey)).numpy().astype(int)
    return np.abs(np.reshape(image, (28,28)) - expected).max()

@pytest.mark.parametrize('seed', range(10))
def test_prepare(seed, modules):
    grey = np.array(_photo(drawing(seed)))
    if seed%2:
        paper = 200 + np.random.default_rng(seed).integers(0, 20, grey.shape)
        grey = np.minimum(grey, paper).astype(np.uint8)
    if seed%3==0: grey = grey[20:230, 10:]
    found = prepared(modules, grey)
    assert max(found)==255 and off(found, grey) <= 2

@pytest.mark.parametrize('change', changes, ids=lambda f: f.__name__)
def test_prepare_photos(change, modules):
    for photo in drawings(1)[0][::4]:
        grey = to_grey(change(photo))
        assert off(prepared(modules, grey), grey) <= 2

def test_a_large_photo(modules):
    grey = np.array(drawings(1, 930)[0][3])[:850]
    assert off(prepared(modules, grey), grey) <= 2

def page_of_three():
    "Three strokes, side by side"
    grey = np.full((90,120), 255, np.uint8)
    for left in (20,55,90): grey[20:70,left:left+6] = 0
    return grey

def test_no_digit(modules):
    for grey,says in ((np.full((9,9), 255, np.uint8), 'no ink'), (page_of_three(), '3 pieces')):
        with pytest.raises(Exception, match=says): prepared(modules, grey)

def saved(photo, **kwargs):
    "As the bytes of a PNG file, for the page to open"
    photo.save(file := io.BytesIO(), 'png', **kwargs)
    return dict(name='photo.png', mimeType='image/png', buffer=file.getvalue())

def test_a_photo_on_the_pad(show):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784,10))
    def choose(page, file):
        with page.expect_file_chooser() as chosen: button(page, 'Photo').click()
        page.locator('.pad image').evaluate('e => e.removeAttribute("href")')
        chosen.value.set_files(file)
    def laid(page, shown=True):
        page.wait_for_function("""shown => !!document.querySelector('.play-here').shadowRoot
            .querySelector('.pad image').getAttribute('href') == shown""", arg=shown)
    seven = drawings(1)[0][7]
    turned = Image.Exif()
    turned[0x0112] = 8
    with show(draw_digit(net)) as page:
        for photo in (on_a_brown_table(seven), white_in_alpha(seven), diagonal_shadow(seven)):
            choose(page, saved(photo))
            laid(page)
            seen = image_of(page, 'canvas.seen')
            assert np.abs(prepare(photo).numpy().astype(int) - seen).max() <= 2
            with torch.no_grad(): p = net(torch.tensor(seen)[None]/255).softmax(1)[0]
            assert said(page).startswith(f'The network says {p.argmax()}, with ')
            assert ('not sure' in said(page)) == (p.max() < .5).item()
        choose(page, saved(seven.transpose(Image.Transpose.ROTATE_270), exif=turned))
        laid(page)
        assert np.abs(prepare(seven).numpy().astype(int) - image_of(page, 'canvas.seen')).max() <= 2
        for photo,says in ((Image.new('L', (50,50), 200), 'no ink'),
                           (Image.fromarray(page_of_three()), '3 pieces')):
            choose(page, saved(photo))
            laid(page)
            assert says in said(page) and scores_in_page(page) == [0]*10
        choose(page, dict(name='a.heic', mimeType='image/heic', buffer=b'ftypheic'))
        page.get_by_text('cannot open that file').wait_for()
        draw_with_mouse(page, [[(140,40),(140,240)]])  # the first stroke takes the photo away
        laid(page, False)
        assert said(page).startswith('The network says')

def draw_with_mouse(page, strokes):
    box = page.get_by_role('application', name='Drawing pad').bounding_box()
    def at(p): return box['x']+p[0]/280*box['width'], box['y']+p[1]/280*box['height']
    for points in strokes:
        page.mouse.move(*at(points[0]))
        page.mouse.down()
        for p in points[1:]: page.mouse.move(*at(p))
        page.mouse.up()

def draw_with_finger(page, strokes):
    box = page.get_by_role('application', name='Drawing pad').bounding_box()
    cdp = page.context.new_cdp_session(page)
    def at(x, y): return dict(x=box['x']+x/280*box['width'], y=box['y']+y/280*box['height'])
    def touch(kind, *points):
        event = dict(type=kind, touchPoints=[at(*p) for p in points])
        cdp.send('Input.dispatchTouchEvent', event)
    for points in strokes:
        touch('touchStart', points[0])
        for p in points[1:]: touch('touchMove', p)
        touch('touchEnd')

def draw_with_keys(page, strokes):
    "From the middle of the pad, as near as steps of 8 pixels come"
    page.get_by_role('application', name='Drawing pad').focus()
    here = [140,140]
    def go(to):
        for i,back,on in ((0,'ArrowLeft','ArrowRight'), (1,'ArrowUp','ArrowDown')):
            steps = round((to[i]-here[i])/8)
            for _ in range(abs(steps)): page.keyboard.press(on if steps>0 else back)
            here[i] += 8*steps
    for points in strokes:
        go(points[0])
        page.keyboard.press(' ')
        for p in points[1:]: go(p)
        page.keyboard.press(' ')

def scores_in_page(page):
    return [float(m.get_attribute('aria-valuenow')) for m in page.get_by_role('meter').all()]

seven = [[(76,60),(204,60),(140,236)]]

@pytest.mark.parametrize('width,scheme', places)
@pytest.mark.parametrize('draw', [draw_with_mouse, draw_with_finger, draw_with_keys])
def test_draw(draw, width, scheme, show):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784,4))
    kwargs = dict(has_touch=True) if draw is draw_with_finger else {}
    with show(draw_digit(net, 'abcd'), width=width, color_scheme=scheme, **kwargs) as page:
        first = image_of(page, 'canvas.seen')
        draw(page, seven)
        grey,seen = image_of(page, 'canvas.raster'),image_of(page, 'canvas.seen')
        rows,cols = np.nonzero(grey < 128)
        box = np.array([rows.min(), rows.max(), cols.min(), cols.max()])
        assert (np.abs(box - [49,247,65,215]) < [4,9,4,4]).all()  # a seven, and no three
        assert off(seen, grey) <= 2 and (seen != first).any()
        with torch.no_grad(): probs = net(torch.tensor(seen)[None,None]/255).softmax(1)[0]
        assert np.abs(100*probs.numpy() - scores_in_page(page)).max() < .51
        best = 'abcd'[probs.argmax()]
        text = f'The network says {best}, with {round(100*probs.max().item())}%.'
        assert said(page) == text + ' It is not sure.'*(probs.max() < .5).item()
        assert page.evaluate('scrollY') == 0
        ink = style(page.locator('.pad polyline').first, 'stroke')
        assert ink == ('rgb(0, 0, 0)' if scheme=='light' else 'rgb(238, 238, 238)')

@pytest.mark.parametrize('seed', range(10))
def test_drawings_on_the_pad(seed, show):
    with show(draw_digit(simple_net())) as page:
        strokes = drawing(seed)
        draw_with_mouse(page, strokes)
        grey = image_of(page, 'canvas.raster')
        assert off(image_of(page, 'canvas.seen'), grey) <= 2
        assert ((grey < 128) != (np.array(_photo(strokes)) < 128)).mean() < .02

def test_undo_clear_and_a_dot(show):
    with show(draw_digit(simple_net())) as page:
        def strokes(): return page.locator('.pad polyline').count()
        assert strokes() == 1  # the example
        box = page.get_by_role('application').bounding_box()
        page.mouse.click(box['x']+50, box['y']+50)
        assert strokes() == 1 and (image_of(page, 'canvas.raster') < 128).sum() > 300
        draw_with_mouse(page, seven)
        assert strokes() == 2
        button(page, 'Undo').click()
        assert strokes() == 1
        button(page, 'Clear').click()
        assert strokes() == 0 and image_of(page, 'canvas.seen').max() == 0
        assert scores_in_page(page) == [0,0]
        assert said(page) == 'Draw a digit.'
        page.mouse.click(box['x']+50, box['y']+50, button='right')
        assert strokes() == 0
        draw_with_keys(page, seven)
        for key in ('Backspace', 'Delete', 'Backspace'): page.keyboard.press(key)
        assert strokes() == 0
        page.keyboard.press('Tab')
        focus = 'document.activeElement.shadowRoot.activeElement.textContent'
        assert page.evaluate(focus) == 'Undo'  # no trap for the keyboard

def test_texts_stay_texts(show):
    names = '<img src=x onerror="document.title=1">', '</script><b>&amp;'
    with show(draw_digit(simple_net(), names)) as page:
        assert page.locator('.row > span:first-child').all_text_contents() == [*names]
        assert page.title()=='t' and page.locator('.row b, .row img, .says b').count()==0

# A curve

def path_of(page): return page.locator('.play-here').first.evaluate('e => e.path')

def set_rate(page, value): slider(page, 'learning rate').fill(str(value))

@pytest.mark.parametrize('lr', [.02, .3, .95, 1.05])
def test_path_is_that_of_descend(lr, show):
    with show(descent_explorer(torch.square, min=-8, max=8)) as page:
        set_rate(page, lr)
        for _ in range(9): button(page, 'Step').click()
        expected = [x.item() for x,_ in descend(torch.square, torch.tensor(3.), lr, 9)]
        assert np.allclose(path_of(page), expected, atol=1e-4)

def test_path_on_a_wavy_curve(show):
    def f(x): return torch.sin(3*x) + x**2/4
    with show(descent_explorer(f, lr=.05, start=2.5)) as page:
        for _ in range(20): button(page, 'Step').click()
        expected = [x.item() for x,_ in descend(f, torch.tensor(2.5), .05, 20)]
        assert np.allclose(path_of(page), expected, atol=1e-3)

@pytest.mark.parametrize('width,scheme', places)
def test_descent(width, scheme, show):
    with show(descent_explorer(torch.square), width=width, color_scheme=scheme) as page:
        curve = slider(page, 'Place on the curve')
        box = curve.bounding_box()
        page.mouse.move(box['x']+box['width']*.8, box['y']+50)
        page.mouse.down()
        page.mouse.move(box['x']+44+(box['width']-60)*.25, box['y']+60)
        page.mouse.up()
        page.mouse.move(0, 0)
        assert abs(path_of(page)[0] + 2) < .05 and len(path_of(page))==1
        curve.focus()
        for key,to in dict(Home=-4, ArrowRight=-3.92, End=4, PageDown=3.2, ArrowLeft=3.12).items():
            page.keyboard.press(key)
            assert abs(path_of(page)[0]-to) < 1e-6
        assert curve.get_attribute('aria-valuetext') == 'start at x = 3.12'
        set_rate(page, .1)
        button(page, 'Step').click()
        assert 'Step 1: x = 2.5' in said(page) and 'Downhill.' in said(page)
        set_rate(page, .9)
        button(page, 'Step').click()
        assert 'other side' in said(page)
        set_rate(page, 1.1)
        button(page, 'Step').click()
        assert 'Higher than before' in said(page) and page.locator('circle.step').count()==3
        button(page, 'Run').click()
        page.get_by_role('status').filter(has_text='left the picture').wait_for(timeout=10_000)
        button(page, 'Run').wait_for()  # it has stopped by itself
        button(page, 'Reset').click()
        assert len(path_of(page))==1 and abs(path_of(page)[0]-3.12) < 1e-6
        set_rate(page, .3)
        button(page, 'Run').click()
        button(page, 'Pause').wait_for()
        button(page, 'Run').wait_for(timeout=10_000)
        assert abs(path_of(page)[-1]) < 1e-3 and len(path_of(page)) > 8
        assert page.evaluate('document.scrollingElement.scrollWidth') <= width

def test_drag_by_finger(show):
    with show(descent_explorer(torch.square), width=390, has_touch=True) as page:
        box = slider(page, 'Place on the curve').bounding_box()
        page.touchscreen.tap(box['x']+44+(box['width']-60)*.75, box['y']+80)
        assert abs(path_of(page)[0]-2) < .05

# Training

def arrays(page):
    "The weights and biases of the model in the page"
    found = page.locator('.play-here').evaluate('''({training: {layers}}) =>
        layers.filter(l => l.weight).flatMap(l => [l.weight, l.bias])
              .map(t => [t.shape, [...t.data]])''')
    return [torch.tensor(data).view(shape) for shape,data in found]

def rows_of(x, n): return x[torch.arange(n)*len(x)//n]

@pytest.mark.parametrize('model', ['linear model', 'simple_net'])
@pytest.mark.parametrize('shuffle,zero', [(True,True), (False,True), (True,False)])
def test_weights_are_those_of_train_epoch(model, shuffle, zero, show):
    train_x,train_y,valid_x,valid_y = mnist_sample()
    x,y = rows_of(train_x, 2000),rows_of(train_y, 2000)
    with show(train_live(bs=256)) as page:
        page.get_by_role('combobox', name='model').select_option(model)
        if not shuffle: page.get_by_role('checkbox', name='shuffle').uncheck()
        if not zero: page.get_by_role('checkbox', name='zero the gradients').uncheck()
        start = arrays(page)
        for _ in range(8): button(page, 'One step').click()
        end = arrays(page)
        order,losses,accuracies = page.locator('.play-here').evaluate(
            '({training: t}) => [t.used, t.losses, t.accuracies]')
    assert sorted(order) == list(range(2000)) and (order == sorted(order)) != shuffle
    net = nn.Sequential(nn.Linear(784,1)) if model=='linear model' else simple_net()
    with torch.no_grad():
        for p,s in zip(net.parameters(), start, strict=True): p.copy_(s)
    dl,opt = TensorDataLoader(x[order], y[order], bs=256),BasicOptim(net.parameters(), 1.)
    if zero: loss = train_epoch(net, dl, opt)
    else:
        for xb,yb in dl:
            calc_grad(xb, yb, net)
            opt.step()
    for ours,theirs,first in zip(end, net.parameters(), start, strict=True):
        assert (ours-theirs.detach()).abs().max() < 1e-4 < (ours-first).abs().max()
    if zero: assert abs(np.average([l for _,l in losses], weights=[256]*7+[208]) - loss) < 1e-4
    acc = validate_epoch(net, [(rows_of(valid_x, 500), rows_of(valid_y, 500))])
    assert [step for step,_ in losses] == list(range(1,9)) and abs(accuracies[-1][1]-acc) < .0021

@pytest.mark.parametrize('width,scheme', places)
def test_twenty_epochs(width, scheme, show):
    with show(train_live(), width=width, color_scheme=scheme) as page:
        before = image_of(page, 'canvas.weights')
        seconds,longest = button(page, 'Start').evaluate('''go => new Promise(done => {
            const begin = performance.now()
            let last = begin, longest = 0
            const timer = setInterval(() => {
                const now = performance.now()
                longest = Math.max(longest, now - last)
                last = now
                if (go.textContent != 'Start') return
                clearInterval(timer)
                done([(now - begin)/1000, longest])
            }, 5)
            go.click()
        })''')
        assert said(page).startswith('Epoch 20, step 640, loss 0.')
        assert float(said(page).split()[-1][:-1]) > .94
        assert seconds < 2 and longest < 200, (seconds, longest)
        assert (image_of(page, 'canvas.weights') != before).mean() > .3
        assert page.evaluate('document.scrollingElement.scrollWidth') <= width

def test_pause_reset_and_settings(show):
    with show(train_live()) as page:
        def press(name): button(page, name).click()
        start = arrays(page)
        press('Start')
        press('Pause')
        stopped = said(page)
        page.wait_for_timeout(200)
        assert said(page) == stopped
        press('Reset')
        assert said(page).startswith('Epoch 0, step 0, accuracy')
        assert all(torch.equal(a, b) for a,b in zip(arrays(page), start, strict=True))
        rate = slider(page, 'learning rate')
        rate.focus()
        page.keyboard.press('ArrowRight')
        assert rate.get_attribute('aria-valuetext') == '3'
        slider(page, 'batch size').focus()
        page.keyboard.press('End')
        press('One step')
        assert said(page).startswith('Epoch 1, step 1, loss')  # all 2,000 at once
        page.get_by_role('combobox', name='model').select_option('simple_net')
        assert said(page).startswith('Epoch 0, step 0')
        assert image_of(page, 'canvas.weights').shape == (28*5,28*6)
        press('Start')
        page.wait_for_timeout(300)
        press('Pause')
        assert not said(page).startswith('Epoch 0, step 0')

# On a page

def test_several_do_not_disturb_each_other(show):
    three_or_seven,ten = draw_digit(simple_net()),draw_digit(nn.Sequential(nn.Linear(784,10)))
    with show(three_or_seven, ten, three_or_seven, descent_explorer(torch.square)) as page:
        before = [image_of(page, 'canvas.seen', i) for i in range(3)]
        button(page, 'Clear').nth(1).click()
        after = [image_of(page, 'canvas.seen', i) for i in range(3)]
        assert [(a==b).all() for a,b in zip(before, after)] == [True, False, True]
        assert style(button(page, 'Step'), 'color') == 'rgb(0, 0, 0)'  # not the page's red
        assert page.evaluate('["make", "predict", "step", "start"].filter(n => n in window)') == []

def widgets():
    live = train_live(n_train=20, n_valid=20)
    return draw_digit(simple_net()), descent_explorer(torch.square), live

def test_every_control_has_a_name(show):
    with show(*widgets()) as page:
        kinds = 'button, input, select, [tabindex], canvas:not([hidden]), svg'
        names = page.locator('.play').locator(kinds).evaluate_all(
            'es => es.map(e => (e.ariaLabel || (e.closest("label") || e).textContent).trim())')
        assert len(names) > 18 and [n for n in names if not n] == []

@pytest.mark.parametrize('width', [390, 1300])
def test_without_scripts(width, show):
    with show(*widgets(), width=width, java_script_enabled=False) as page:
        images = page.locator('.play-here img')
        boxes = [i.bounding_box() for i in images.all() if i.is_visible()]
        assert len(boxes)==3 and min(box['width'] for box in boxes) > 300
        assert page.locator('body').inner_text().strip() == ''

def test_in_a_frame_that_allows_nothing_but_the_script(chromium, tmp_path):
    (tmp_path/'page.html').write_text(sandboxed(page_with(*widgets())), 'utf-8')
    with serve(tmp_path) as url, open_page(chromium, f'{url}page.html') as (page,wrong):
        frame = page.frame_locator('iframe')
        for name in ('Clear', 'Step', 'One step'): button(frame, name).click()
        says = frame.get_by_role('status').all_text_contents()
        assert says[0]=='Draw a digit.' and says[1].startswith('Step 1: x = 2.4, loss 5.76')
        assert says[2].startswith('Epoch 1, step 1, loss 0.') and wrong == []

def test_a_script_that_fails_leaves_the_picture(chromium, tmp_path):
    html = page_with(draw_digit(simple_net())).replace('"kind": "ReLU"', '"kind": "Unknown"')
    (tmp_path/'page.html').write_text(html)
    with serve(tmp_path) as url, open_page(chromium, f'{url}page.html') as (page,wrong):
        page.wait_for_timeout(300)
        assert page.locator('.play-here img').is_visible() and len(wrong)==1

# In JupyterLab

def test_jupyterlab(lab, chromium):
    folder,url,token = lab
    shutil.copy(top/'nbs'/'workshop'/'play.ipynb', folder)
    address = f'{url}lab/workspaces/play/tree/play.ipynb?token={token}'
    with open_page(chromium, address) as (page,wrong):
        def kernels(): return page.request.get(f'{url}api/kernels').json()
        here,cells = page.locator('.play-here'),page.locator('.jp-Cell')
        here.nth(2).wait_for(state='attached')
        # Not trusted: pictures
        assert page.evaluate(alive) == 0 and here.count()==3
        widths = here.locator('img').evaluate_all('es => es.map(e => e.naturalWidth)')
        assert len(widths)==3 and min(widths) > 400
        test_browser.run_all(page, kernels, 120)
        page.wait_for_function(f'{alive} == 3')
        n,pad = cells.count(),page.get_by_role('application', name='Drawing pad')
        pad.scroll_into_view_if_needed()
        draw_with_mouse(page, seven)
        first = image_of(page, 'canvas.seen')
        pad.focus()
        # Keys that JupyterLab would take for its own
        for key in (*'ddxaby', ' ', 'ArrowDown', 'ArrowDown', ' '): page.keyboard.press(key)
        assert cells.count()==n and (image_of(page, 'canvas.seen') != first).any()
        assert pad.evaluate('e => e.getRootNode().activeElement == e')
        button(page, 'One step').click()
        assert 'step 1, loss' in page.get_by_role('status').last.text_content()
        assert set(wrong) <= test_browser.known
