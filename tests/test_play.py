"The pieces of page that play makes: what is in them, what is not, and what a wrong model is told."
import base64, io, json, re, zlib
from html.parser import HTMLParser
from types import SimpleNamespace
import nbformat, numpy as np, pytest, torch
from matplotlib import rc_context
from matplotlib.colors import to_hex
from PIL import Image
from torch import nn
from torch.nn import functional as F
from chapter4_helpers import play
from chapter4_helpers.all import descent_explorer, draw_digit, mnist_sample, simple_net, train_live
from chapter4_helpers.handwriting import prepare
from conftest import top
from drawings import drawings

pytestmark = pytest.mark.usefixtures('one_thread')
folder = top/'chapter4_helpers'/'js'
widgets = 'draw_digit', 'descent_explorer', 'train_live'

@pytest.fixture(scope='module')
def made():
    return dict(draw_digit=draw_digit(simple_net()), train_live=train_live(),
                descent_explorer=descent_explorer(torch.square))

def data_of(widget):
    "What the script is given"
    call = re.search(r'(?m)^start\("\w+", \w+, (.*)\)$', widget.html)[1]
    return json.JSONDecoder().raw_decode(call)[0]

def tensor(packed):
    numbers = np.frombuffer(base64.b64decode(packed['base64']), packed['dtype'])
    return numbers.reshape(packed['shape'])

class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags = []
        self.feed(html)
    def handle_starttag(self, tag, attrs): self.tags.append((tag, dict(attrs)))

# What every one of them is

@pytest.mark.parametrize('name', widgets)
def test_html_and_picture(made, name):
    bundle = made[name]._repr_mimebundle_()
    assert set(bundle) == {'text/html', 'image/png', 'text/plain'}
    picture = Image.open(io.BytesIO(base64.b64decode(bundle['image/png'])))
    assert picture.format=='PNG' and picture.width > 400
    assert len(set(picture.convert('L').tobytes())) > 5
    (div,_),(img,attrs),(script,_) = Tags(bundle['text/html']).tags
    assert (div, img, script) == ('div', 'img', 'script')
    assert attrs['src'] == f'data:image/png;base64,{bundle["image/png"]}'
    assert attrs['alt'] == bundle['text/plain'] == repr(made[name]) and len(attrs['alt']) > 40

@pytest.mark.parametrize('name', widgets)
def test_script_asks_nothing_of_the_page_around(name):
    # Not what only some notebooks have, nor what a frame may not use
    script,style = play._script(f'{name}.js'),(folder/'play.css').read_text('utf-8')
    outside = (r'\brequire\b|\bdefine\(|currentScript|getElementById|window\.|globalThis|\bparent|'
               r'Storage|cookie|indexedDB|eval\(|innerHTML|var\(|@font-face')
    assert re.findall(outside, script+style) == []
    assert re.findall(r'document\.(\w+)', script).count('querySelectorAll') == 1

@pytest.mark.parametrize('name', widgets)
def test_nothing_is_fetched(made, name):
    html = made[name].html.replace('http://www.w3.org/2000/svg', '')  # a name, not an address
    outside = r'https?:|="//|@import|\bfetch\(|url\(|XMLHttpRequest|^import '
    assert re.findall(outside, html, re.M) == []

def test_sizes(made):
    sizes = {name: len(w.html) + len(w.png) for name,w in made.items()}
    most = dict(train_live=700_000, draw_digit=250_000, descent_explorer=100_000)
    assert {name: n for name,n in sizes.items() if n > most[name]} == {}

def test_a_second_run_gives_the_same(made):
    assert train_live().html == made['train_live'].html
    assert descent_explorer(torch.square).html == made['descent_explorer'].html
    assert descent_explorer(torch.square, lr=.2).html != made['descent_explorer'].html

@pytest.mark.parametrize('text', [
    '</script><script>alert(1)</script>', '<!--', '<img src=x onerror=alert(1)>', '"\'&\\', 'drei'])
