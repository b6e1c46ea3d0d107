"What is on the pictures: each image under its own title, a curve, the steps that are meant."
import re
import matplotlib
matplotlib.use('Agg')
import numpy as np, pytest, torch
from matplotlib import pyplot as plt
from matplotlib.text import Annotation
from hypothesis import given, strategies as st
from chapter4_helpers.pictures import (
    plot_function, plot_graph, plot_images, plot_steps, show_animation)
from made_up import cases, close

pytestmark = pytest.mark.usefixtures('one_thread')

@pytest.fixture(autouse=True, scope='module')
def close_figures():
    yield
    plt.close('all')

def distinct(n):
    "Images of which no two pixels are alike"
    return torch.arange(n*28*28).view(n,28,28)

@pytest.mark.parametrize('n,cols', [(1,10), (3,2), (4,2), (5,10), (7,3)])
def test_each_image_has_its_title(n, cols):
    images = distinct(n)
    axs = plot_images(images, [f'image {i}' for i in range(n)], cols=cols)
    assert [ax.get_title() for ax in axs] == [f'image {i}' for i in range(n)]
    for ax,im in zip(axs, images, strict=True): assert np.array_equal(ax.images[0].get_array(), im)
    grid = axs[0].get_gridspec()
    assert (grid.nrows, grid.ncols) == (ceil(n, min(cols,n)), min(cols,n))
    places = [ax.get_position() for ax in axs]  # as one reads: from the left, then from the top
    assert places == sorted(places, key=lambda p: (-round(p.y0, 3), p.x0))

