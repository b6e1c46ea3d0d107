"The pieces of page that play makes: what is in them, and what a wrong model is told."
import base64, io, json, re, zlib
from html.parser import HTMLParser
from types import SimpleNamespace
import nbformat, numpy as np, pytest, torch
from matplotlib.figure import Figure
from PIL import Image
from torch import nn
from torch.nn import functional as F
from chapter4_helpers.all import (
    descent_explorer, draw_digit, mnist_sample, prepare, simple_net, train_live)
from chapter4_helpers.interactive.bundle import bundle, text_of
from conftest import notebooks, top
from drawings import drawings

pytestmark = pytest.mark.usefixtures('one_thread')
stack = nn.Sequential

def data_of(html):
    "What the script is given"
    call = re.search(r'(?m)^start\("\w+", \w+, (.*)\)$', html)[1]
    return json.JSONDecoder().raw_decode(call)[0]

def tensor(packed):
    numbers = np.frombuffer(base64.b64decode(packed['base64']), packed['dtype'])
    return torch.tensor(numbers.reshape(packed['shape']))

def tags(html):
    found,parser = [],HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.append((tag, dict(attrs)))
    parser.feed(html)
    return found

@pytest.fixture
def drawn(monkeypatch):
    "A function that makes a piece, and gives its data, its alternative text and its figure"
    figures,save = [],Figure.savefig
    def savefig(self, *args, **kwargs): figures.append(self); save(self, *args, **kwargs)
    monkeypatch.setattr(Figure, 'savefig', savefig)
    def _drawn(f, *args, **kwargs):
        piece = f(*args, **kwargs)
        return data_of(piece.html), piece.alt, figures[-1]
    return _drawn

# Saved outputs, and what every piece is

def scripts():
    "Of every saved output with a script of ours: where it is, the script, and the HTML"
    entries = {'trainLive': 'train_live.js', 'drawDigit': 'draw_digit.js', 'startQuiz': 'quiz.js',
               'descentExplorer': 'descent_explorer.js'}
    for path in notebooks:
        for c in nbformat.read(path, 4).cells:
            for html in (o.get('data', {}).get('text/html', '') for o in c.get('outputs', [])):
                _,_,script = html.partition('<script type="module">\n')
                if m := re.search(r'(?m)^(?:start\("\w+", (\w+)|(startQuiz)\()', script):
                    yield path.stem, script[:m.start()-1], entries[m[1] or m[2]], html

def test_saved_outputs_have_todays_scripts_and_style():
    found = [*scripts()]
    stale = {name for name,script,entry,_ in found if script != bundle(entry)}
    assert stale == set(), 'run these again: make notebooks ARGS=...'
    assert len({entry for *_,entry,_ in found}) == 4
    style = json.dumps(text_of('play.css')).strip('"')
    assert [name for name,*_,html in found if style not in html] == []

@pytest.mark.parametrize('make', [lambda: draw_digit(simple_net()), train_live,
                                  lambda: descent_explorer(torch.square)])
def test_html_and_picture(make):
    torch.manual_seed(0)
    piece = make()
    shown = piece._repr_mimebundle_()
    picture = Image.open(io.BytesIO(base64.b64decode(shown['image/png'])))
    assert len(set(picture.convert('L').tobytes())) > 5 and picture.info == {}
    (div,host),(img,attrs),(script,_) = tags(shown['text/html'])
    assert (div, img, script) == ('div', 'img', 'script')
    assert attrs['src'] == f'data:image/png;base64,{shown["image/png"]}'
    assert attrs['alt'] == shown['text/plain'] == repr(piece)
    assert f'start("{host["data-play"]}", ' in piece.html
    outside = r'https?:|="//|@import|\bfetch\(|url\(|XMLHttpRequest|(?m:^(?:import|export) )'
    assert re.findall(outside, piece.html.replace('http://www.w3.org/2000/svg', '')) == []
    torch.manual_seed(0)
    assert make().html == piece.html

@pytest.mark.parametrize('text', ['</script><script>alert(1)</script>', '<!--', '"\'&\\', '$b$'])
def test_texts_stay_texts(text):
    piece = draw_digit(stack(nn.Linear(784,2)), classes=(text, text))
    assert len(tags(piece.html)) == 3 and piece.html.count('</script>') == 1
    assert data_of(piece.html)['classes'] == [text, text]

# draw_digit