def test_texts_stay_texts(text):
    widget = draw_digit(simple_net(), classes=(text, 'other'))
    assert [tag for tag,_ in Tags(widget.html).tags] == ['div', 'img', 'script']
    assert widget.html.count('</script>') == 1
    assert data_of(widget)['classes'] == [text, 'other']

# The modules

def test_modules_go_into_a_script():
    for path in folder.glob('*.js'):
        text = path.read_text('utf-8')
        assert not re.search(r'</script|<!--', text), path.name
        imports = re.findall(r"(?m)^import \{([\w, ]+)\} from '\./([\w.]+)'$", text)
        assert len(imports) == len(re.findall(r'(?m)^import\b', text)), path.name
        for names,other in imports:
            source = (folder/other).read_text('utf-8')
            given = re.findall(r'(?m)^export (?:async )?(?:function|class|const) (\w+)', source)
            assert set(names.split(', ')) <= set(given), (path.name, other)

@pytest.mark.parametrize('name', widgets)
def test_one_scope_holds_every_name_once(name):
    script = play._script(f'{name}.js')
    names = re.findall(r'(?m)^(?:async )?(?:function|class|const|let) (\w+)', script)
    assert len(names) > 10 and len(names) == len(set(names))
    lines = {line.removeprefix('export ') for path in folder.glob('*.js')
             for line in path.read_text('utf-8').splitlines()}
    assert {*script.splitlines()} <= lines

def test_page_knows_the_layers():
    kinds = re.search(r'(?s)const kinds = \{(.*?)\n\}', (folder/'nn.js').read_text('utf-8'))[1]
    assert set(re.findall(r'\b([A-Z]\w+):', kinds)) == set(play._kinds)

# What is drawn for those who run no scripts

@pytest.fixture
def made_of(monkeypatch):
    "What a piece is made of: module, entry, data, description and figure"
    class Noting(play._Play):
        def __init__(self, *parts): self.parts = parts; super().__init__(*parts)
    monkeypatch.setattr(play, '_Play', Noting)
    return lambda f, *args, **kwargs: f(*args, **kwargs).parts

def colours(artists): return [to_hex(a.get_facecolor()) for a in artists]

def test_picture_of_the_pad(made_of):
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(784,3))
    with rc_context({'font.size': 20}):  # which changes no title
        module,entry,data,alt,fig = made_of(draw_digit, net, ('a', '$b$', 'c'))
    assert (module, entry) == ('draw_digit.js', 'drawDigit')
    photo = play._photo(play._example())
    image = prepare(photo)
    pad,seen,bars = fig.axes
    assert np.array_equal(pad.images[0].get_array(), np.array(photo))
    assert np.array_equal(seen.images[0].get_array(), image)
    assert [im.get_cmap().name for ax in (pad,seen) for im in ax.images] == ['gray']*2
    assert [ax.get_title() for ax in fig.axes] == ['a pad to draw on', 'what the\nnetwork sees', '']
    assert [ax.title.get_fontsize() for ax in (pad,seen)] == [10, 10]
    assert all(len(ticks)==0 for ax in (pad,seen) for ticks in (ax.get_xticks(), ax.get_yticks()))
    probs = net((image.view(784)/255)[None])[0].softmax(0).tolist()
    best = probs.index(max(probs))
    assert [b.get_width() for b in bars.patches] == pytest.approx(probs)
    assert [b.get_y()+b.get_height()/2 for b in bars.patches] == pytest.approx([0, 1, 2])
    orange,gray = to_hex('tab:orange'),to_hex('tab:gray')
    assert colours(bars.patches) == [orange if i==best else gray for i in range(3)]
    assert [t.get_text() for t in bars.get_yticklabels()] == ['a', r'\$b\$', 'c']
    assert bars.get_xlim() == (0,1) and bars.get_xlabel() == 'probability' and bars.yaxis_inverted()
    assert tuple(fig.get_size_inches()) == (7,3.6)
    assert pad.get_gridspec().get_width_ratios() == (3,1,2)
    said = ('a', '$b$', 'c')[best]
    assert alt == ('A pad to draw digits on, with a 3 on it; the network says '
                   f'{said}, with {max(probs):.0%}. '
                   'To draw, open this page where scripts run.')
    assert data['example'] == play._example() and (data['mean'], data['std']) == (0, 1)