def ceil(a, b): return -(-a//b)

def test_images_of_any_form():
    im = distinct(1)[0]
    for form in im.view(-1), im.float().requires_grad_(), im.numpy(), im.numpy().ravel():
        ax, = plot_images([form])
        assert np.array_equal(ax.images[0].get_array(), im) and ax.get_title()=='' and not ax.axison
    weights = plot_images([im], cmap='RdBu_r', vmin=-2, vmax=2, size=3.)[0]
    assert weights.images[0].get_clim()==(-2,2) and weights.images[0].get_cmap().name=='RdBu_r'
    assert tuple(weights.figure.get_size_inches())==(3,3)

@pytest.mark.parametrize('shape,drawn', [
    ((1,28,28), (28,28)), ((32,20), (32,20)), ((1,32,20), (32,20)),
    ((3,32,20), (32,20,3)), ((32,20,3), (32,20,3))], ids=str)
def test_images_of_other_sizes_and_in_colour(shape, drawn):
    im = torch.rand(shape)
    ax, = plot_images([im])
    shown = np.asarray(ax.images[0].get_array())
    assert shown.shape == drawn
    if shape[0] == 3: im = im.permute(1,2,0)
    assert np.array_equal(shown, im.reshape(drawn))

@pytest.mark.parametrize('titles', [
    torch.tensor([5,0]), torch.tensor([[5],[0]]), [torch.tensor(5), torch.tensor(0.)], [5,0]])
def test_titles_from_tensors(titles):
    assert [ax.get_title() for ax in plot_images(distinct(2), titles)] == ['5', '0']

def test_ink_is_black_on_white_paper():
    image = plot_images([distinct(1)[0]])[0].images[0]
    paper,ink = image.to_rgba(np.array([0, 28*28-1]))[:,:3]
    assert paper.min() > .99 and ink.max() < .01

@cases(20)
@given(st.floats(-9, 9), st.floats(.1, 9))
def test_plot_function(lo, width):
    ax = plot_function(lambda x: x**2 + 1, 'x', 'y', 'title', lo, lo+width)
    x,y = ax.lines[0].get_data()
    assert close(x, np.linspace(lo, lo+width, 100), 1e-4) and close(y, np.asarray(x)**2 + 1, 1e-4)
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ('x', 'y', 'title')
    plt.close(ax.figure)

def test_plot_function_on_given_axes():
    left,right = plt.subplots(1, 2)[1]
    assert plot_function(torch.sin, ax=right, color='red', label='sin') is right
    line, = right.lines
    assert not left.lines and (line.get_color(), line.get_label()) == ('red', 'sin')
    assert (line.get_xdata()[0], line.get_xdata()[-1]) == (-2, 2)
    assert tuple(plot_function(torch.sin, figsize=(3,2)).figure.get_size_inches()) == (3,2)

def test_plot_function_of_what_is_trained():
    w = torch.tensor(2.).requires_grad_()
    assert close(plot_function(lambda x: w*x).lines[0].get_ydata()[-1], 4)
    def slope(x):
        (x.requires_grad_()**2).sum().backward()
        return x.grad
    assert close(plot_function(slope).lines[0].get_ydata()[-1], 4)

def test_an_error_leaves_no_empty_figure():
    before = plt.get_fignums()
    for f,lo in (abs, 9),(torch.sum, -2):
        with pytest.raises(ValueError): plot_function(f, min=lo)
    assert plt.get_fignums() == before

steps = 'initialize', 'predict', 'loss', 'gradient', 'step', 'repeat', 'stop'

def boxes(ax): return {t.get_text(): t for t in ax.texts if t.get_text()}

@pytest.mark.parametrize('now', [(), *[(s,) for s in steps], ('predict', 'stop'), steps])
def test_the_steps_that_are_meant_are_orange(now):
    ax = plot_steps(*now, ax=plt.figure().add_subplot())
    wanted = {f'{i} {name}': 'tab:orange' if name in now else 'lightsteelblue'
              for i,name in enumerate(steps, 1)}
    found = {text: box.get_bbox_patch().get_facecolor() for text,box in boxes(ax).items()}
    assert found == {text: matplotlib.colors.to_rgba(color) for text,color in wanted.items()}
    plt.close(ax.figure)

def test_arrows_go_round():
    ax = plot_steps()
    at = {t.get_position(): text[0] for text,t in boxes(ax).items()}
    arrows = [at[t.xyann] + at[t.xy] for t in ax.texts if not t.get_text()]
    assert sorted(arrows) == ['12', '23', '34', '45', '56', '57', '62']

def test_graph():
    slopes,gradients = {('w','m'): 5, ('m','p'): 1, ('b','p'): .25},dict(w=-10.5, p=2)
    ax = plot_graph(dict(m='w*x', p='m + b'), dict(w=3, x=5, b=-1, m=15, p=14), slopes, gradients)
    boxes = {t.get_text(): t.get_position() for t in ax.texts if '\n' in t.get_text()}
    assert sorted(boxes) == ['b\n-1', 'm = w*x\n15', 'p = m + b\n14', 'w\n3', 'x\n5']
    at = {text[0]: position for text,position in boxes.items()}
    assert {name: x for name,(x,_) in at.items()} == dict(w=0, x=0, m=1, b=1, p=2)
    name = {position: name for name,position in at.items()}
    assert len(name) == 5  # no box on another
    notes = [t for t in ax.texts if isinstance(t, Annotation)]
    arrows = sorted(name[t.xyann] + name[t.xy] for t in notes if not t.get_text())
    assert arrows == ['bp', 'mp', 'wm', 'xm']
    said = {name[t.xy]: t.get_text() for t in notes if t.get_text()}
    assert said == dict(w='gradient -10.5', p='gradient 2')
    def middle(a, b): return tuple((p+q)/2 for p,q in zip(at[a], at[b]))
    on_arrows = {t.get_position(): t.get_text() for t in ax.texts
                 if t not in notes and t.get_text() not in boxes}
    assert on_arrows == {middle(*pair): f'{slope:g}' for pair,slope in slopes.items()}

@pytest.mark.parametrize('formula,inputs', [
    ('exp(x)', 'x'), ('torch.exp(-x)', 'x'), ('x.exp()', 'x'), ('W*X + B', 'WXB'),
    ('max (a, 1e-5)', 'a'), ('sigmoid(W*x)', 'Wx'), ('σ(Δ)', 'Δ')])
def test_what_a_formula_needs(formula, inputs):
    ax = plot_graph(dict(p=formula), {**{n: 1 for n in inputs}, 'p': 2})
    texts = {t.get_text() for t in ax.texts if '\n' in t.get_text()}
    assert texts == {f'p = {formula}\n2', *[f'{n}\n1' for n in inputs]}

# How they look

def spots(fig, texts):
    "Where the boxes around `texts` are on the figure, in pixels"
    fig.canvas.draw()
    return [t.get_bbox_patch().get_window_extent() for t in texts]

def arrows_of(ax): return [t for t in ax.texts if isinstance(t, Annotation) and not t.get_text()]

def test_images_fill_the_figure():
    def size(*args, **kwargs):
        return tuple(plot_images(*args, **kwargs)[0].figure.get_size_inches())
    assert [size(distinct(n)) for n in (10,23,4)] == [(10,1), (10,3), (4,1)]
    assert size(distinct(4), 'abcd', cols=2, size=2.) == pytest.approx((4, 2*2*1.3))
    axs = plot_images(distinct(12), [*range(12)], size=2.)
    assert {ax.title.get_fontsize() for ax in axs} == {10} and axs[0].get_title() == '0'
    with plt.rc_context({'font.size': 20}):
        assert plot_images(distinct(1), 'a')[0].title.get_fontsize() == 10
    fig = axs[0].figure
    assert [ax.axison for ax in fig.axes] == [False]*20  # the empty ones, too
    fig.canvas.draw()
    edge,right = axs[0].get_window_extent(),axs[9].get_window_extent()
    assert 0 < edge.x0 < 10 and 0 < fig.bbox.x1-right.x1 < 10
    assert plot_images(distinct(1), vmax=3)[0].images[0].get_clim() == (0,3)
    plt.close('all')

def test_curve_on_new_axes():
    ax = plot_function(torch.square)
    assert tuple(ax.figure.get_size_inches()) == (6,4)
    assert ax.lines[0].get_xdata()[[0,-1]].tolist() == [-2,2]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ('', '', '')
    assert tuple(plot_function(abs, figsize=(3,2)).figure.get_size_inches()) == (3,2)
    n = plt.get_fignums()
    assert plot_function(abs, ax=ax, color='red', label='again') is ax and plt.get_fignums() == n
    assert ax.lines[1].get_color() == 'red' and ax.lines[1].get_label() == 'again'
    def change(x): return x.zero_() + torch.arange(100)
    assert plot_function(change).lines[0].get_xdata()[-1] == 2  # it got a copy
    w = torch.ones(1, requires_grad=True)
    assert plot_function(lambda x: x*w).lines[0].get_ydata()[-1] == 2
    assert plot_function(lambda x: x.tolist()).lines[0].get_ydata()[-1] == 2

def test_seven_boxes_on_a_strip():
    ax = plot_steps('loss')
    fig,texts = ax.figure,[*boxes(ax).values()]
    assert tuple(fig.get_size_inches()) == (10,1.8) and not ax.axison
    assert (ax.get_xlim(), ax.get_ylim()) == ((-.5,5.4), (-.4,1.4))
    fig.canvas.draw()
    assert min(ax.get_position().size) > .9  # it fills the figure
    assert [t.get_position() for t in texts] == [(0,1), (1,1), (2,1), (3,1), (4,1), (2.5,0), (5,1)]
    assert {(t.get_ha(), t.get_va(), t.get_fontsize()) for t in texts} == {('center', 'center', 11)}
    places = spots(fig, texts)
    for i,a in enumerate(places):
        assert (fig.bbox.min <= a.min).all() and (a.max <= fig.bbox.max).all()
        assert not any(a.overlaps(b) for b in places[:i])
    for t in texts:
        box = t.get_bbox_patch()
        assert box.get_boxstyle().pad == .5 and type(box.get_boxstyle()).__name__ == 'Round'
        assert box.get_edgecolor()[3] == 0
    for a in arrows_of(ax):
        arrow = a.arrow_patch
        assert matplotlib.colors.to_hex(arrow.get_edgecolor()) == matplotlib.colors.to_hex('gray')
        ends = {t.get_position(): t.get_bbox_patch() for t in texts}
        assert [arrow.patchA, arrow.patchB] == [ends[a.xyann], ends[a.xy]]
        assert (arrow.shrinkA, arrow.shrinkB) == (6,6)
        assert type(arrow.get_arrowstyle()).__name__ == 'CurveB'

def test_boxes_of_a_graph():
    steps = dict(m='w*x', p='m + b', loss='(p - y)**2')
    values = dict(w=3, x=5, b=-1, m=15, p=14, y=10, loss=16.25)
    with plt.rc_context({'font.size': 20}):  # which changes none of the sizes below
        ax = plot_graph(steps, values, {('w','m'): 5, ('p','loss'): 8.5}, dict(w=40, b=8, loss=1))
    notes = [t for t in ax.texts if isinstance(t, Annotation)]
    texts = {t.get_text().split('\n')[0]: t for t in ax.texts if '\n' in t.get_text()}
    at = {name: t.get_position() for name,t in texts.items()}
    # A column for each step, inputs in the one before the step that first wants them
    assert at == {'w': (0,-1), 'x': (0,-2), 'm = w*x': (1,-1), 'b': (1,-2), 'p = m + b': (2,-1),
                  'y': (2,-2), 'loss = (p - y)**2': (3,-1)}
    shown = [t.get_text().split('\n')[1] for t in texts.values()]
    assert shown == ['3', '5', '15', '-1', '14', '10', '16.25']
    assert tuple(ax.figure.get_size_inches()) == (8,2.8) and not ax.axison
    assert (ax.get_xlim(), ax.get_ylim()) == ((-.5,3.5), (-2.5,-.5))
    looks = {(t.get_ha(), t.get_va(), t.get_fontsize()) for t in texts.values()}
    assert looks == {('center', 'center', 11)}
    boxes = [t.get_bbox_patch() for t in texts.values()]
    assert {(b.get_boxstyle().pad, b.get_edgecolor()[3], b.get_facecolor()) for b in boxes} == {
        (.4, 0, matplotlib.colors.to_rgba('lightsteelblue'))}
    places = spots(ax.figure, texts.values())
    for i,a in enumerate(places): assert not any(a.overlaps(b) for b in places[:i])
    assert min(ax.get_position().size) > .9  # it fills the figure
    ends = {t.get_position(): t.get_bbox_patch() for t in texts.values()}
    for a in arrows_of(ax):
        assert [a.arrow_patch.patchA, a.arrow_patch.patchB] == [ends[a.xyann], ends[a.xy]]
        assert (a.arrow_patch.shrinkA, a.arrow_patch.shrinkB) == (4,4)
        assert type(a.arrow_patch.get_arrowstyle()).__name__ == 'CurveB'
        assert a.arrow_patch.get_edgecolor() == matplotlib.colors.to_rgba('gray')
    said = [t for t in notes if t.get_text()]
    assert [(t.get_text(), t.xy, t.xyann) for t in said] == [  # over the top row, under the rest
        ('gradient 40', (0,-1), (0,24)), ('gradient 8', (1,-2), (0,-33)),
        ('gradient 1', (3,-1), (0,24))]
    assert {(t.get_ha(), t.get_color(), t.get_weight(), t.anncoords) for t in said} == {
        ('center', 'tab:orange', 'bold', 'offset points')}
    slopes = [t for t in ax.texts if t.get_text() in ('5', '8.5')]
    assert [t.get_position() for t in slopes] == [(.5,-1), (2.5,-1)]
    for t in slopes:
        box = t.get_bbox_patch()
        assert (t.get_ha(), t.get_va(), t.get_fontsize()) == ('center', 'center', 10)
        assert t.get_color() == 'dimgray'
        assert type(box.get_boxstyle()).__name__ == 'Circle' and box.get_boxstyle().pad == .2
        assert box.get_facecolor() == matplotlib.colors.to_rgba('white')
        assert box.get_edgecolor() == matplotlib.colors.to_rgba('gray')
    own = plt.figure().add_subplot()
    assert plot_graph(dict(m='w*x'), dict(w=3, x=5, m=15), ax=own) is own

def test_the_player_has_three_buttons():
    fig,ax = plt.subplots()
    page = show_animation(fig, lambda i: None, range(3), interval=50).data
    assert re.findall('<button title="(.*?)"', page) == ['First frame', 'Pause', 'Play']
    labels = re.findall('(?s)<button.*?>(.*?)</button>', page)
    assert [label.strip() for label in labels] == ['First frame', 'Pause', 'Play']
    assert ''.join(re.findall('</button>([^<]*)', page)).strip() == ''  # no other leaves a trace
    assert '.animation .anim-buttons button {width: auto; padding: 2px 10px}' in page
    assert '.animation .anim-state {display: none}</style>' in page and '<link' not in page
    assert 'animframes' in page and not re.search('[0-9a-f]{32}', re.sub('base64,[^"]*', '', page))
    by_default = show_animation(plt.figure(), lambda i: None, range(1)).data
    pause = re.compile(r'new Animation\(frames, img_id, slider_id, ([0-9.]+),')
    assert [float(pause.search(html)[1]) for html in (page, by_default)] == [50, 200]
    assert re.search(r'value="once"[^>]*\bchecked', page.replace('\n', ' '))

def test_animation():
    fig,other = plt.figure(),plt.figure()
    shown = []
    page = show_animation(fig, lambda i: shown.append(i), range(5), interval=100, name='mine')
    assert [*dict.fromkeys(shown)] == [0, 1, 2, 3, 4] and not plt.fignum_exists(fig.number)
    assert plt.fignum_exists(other.number)
    assert page.data.count('data:image/png;base64') == 5 and 'class="animation"' in page.data
    assert not re.findall(r'(?:src|href)="https?:', page.data)  # it fetches nothing
    again = show_animation(plt.figure(), lambda i: None, range(5), interval=100, name='mine')
    def without_images(html): return re.sub('base64,.*?"', '', html.replace('\\\n', ''), flags=re.S)
    assert without_images(again.data) == without_images(page.data)