@pytest.mark.parametrize('n,classes', [(1, '37'), (2, '37'), (3, 'xyz'), (10, '0123456789')])
def test_what_the_network_says(drawn, n, classes):
    torch.manual_seed(n)
    net = stack(nn.Flatten(), nn.Linear(784, n))
    given = classes if n==3 else None
    data,alt,fig = drawn(draw_digit, net, given, mean=.2, std=.5)
    assert data['classes'] == [*classes] and data['shape'] == [1,28,28]
    assert (data['mean'], data['std']) == (.2, .5)
    pad,seen,bars = fig.axes
    image = prepare(Image.fromarray(np.array(pad.images[0].get_array())))
    assert torch.equal(torch.tensor(np.array(seen.images[0].get_array())), image)
    scores = net[1]((image.view(1,-1)/255-.2)/.5)[0]
    p = [scores.sigmoid().item(), 1-scores.sigmoid().item()] if n==1 else scores.softmax(0).tolist()
    assert [b.get_width() for b in bars.patches] == pytest.approx(p, abs=1e-5)
    best = max(range(len(p)), key=p.__getitem__)
    assert f'says {classes[best]}, with {max(p):.0%}.' in alt
    others = {b.get_facecolor() for i,b in enumerate(bars.patches) if i != best}
    assert bars.patches[best].get_facecolor() not in others and len(others) == 1
    assert [t.get_text() for t in bars.get_yticklabels()] == [*classes] and bars.yaxis_inverted()

def conv_net():
    return stack(nn.Conv2d(1,4,(5,3),(2,1),(1,0)), nn.BatchNorm2d(4, eps=.25), nn.ReLU(),
                 nn.Sigmoid(), nn.MaxPool2d(3, 2, 1),
                 stack(nn.Dropout(), nn.Flatten()), nn.Linear(364,10))

@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_model_travels_whole_and_stays_as_it_is(dtype):
    net = conv_net().to(dtype).to(memory_format=torch.channels_last)
    net[1].running_mean += 3
    before = {k: v.clone() for k,v in net.state_dict().items()}
    conv,norm,_,_,pool,_,_,linear = data_of(draw_digit(net).html)['layers']
    for packed,layer,names in (conv, net[0], {}),(linear, net[6], {}),(
            norm, net[1], dict(mean='running_mean', variance='running_var')):
        for name,theirs in (dict(weight='weight', bias='bias') | names).items():
            assert torch.equal(tensor(packed[name]), getattr(layer, theirs).detach().float())
    assert (conv['stride'], conv['padding'], norm['eps']) == ([2,1], [1,0], .25)
    assert (pool['size'], pool['stride'], pool['padding']) == ([3,3], [2,2], [1,1])
    assert net.training and all(torch.equal(v, before[k]) for k,v in net.state_dict().items())

def test_half_is_smaller_and_not_for_all():
    net = simple_net()
    whole,half = (data_of(draw_digit(net, dtype=d).html)['layers'][0]['weight']
                  for d in (torch.float32, torch.float16))
    assert len(whole['base64']) == 2*len(half['base64'])
    assert torch.equal(tensor(half), net[0].weight.detach().half())
    net[0].weight.data[3,5] = 1e6
    with pytest.raises(ValueError, match='weight of layer 0'): draw_digit(net, dtype=torch.float16)

class Mine(nn.Linear): pass

@pytest.mark.parametrize('model,says', [
    (stack(stack(nn.Linear(784,9), nn.GELU()), nn.Linear(9,1)), 'layer 0.1 is GELU.*Linear'),
    (Mine(784,1), 'layer 0 is Mine'), (torch.sigmoid, 'layer 0 is'), (stack(stack()), 'no layers'),
    (stack(nn.Conv2d(1,2,3,dilation=2)), r'layer 0, Conv2d, has dilation=\(2, 2\)'),
    (stack(nn.Conv2d(1,2,3,groups=1,padding_mode='reflect')), 'padding_mode'),
    (stack(nn.Conv2d(2,2,3,groups=2)), 'groups=2'),
    (stack(nn.Conv2d(1,2,3,padding='same')), "'same'"), (stack(nn.Flatten(2)), 'start_dim'),
    (stack(nn.MaxPool2d(2, ceil_mode=True)), 'ceil_mode'), (stack(nn.Flatten(1, 2)), 'end_dim'),
    (stack(nn.MaxPool2d(2, dilation=2)), 'dilation'),
    (stack(nn.MaxPool2d(2, return_indices=True)), 'return_indices'),
    (stack(nn.BatchNorm2d(1, track_running_stats=False)), 'track_running_stats'),
    (stack(nn.Linear(784,9), nn.Linear(8,1)), r'layer 1, L.* shape \[1, 9\]'),
    (stack(nn.Conv2d(3,2,3)), r'layer 0, Conv2d\(3, 2.* shape \[1, 1, 28, 28\]'),
    (stack(nn.ReLU(), nn.Linear(28,1), nn.Flatten()), 'layer 1, Linear.*Flatten missing'),
    (stack(nn.Conv2d(1,2,3)), r'\[n,classes\]; got shape \[1, 2, 26, 26\]'),
    (simple_net(784, 30, 5), 'classes must be 5 names; got 2')])