@pytest.mark.parametrize('n,classes', [(1, '37'), (2, '37'), (3, '012'), (10, '0123456789')])
def test_what_the_network_says(made_of, n, classes):
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, n))
    data,_,fig = made_of(draw_digit, net, mean=.2, std=.5)[2:]
    assert data['classes'] == [*classes] and (data['mean'], data['std']) == (.2, .5)
    assert data['shape'] == [1,28,28]
    x = (prepare(play._photo(play._example())).view(1,-1)/255 - .2)/.5
    scores = net[1](x)[0]
    p = [scores.sigmoid().item(), 1-scores.sigmoid().item()] if n==1 else scores.softmax(0).tolist()
    assert [b.get_width() for b in fig.axes[2].patches] == pytest.approx(p, abs=1e-5)

def test_layers_as_the_page_wants_them():
    net = nn.Sequential(nn.Conv2d(1,4,(5,3),(2,1),(1,0)), nn.BatchNorm2d(4, eps=.25), nn.Sigmoid(),
                        nn.MaxPool2d(3, 2, 1), nn.Conv2d(4,2,1,padding='valid'))
    net[1].running_mean += 3
    conv,norm,_,pool,last = play._layers(net, torch.float32)
    assert (conv['stride'], conv['padding'], last['padding']) == ([2,1], [1,0], 'valid')
    assert (pool['size'], pool['stride'], pool['padding']) == ([3,3], [2,2], [1,1])
    assert norm['eps'] == .25 and np.array_equal(tensor(norm['mean']), net[1].running_mean)
    assert np.array_equal(tensor(norm['weight']), net[1].weight.detach())
    for layer,m in (conv,net[0]),(norm,net[1]):
        assert np.array_equal(tensor(layer['bias']), m.bias.detach())
    assert {p['dtype'] for p in (conv['weight'], norm['variance'])} == {'float32'}

def test_a_pen_leaves_round_lines():
    def pad(*strokes): return np.array(play._photo(strokes))
    assert pad().shape == (280,280) and pad().min() == 255
    rows,cols = np.nonzero(pad([(100,60)]) == 0)
    edges = rows.min(), rows.max(), cols.min(), cols.max()
    assert edges == pytest.approx((49,71,89,111), abs=1)
    assert np.ptp(rows) == np.ptp(cols)
    assert len(rows) == pytest.approx(np.pi*11**2, rel=.05)
    line = pad([(50,60), (150,60)], [(200,200)])
    assert ((line==0).sum(0)[60:140] == 22).all() and line[200,200]==0
    edges = np.flatnonzero((line[:,:180]==0).any(0))[[0,-1]]  # round ends
    assert edges.tolist() == pytest.approx([39,161], abs=1)

def test_the_example_is_a_three():
    # Two bows, the lower one larger, with a point at every 15 degrees
    (stroke,) = play._example()
    for points,y0,rx,ry,first in (stroke[:17], 94, 44, 42, -155),(stroke[17:], 187, 54, 51, -90):
        u,v = (np.array(points) - [138,y0]).T/[[rx],[ry]]
        assert np.abs(u*u + v*v - 1).max() < .01 and len(points) == 17
        assert np.degrees(np.arctan2(v, u)) == pytest.approx(first + 15*np.arange(17), abs=.2)
    assert all(type(v) is float and v==round(v, 1) for point in stroke for v in point)

