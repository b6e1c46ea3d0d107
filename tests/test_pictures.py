"What is on the pictures: each image under its own title, a curve, the steps that are meant."
import re
import matplotlib
matplotlib.use('Agg')
import numpy as np, pytest, torch
from matplotlib import pyplot as plt
from matplotlib.text import Annotation
from chapter4_helpers.pictures import (
    plot_function, plot_graph, plot_images, plot_steps, show_animation)

pytestmark = pytest.mark.usefixtures('one_thread')

@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close('all')

def distinct(n):
    "Images of which no two pixels are alike"
    return torch.arange(n*28*28).view(n,28,28)

@pytest.mark.parametrize('n,cols,rows', [(1,10,1), (3,2,2), (4,2,2), (5,10,1), (7,3,3), (10,5,2)])
def test_each_image_has_its_title(n, cols, rows):
    images = distinct(n)
    axs = plot_images(images, range(n), cols=cols)
    assert [ax.get_title() for ax in axs] == [*map(str, range(n))]
    for ax,im in zip(axs, images, strict=True): assert np.array_equal(ax.images[0].get_array(), im)
    assert axs[0].get_gridspec().get_geometry() == (rows, min(cols,n))
    places = [ax.get_position() for ax in axs]  # as one reads: from the left, then from the top
    assert places == sorted(places, key=lambda p: (-round(p.y0, 3), p.x0))
    assert not any(ax.axison for ax in axs[0].figure.axes)  # the empty ones, too

def test_images_of_any_form():
    im = distinct(1)[0]
    for form in im.view(-1), im.float().requires_grad_(), im.numpy(), im.numpy().ravel():
        ax, = plot_images([form])
        assert np.array_equal(ax.images[0].get_array(), im) and ax.get_title()==''
    paper,ink = ax.images[0].to_rgba(np.array([0, 28*28-1]))[:,:3]
    assert paper.min() > .99 and ink.max() < .01
    ax, = plot_images([im], cmap='RdBu_r', vmin=-2, vmax=2, size=3.)
    assert ax.images[0].get_clim()==(-2,2) and ax.images[0].get_cmap().name=='RdBu_r'
    assert ax.figure.get_figwidth() > 2*plot_images([im])[0].figure.get_figwidth()

w = torch.ones(1, requires_grad=True)
def changes_its_input(x): return x.zero_() + torch.arange(100)
def trained(x): return x*w
def slope(x):
    (x.requires_grad_()**2).sum().backward()
    return x.grad

@pytest.mark.parametrize('f,end', [
    (changes_its_input, 99), (trained, 2), (slope, 4), (torch.Tensor.tolist, 2)])
def test_plot_function_of(f, end):
    x,y = plot_function(f).lines[0].get_data()
    assert (x[0], x[-1], y[-1]) == (-2, 2, end)

def arrows(ax, at):
    "Each arrow by the names of the boxes that it joins, which it ends at"
    notes = [t for t in ax.texts if isinstance(t, Annotation) and not t.get_text()]
    texts = [t for t in ax.texts if not isinstance(t, Annotation)]
    boxes = {t.get_position(): t.get_bbox_patch() for t in texts}
    for a in notes:
        ends = a.arrow_patch.patchA,a.arrow_patch.patchB
        assert ends == (boxes[a.xyann], boxes[a.xy])
    return sorted(at[t.xyann] + at[t.xy] for t in notes)

def test_arrows_of_the_steps():
    given = plt.figure().add_subplot()
    ax = plot_steps(ax=given)
    at = {t.get_position(): t.get_text()[0] for t in ax.texts if t.get_text()}
    assert ax is given and arrows(ax, at) == ['12', '23', '34', '45', '56', '57', '62']

def test_graph():
    steps = dict(m='w*x', p='m + b', loss='(p - y)**2')
    values = dict(w=3, x=5, b=-1, m=15, p=14, y=10, loss=16.25)
    slopes,gradients = {('w','m'): 5, ('p','loss'): 8.5},dict(w=-40.5, b=8, loss=1)
    ax = plot_graph(steps, values, slopes, gradients)
    texts = [t for t in ax.texts if '\n' in t.get_text()]
    at = {t.get_position(): t.get_text()[0] for t in texts}
    assert {name: x for (x,_),name in at.items()} == dict(w=0, x=0, m=1, b=1, p=2, y=2, l=3)
    assert arrows(ax, at) == ['bp', 'mp', 'pl', 'wm', 'xm', 'yl']
    assert ax.get_xlim()[0] < 0 and ax.get_xlim()[1] > 3  # from left to right
    notes = [t for t in ax.texts if isinstance(t, Annotation) and t.get_text()]
    assert {at[t.xy]: t.get_text() for t in notes} == dict(
        w='gradient -40.5', b='gradient 8', l='gradient 1')
    place = {name: xy for xy,name in at.items()}
    for (a,b),s in slopes.items():
        middle = tuple((p+q)/2 for p,q in zip(place[a], place[b[0]]))
        assert [t.get_position() for t in ax.texts if t.get_text()==f'{s:g}'] == [middle]

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

@pytest.mark.parametrize('formula,inputs', [
    ('exp(x)', 'x'), ('torch.exp(-x)', 'x'), ('x.exp()', 'x'), ('W*X + B', 'WXB'),
    ('max (a, 1e-5)', 'a'), ('sigmoid(W*x)', 'Wx'), ('σ(Δ)', 'Δ')])
def test_what_a_formula_needs(formula, inputs):
    ax = plot_graph(dict(p=formula), {**{n: 1 for n in inputs}, 'p': 2})
    texts = {t.get_text() for t in ax.texts if '\n' in t.get_text()}
    assert texts == {f'p = {formula}\n2', *[f'{n}\n1' for n in inputs]}

def test_animation():
    page,again = (show_animation(plt.figure(), lambda i: None, range(5)).data for _ in range(2))
    assert re.search(r'value="once"[^>]*\bchecked', page.replace('\n', ' '))
    assert 'slider_id, 200' in page and page == again