def test_wrong_model(model, says):
    classes = 'ab' if 'names' in says else None
    with pytest.raises(ValueError, match=says): draw_digit(model, classes)

def test_the_pad_of_08_reads_drawings():
    cells = nbformat.read(top/'nbs'/'08_all_digits.ipynb', 4).cells
    data, = [data_of(html) for name,*_,html in scripts() if name=='08_all_digits']
    def compute(layer, x):
        t = {k: tensor(v).float() for k,v in layer.items() if isinstance(v, dict)}
        layer = SimpleNamespace(**layer)
        return dict(
            Conv2d=lambda: F.conv2d(x, t['weight'], t['bias'], layer.stride, layer.padding),
            MaxPool2d=lambda: F.max_pool2d(x, layer.size, layer.stride), ReLU=x.relu,
            BatchNorm2d=lambda: F.batch_norm(x, t['mean'], t['variance'], t['weight'], t['bias']),
            Linear=lambda: F.linear(x, t['weight'], t['bias']),
            Flatten=lambda: x.flatten(1), Dropout=lambda: x)[layer.kind]()
    photos,digits = drawings()
    x = (torch.stack([prepare(p) for p in photos])[:,None]/255 - data['mean'])/data['std']
    for layer in data['layers']: x = compute(layer, x)
    right = (x.argmax(1)==torch.tensor(digits)).sum().item()
    text = '\n'.join(c.source for c in cells)
    said = re.search(r'It reads (all|\d+) of (\d+) digits drawn', text)
    assert (said[1].replace('all', said[2]), said[2]) == (str(right), str(len(digits)))

# descent_explorer and train_live

def test_curve_is_noted(drawn):
    data,alt,fig = drawn(descent_explorer, torch.sin, -1, 2.5, 2, .25, 3)
    x,rows = np.linspace(-1, 2.5, 401),tensor(data.pop('rows')).numpy()
    assert np.abs(rows - np.stack([np.sin(x), np.cos(x)], 1)).max() < 1e-6
    assert data == dict(min=-1, max=2.5, start=2, lr=.25, maxLr=3)
    (xs,ys),(start,loss) = (line.get_data() for line in fig.axes[0].lines)
    assert np.allclose(xs, x) and np.allclose(ys, np.sin(x))
    assert list(start) == [2] and list(loss) == pytest.approx([np.sin(2)])
    assert 'x = 2,' in alt and '0.25' in alt and '0.25' in fig.axes[0].get_title()

def test_default_descent():
    data = data_of(descent_explorer(torch.square).html)
    assert [data[k] for k in ('min', 'max', 'start', 'lr', 'maxLr')] == [-4, 4, 3, .1, 1.2]
    for start in -4.,4.: descent_explorer(torch.square, start=start, lr=.5, max_lr=.5)  # both ends

def test_images_and_models_travel(drawn):
    state = torch.get_rng_state()
    data,_,fig = drawn(train_live)
    assert torch.equal(torch.get_rng_state(), state)
    assert [data[k] for k in ('lr', 'bs', 'epochs', 'seed')] == [1, 64, 20, 0]
    train_x,train_y,valid_x,valid_y = mnist_sample()
    for part,x,y,n in ('train', train_x, train_y, 2000),('valid', valid_x, valid_y, 500):
        pixels = zlib.decompress(base64.b64decode(data[part]['base64']))
        rows = [i*len(x)//n for i in range(n)]
        images = np.frombuffer(pixels, np.uint8).reshape(n, 784)/255
        assert np.abs(images - x.numpy()[rows]).max() < 1e-6
        assert data[part]['targets'] == y[rows,0].tolist()
    torch.manual_seed(0)
    for name,net in {'linear model': stack(nn.Linear(784,1)), 'simple_net': simple_net()}.items():
        layers = data['models'][name]
        assert len(layers) == len(net)
        assert torch.equal(tensor(layers[0]['weight']), net[0].weight.detach().half())
    w, = fig.axes[1].images
    low,high = w.get_clim()
    assert high == -low == np.abs(w.get_array()).max()  # white is 0
    weights = tensor(data['models']['linear model'][0]['weight'])
    assert np.allclose(w.get_array().ravel(), weights, atol=1e-4)

def test_few_images_and_another_seed():
    x,y = torch.rand(4,784),torch.tensor([[1],[0],[0],[1]])
    a,b,c = (data_of(train_live((x,y,x,y), seed=s, n_train=3).html) for s in (0, 0, 1))
    assert a == b and a['models'] != c['models']
    assert a['train']['targets'] == [1, 0, 0] and a['valid']['targets'] == [1, 0, 0, 1]
    for images in x*3,-x,x.view(4,28,28):
        with pytest.raises(ValueError, match='rows of 784|need'): train_live((x,y,images,y))