def test_picture_of_a_descent(made_of):
    def f(x): return x**2 + 1
    module,entry,data,alt,fig = made_of(descent_explorer, f, -1, 2.5, 2, .25, 3)
    assert (module, entry) == ('descent_explorer.js', 'descentExplorer')
    ax, = fig.axes
    (x,y),(start,loss) = (line.get_data() for line in ax.lines)
    assert np.allclose(x, np.linspace(-1, 2.5, 401)) and np.allclose(y, np.asarray(x)**2 + 1)
    assert (list(start), list(loss)) == ([2], [5])
    curve,marker = ax.lines
    assert curve.get_color() == 'silver' and marker.get_color() == 'tab:orange'
    assert (marker.get_marker(), marker.get_markersize()) == ('o', 11)
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ('x', 'loss', 'learning rate 0.25')
    assert tuple(fig.get_size_inches()) == (7,3.3)
    assert alt == ('A curve with the start of a descent on it, at x = 2, and a learning rate of '
                   '0.25. To drag both, open this page where scripts run.')

def test_by_default_a_descent_starts_at_3(made_of):
    data = made_of(descent_explorer, torch.square)[2]
    data.pop('rows')
    assert data == dict(min=-4, max=4, start=3, lr=.1, maxLr=1.2)
    descent_explorer(torch.square, start=4., lr=.5, max_lr=.5)  # both at the end of their range
    descent_explorer(torch.square, start=-4.)

def test_picture_of_a_training(made_of):
    module,entry,data,alt,fig = made_of(train_live)
    assert (module, entry) == ('train_live.js', 'trainLive')
    numbers = {k: data[k] for k in ('lr', 'bs', 'epochs', 'seed')}
    assert numbers == dict(lr=1, bs=64, epochs=20, seed=0)
    torch.manual_seed(0)
    models = {'linear model': nn.Linear(784,1), 'simple_net': simple_net()}
    n_layers = {name: len(layers) for name,layers in data['models'].items()}
    assert n_layers == {'linear model': 1, 'simple_net': 3}
    for name,m in models.items():
        weight = (m[0] if name=='simple_net' else m).weight.detach().half()
        assert np.array_equal(tensor(data['models'][name][0]['weight']), weight)
    curve,image = fig.axes
    assert (curve.get_xlim(), curve.get_ylim()) == ((0,100), (0,1)) and not curve.lines
    assert (curve.get_xlabel(), curve.get_ylabel()) == ('step', 'loss and accuracy')
    assert [ax.get_title() for ax in fig.axes] == ['before the first step', 'the weights']
    w,(shown,) = models['linear model'].weight.detach().view(28,28),image.images
    most = w.abs().max().item()
    assert np.array_equal(shown.get_array(), w) and shown.get_clim() == (-most, most)
    assert [len(data[part]['targets']) for part in ('train', 'valid')] == [2000, 500]
    below = made_of(train_live, n_train=9, n_valid=9, seed=5)[4].axes[1].images[0]
    low,high = below.get_clim()
    assert low == below.get_array().min() == -high  # white is 0 where blue goes furthest, too
    assert shown.get_cmap().name == 'RdBu_r' and image.title.get_fontsize() == 10
    assert len(image.get_xticks()) == len(image.get_yticks()) == 0
    assert tuple(fig.get_size_inches()) == (7,3)
    assert image.get_gridspec().get_width_ratios() == (5,2)
    assert alt == ('Empty axes for loss and accuracy, and the random weights of a linear model as '
                   'an image. To train it, open this page where scripts run.')

def test_images_at_even_distances():
    x,y = torch.arange(10)[:,None].expand(10,784)/9,torch.arange(10)[:,None]
    for n,rows in (4, [0,2,5,7]),(10, [*range(10)]),(99, [*range(10)]):
        packed = play._pack_images(x, y, n)
        pixels = np.frombuffer(zlib.decompress(base64.b64decode(packed['base64'])), np.uint8)
        assert packed['targets'] == rows
        assert pixels.reshape(-1,784)[:,0].tolist() == [round(255*i/9) for i in rows]

def test_the_picture_in_the_page(made_of):
    fig = play._figure(5, 2)
    ax = fig.subplots()
    with rc_context({'savefig.format': 'pdf'}):  # a PNG all the same
        piece = play._Play('draw_digit.js', 'drawDigit', {'a': '<b>'}, 'A <picture> & more', fig)
    assert fig._supxlabel.get_text() == (
        'Only a picture: where scripts run, in Jupyter, Colab or on the web page, this is alive.')
    assert fig._supxlabel.get_fontsize() == 8 and tuple(fig.get_size_inches()) == (5,2)
    assert type(fig.get_layout_engine()).__name__ == 'ConstrainedLayoutEngine'
    assert ax.figure is fig
    picture = Image.open(io.BytesIO(base64.b64decode(piece.png)))
    assert picture.size == (400,160) and picture.mode == 'P' and len(picture.getcolors()) <= 64
    picture.save(smallest := io.BytesIO(), 'png', optimize=True)
    assert len(base64.b64decode(piece.png)) <= len(smallest.getvalue())
    assert picture.info == {}  # no version of matplotlib, which would change the file
    name = re.search('data-play="(.*?)"', piece.html)[1]
    assert re.fullmatch('[0-9a-f]{12}', name) and f'start("{name}", drawDigit, ' in piece.html
    start = (f'<div class="play-here" data-play="{name}"><img '
             f'src="data:image/png;base64,{piece.png}" alt="A &lt;picture&gt; &amp; more" '
             'style="max-width:100%"></div>\n<script type="module">\n')
    assert piece.html.startswith(start + play._script('draw_digit.js'))
    style = (folder/'play.css').read_text('utf-8')
    args = re.search(r'(?m)^start\("\w+", \w+, (.*)\)$', piece.html)[1]
    assert json.loads(f'[{args}]') == [{'a': '<b>'}, style] and '<' not in args

# draw_digit

def conv_net():
    return nn.Sequential(nn.Conv2d(1,4,5,2), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Dropout(), nn.Flatten(), nn.Linear(144,10))

def first_weight(widget): return data_of(widget)['layers'][0]['weight']

def test_model_travels_whole_and_stays_as_it_is():
    net = conv_net()
    before = {k: v.clone() for k,v in net.state_dict().items()}
    data = data_of(draw_digit(net, mean=.1307, std=.3081))
    assert net.training and all(torch.equal(v, before[k]) for k,v in net.state_dict().items())
    kinds = 'Conv2d BatchNorm2d ReLU MaxPool2d Dropout Flatten Linear'
    assert [layer['kind'] for layer in data['layers']] == kinds.split()
    assert np.array_equal(tensor(data['layers'][0]['weight']), net[0].weight.detach())
    assert np.array_equal(tensor(data['layers'][1]['variance']), net[1].running_var)
    assert (data['shape'], data['mean'], data['std']) == ([1,28,28], .1307, .3081)
    assert data['classes'] == [*'0123456789']

def test_half_takes_half():
    net = simple_net()
    whole,half = (first_weight(draw_digit(net, dtype=d)) for d in (torch.float32, torch.float16))
    assert len(whole['base64']) == 2*len(half['base64'])
    assert np.array_equal(tensor(half), net[0].weight.detach().half())

def test_memory_format_and_gradients_do_not_matter():
    net = conv_net().to(memory_format=torch.channels_last)
    assert np.array_equal(tensor(first_weight(draw_digit(net))), net[0].weight.detach())

stack = nn.Sequential

class Mine(nn.Linear): pass

def with_nan():
    net = simple_net()
    net[2].bias.data[0] = float('nan')
    return net

@pytest.mark.parametrize('model,says', [
    (stack(nn.Linear(784,1), nn.Tanh()), 'layer 1 is Tanh, which the page cannot compute. It'),
    (stack(stack(nn.Linear(784,9), nn.GELU()), nn.Linear(9,1)), 'layer 0.1 is GELU'),
    (stack(Mine(784,1)), 'layer 0 is Mine'), (Mine(784,1), 'layer 0 is Mine'),
    (stack(nn.Conv2d(1,2,3,dilation=2)), r'layer 0, Conv2d, has dilation=\(2, 2\); the page knows'),
    (stack(nn.Conv2d(1,2,3,padding='same')),
     "has padding='same'; the page knows padding='numbers' only"),
    (stack(nn.Conv2d(1,2,3,padding=1,padding_mode='reflect')), "has padding_mode='reflect'"),
    (stack(nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)), 'layer 1, MaxPool2d, has ceil_mode=True'),
    (stack(nn.BatchNorm2d(1, track_running_stats=False)), 'has track_running_stats=False'),
    (stack(nn.Flatten(2)), 'has start_dim=2'),
    (stack(nn.MaxPool2d(2, return_indices=True)), 'has return_indices=True'),
    (stack(), r'no layers; the page needs one at least, such as nn.Linear\(784,10\)'),
    (stack(stack()), 'the model has no layers'),
    (torch.sigmoid, 'layer 0 is builtin_function_or_method'),
    (stack(nn.Linear(100,1)), r'layer 0, Linear\(in_features=100.*of shape \[1, 784\]'),
    (stack(stack(nn.Linear(784,9), nn.ReLU()), nn.Linear(8,1)), r'layer 1, L.* shape \[1, 9\]'),
    (stack(nn.Conv2d(3,2,3)), r'layer 0, Conv2d\(3, 2.* shape \[1, 1, 28, 28\]'),
    (stack(nn.MaxPool2d(9), nn.MaxPool2d(9)), r'layer 1, MaxPool2d.* shape \[1, 1, 3, 3\]'),
    (stack(nn.Flatten(), nn.Conv2d(1,2,3)), r'layer 1, Conv2d.* shape \[1, 784\]'),
    (stack(nn.Flatten(), nn.BatchNorm2d(784)), r'layer 1, BatchNorm2d.* shape \[1, 784\]'),
    # PyTorch computes these
    (stack(nn.ReLU(), nn.Linear(28,1), nn.Flatten()), 'layer 1, Linear.*Is a Flatten missing?'),
    (stack(nn.Conv2d(1,2,3)), r'must give scores \[n,classes\]; got shape \[1, 2, 26, 26\]'),
    (with_nan(), 'the bias of layer 2, Linear, has nan or infinite numbers'),
    (simple_net(784, 30, 5), 'gives 5 scores, so classes must be 5 names; got 2'),
], ids=lambda v: v.replace('\\', '') if isinstance(v, str) else '')
def test_wrong_model(model, says):
    classes = ('a','b') if 'names' in says else None
    with pytest.raises(ValueError, match=says): draw_digit(model, classes)

@pytest.mark.parametrize('kind,args', [
    ('BatchNorm1d', [30]), ('LayerNorm', [30]), ('Tanh', []), ('Softmax', [1]), ('LeakyReLU', []),
    ('Identity', []), ('AvgPool2d', [2]), ('AdaptiveAvgPool2d', [1]), ('Dropout2d', []),
    ('Conv1d', [1,1,1]), ('ConvTranspose2d', [1,1,3]), ('LazyLinear', [1]), ('GELU', [])])
def test_other_layers_are_named(kind, args):
    model = stack(nn.Linear(784,30), stack(nn.ReLU(), getattr(nn, kind)(*args)), nn.Linear(30,1))
    says = f'layer 1.1 is {kind}, which the page cannot compute. It knows {", ".join(play._kinds)}'
    with pytest.raises(ValueError, match=re.escape(says)): draw_digit(model)

@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float64])
def test_other_types_travel(dtype):
    net = conv_net().to(dtype)
    data = data_of(draw_digit(net))
    assert np.array_equal(tensor(data['layers'][0]['weight']), net[0].weight.detach().float())
    assert net[0].weight.dtype==dtype

def test_too_large_for_half():
    net = simple_net()
    net[0].weight.data[3,5] = 1e6
    draw_digit(net)
    with pytest.raises(ValueError, match='weight of layer 0.*float16'):
        draw_digit(net, dtype=torch.float16)

# descent_explorer

def test_curve_is_noted():
    data = data_of(descent_explorer(torch.sin, min=-1, max=2, start=0., lr=.5, max_lr=3))
    x,rows = np.linspace(-1, 2, 401),tensor(data['rows'])
    assert np.abs(rows - np.stack([np.sin(x), np.cos(x)], 1)).max() < 1e-6
    assert (data['min'], data['max'], data['start'], data['lr'], data['maxLr']) == (-1, 2, 0, .5, 3)

# train_live

def test_images_travel(made):
    data = data_of(made['train_live'])
    train_x,train_y,valid_x,valid_y = mnist_sample()
    for part,x,y,n in (('train', train_x, train_y, 2000), ('valid', valid_x, valid_y, 500)):
        pixels = zlib.decompress(base64.b64decode(data[part]['base64']))
        images = np.frombuffer(pixels, np.uint8).reshape(n, 784)
        rows = [i*len(x)//n for i in range(n)]
        assert np.abs(images/255 - x.numpy()[rows]).max() < 1e-6
        assert data[part]['targets'] == y[rows,0].tolist()
        assert .4 < np.mean(data[part]['targets']) < .6

def test_same_seed_same_start():
    state = torch.get_rng_state()
    a,b,c = (data_of(train_live(seed=s, n_train=10, n_valid=10))['models'] for s in (0,0,1))
    assert a==b!=c and torch.equal(torch.get_rng_state(), state)

def test_wrong_images():
    x,y = torch.rand(4,784),torch.ones(4,1)
    train_live((x,y,x,y), n_train=4, n_valid=4)
    with pytest.raises(ValueError, match='rows of 784'): train_live((x,y,x*3,y))
    with pytest.raises(ValueError, match='rows of 784'): train_live((x.view(4,28,28),y,x,y))

def test_the_pad_of_08_reads_drawings():
    cells = nbformat.read(top/'nbs'/'08_all_digits.ipynb', 4).cells
    pad = next(c for c in cells if c.source.startswith('draw_digit('))
    data = data_of(SimpleNamespace(html=pad.outputs[0].data['text/html']))
    def compute(layer, x):
        t = {k: torch.tensor(tensor(v)).float() for k,v in layer.items() if isinstance(v, dict)}
        kind = layer['kind']
        if kind=='Conv2d':
            return F.conv2d(x, t['weight'], t['bias'], layer['stride'], layer['padding'])
        if kind=='MaxPool2d': return F.max_pool2d(x, layer['size'], layer['stride'])
        if kind=='BatchNorm2d':
            return F.batch_norm(x, t['mean'], t['variance'], t['weight'], t['bias'])
        if kind=='Linear': return F.linear(x.flatten(1), t['weight'], t['bias'])
        return x.relu() if kind=='ReLU' else x  # the rest is Flatten and Dropout
    photos,digits = drawings()
    x = (torch.stack([prepare(p) for p in photos])[:,None]/255 - data['mean'])/data['std']
    for layer in data['layers']: x = compute(layer, x)
    right = (x.argmax(1)==torch.tensor(digits)).sum().item()
    text = '\n'.join(c.source for c in cells)
    said = re.search(r'It reads (all|\d+) of (\d+) digits drawn', text)
    assert len(digits) >= 100 and right >= .95*len(digits)
    assert (said[1].replace('all', said[2]), said[2]) == (str(right), str(len(digits)))
