"""Errors: what to call, and a word of what is said. More are in test_what_people_bring.py,
test_play.py and test_learner.py."""
import math, re, tempfile
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch
import numpy as np, pytest, torch
from PIL import Image
from torch import nn
import chapter4_helpers
from chapter4_helpers import checks, data
from chapter4_helpers.all import *
from made_up import quiet

pytestmark = pytest.mark.usefixtures('one_thread')

package = Path(chapter4_helpers.__file__).parent
nan,inf = math.nan,math.inf
uncountable = 0, -1, 1.5, 3., nan, inf, '3', None  # no numbers of epochs, steps, rows
no_rates = 0, -1., nan, inf

def ones(*size): return torch.ones(*size)
def a_model(): return nn.Linear(2,1)
def a_loader(n=4): return TensorDataLoader(ones(n,2), ones(n,1))
def an_optimizer(model): return BasicOptim(model.parameters(), .1)

# Calls that take more than a line

def damaged(change):
    "Read the data file after `change`, or read none"
    path = Path(tempfile.mkdtemp(), 'mnist.npz')
    if change: path.write_bytes(change((package/'mnist.npz').read_bytes()))
    data._read_npz(path)

def a_folder(digits, *missing):
    "Ask for the folder of threes where that of `digits` is, with files missing"
    d = data._read_npz()
    few = data.MNIST(*(a[:n] for a,n in zip(d, (600,600,100,100))))
    with patch.object(data, '_read_npz', lambda: few):
        dest = mnist_folder(digits, dest=Path(tempfile.mkdtemp(), 'mnist'))
        for name in missing: (dest/name).unlink()
        mnist_folder((3,), dest=dest)

def no_place():
    "A folder that gets its files, but not its name"
    def refuse(*args): raise PermissionError(13, 'not here')
    with patch.object(data, '_write_folder'), patch.object(Path, 'replace', refuse):
        mnist_folder(dest=Path(tempfile.mkdtemp(), 'mnist'))

def train(epochs=1, loss_func=mnist_loss, dl=None):
    model = a_model()
    dl = a_loader() if dl is None else dl
    train_model(model, dl, a_loader(), an_optimizer(model), epochs, loss_func)

def grad_of(loss_func, model=None): calc_grad(ones(2,2), ones(2,1), model or a_model(), loss_func)
def descend_on(f, start=3., lr=.1, n=3): descend(f, torch.tensor(start), lr, n)
def pad(*layers, **kwargs): draw_digit(nn.Sequential(*layers), **kwargs)

errors = []
def error(kind, says, call, *values):
    "`call()` raises `kind` and says `says`, or `call(v)` for each of the values: {v} in `says`"
    for args in [(v,) for v in values] or [()]:
        said = says.replace('{v}', re.escape(repr(*args)) if args else '')
        errors.append((kind, said, call, args))

# data
error(FileNotFoundError, 'missing.*pip install', lambda: damaged(None))
error(ValueError, 'damaged.*pip install', lambda n: damaged(lambda raw: (raw + b'0')[:n]),
      0, 5_000_000, 11_490_522, 11_490_524)
error(ValueError, 'damaged', lambda: damaged(lambda raw: b'<html>'))
error(ValueError, 'damaged', lambda: damaged(lambda raw: raw[:50] + bytes([raw[50]^1]) + raw[51:]))
for f in mnist,mnist_folder:
    error(ValueError, 'digits .*{v}', f, (), (3,3), (3,10), (-1,), (3.,), (None,), '37', 3)
error(ValueError, 'digits', lambda: mnist_folder(None))
error(FileExistsError, r'2 of its [0-9]+ files are missing \(labels',
      lambda: a_folder((3,), 'labels.csv', 'valid/3/18.png'))
error(FileExistsError, r'7, 8\..*`dest`', lambda: a_folder((3,7,8)))
error(NotADirectoryError, 'test_checks.py/data.*`dest`',
      lambda: mnist_folder(dest=Path(__file__)/'data'/'mnist'))
error(PermissionError, 'not here.*`dest`', no_place)
# pictures
error(ValueError, 'initialize, predict, .*; got guess, hope', lambda: plot_steps('hope', 'guess'))
error(ValueError, 'below max', lambda ends: plot_function(abs, min=ends[0], max=ends[1]),
      (2,2), (2,-2), (nan,2))
error(ValueError, r'100 x values; got shape \[\]', lambda: plot_function(torch.sum))
error(ValueError, 'empty', lambda: plot_images([]))
error(ValueError, 'got shape', lambda size: plot_images(ones(*size)),
      (28,28), (784,), (2,5,4,4), (1,2,3,4,5))
error(ValueError, 'none for m, x', lambda: plot_graph(dict(m='w*x'), dict(w=2)))
# pixels
error(TypeError, r'uint8.*\.float\(\)', lambda: mnist_distance(ones(2,2).byte(), ones(2,2)))
error(TypeError, 'int64', lambda: mnist_distance(ones(2,2), ones(2,2).long()))
error(ValueError, 'rows and columns', lambda shape: mnist_distance(ones(3,4), ones(shape)),
      (4,3), (3,3), (4,4))
# descent
error(TypeError, 'int64', lambda: descend_on(torch.sum, 3))
error(TypeError, 'float', lambda: descend(torch.sum, 3., .1, 3))
error(ValueError, 'learning rate .*{v}', lambda lr: descend_on(torch.sum, lr=lr), *no_rates)
error(ValueError, 'steps .*{v}', lambda n: descend_on(torch.sum, n=n), *uncountable)
error(ValueError, r'shape \[2\]', lambda: descend_on(lambda p: p, [1.,1.]))
error(ValueError, 'got float', lambda: descend_on(torch.Tensor.item))
error(ValueError, 'detach', lambda: descend_on(torch.detach))
# loss
error(ValueError, r'784.*\.view', lambda: linear(ones(2,28,28), ones(784,1), ones(1)))
for f in mnist_loss,batch_accuracy:
    error(ValueError, r'\[4, 1\] and \[4\]', lambda f=f: f(ones(4,1), ones(4)))
    error(ValueError, 'empty', lambda f=f: f(ones(0,1), ones(0,1)))
    error(ValueError, '0 or 1 .*{v}', lambda v, f=f: f(ones(2,1), torch.tensor([[1],[v]])),
          7, -1, .5, nan, inf, -inf)
# minibatches
for where in 0,1:
    error(TypeError, f'{"xy"[where]} must be a tensor or NumPy array',
          lambda v, i=where: TensorDataLoader(*(v if j==i else ones(2) for j in (0,1))),
          [1,2], (1,2), 'ab', torch.tensor(1), np.array(1))
error(ValueError, '1,000 and 999', lambda: TensorDataLoader(ones(1000), ones(999)))
error(ValueError, 'no rows', lambda: TensorDataLoader(ones(0,3), ones(0)))
error(ValueError, 'bs .*{v}', lambda bs: TensorDataLoader(ones(2), ones(2), bs), *uncountable)
error(ValueError, 'bs', lambda: a_loader().new(bs=-1))
error(ValueError, r'shape \[2, 1\]', lambda: grad_of(lambda p,t: p))
error(ValueError, 'got float', lambda: grad_of(lambda p,t: p.mean().item()))
error(ValueError, 'no parameter.*init_params', lambda: grad_of(lambda p,t: p.mean(), abs))
error(ValueError, 'no batch', lambda: validate_epoch(a_model(), []))
error(ValueError, 'no batch', lambda: mean_over_rows([]))
# optimizer
error(ValueError, 'empty', lambda: BasicOptim([], .1))
error(ValueError, r'\[params\]', lambda: BasicOptim(ones(2).requires_grad_(), .1))
error(ValueError, 'parameter 1, a int', lambda: BasicOptim([ones(2).requires_grad_(), 3], .1))
error(ValueError, r'parameter 0, of shape \[2\].*init_params', lambda: BasicOptim([ones(2)], .1))
error(ValueError, 'parameter 0.*no leaf', lambda: BasicOptim([2*ones(2).requires_grad_()], .1))
error(ValueError, 'rate .*{v}', lambda lr: BasicOptim(a_model().parameters(), lr), *no_rates)
error(ValueError, r'parameter 0, .*backward', lambda: an_optimizer(a_model()).step())
error(ValueError, 'no batch', lambda: train_epoch(a_model(), [], an_optimizer(a_model())))
error(ValueError, 'no batch', lambda: train(dl=[]))
error(ValueError, 'epochs .*{v}', train, *uncountable)
error(FloatingPointError, 'epoch 0.*nan at batch 0.*history',
      lambda: train(loss_func=lambda p,t: p.mean()*nan))
# nonlinearity, handwriting and ladder
error(ValueError, 'n_hidden .*{v}', lambda n: simple_net(n_hidden=n), *uncountable)
error(ValueError, 'n_in', lambda: simple_net(0))
error(ValueError, 'n_out', lambda: simple_net(n_out=0))
error(ValueError, 'no ink', lambda: prepare(Image.new('L', (50,50), 200)))
error(ValueError, '3 pieces .*crop', lambda: prepare(Image.fromarray(
    np.pad(np.zeros((30,3), np.uint8), 9, constant_values=255).repeat(3, 0)[:,[*range(21)]*3])))
error(ValueError, 'bytes .*pillow-heif', lambda: prepare(b'ftypheic'))
error(ValueError, 'seeds .*{v}', lambda n: ladder(True, n), *uncountable)
# play
error(ValueError, 'bias of layer 0', lambda: pad(
    nn.Linear(784,1).requires_grad_(False).apply(lambda m: m.bias.fill_(nan))))
error(ValueError, '2 names; got {v}', lambda n: pad(nn.Linear(784,1), classes=range(n)), 1, 3)
error(ValueError, '2 names; got 3', lambda: pad(nn.Linear(784,2), classes='abc'))
error(ValueError, 'below max', lambda ends: descent_explorer(abs, *ends), (2,2), (2,-2), (nan,2))
error(ValueError, 'start .*{v}', lambda x: descent_explorer(abs, start=x), 5, nan)
error(ValueError, 'lr .*2 and 1.2', lambda: descent_explorer(abs, lr=2))
error(ValueError, 'learning rate .*{v}', lambda lr: descent_explorer(abs, lr=lr), *no_rates)
error(ValueError, 'one loss', lambda: descent_explorer(torch.sum))
error(ValueError, 'finite', lambda: descent_explorer(torch.log))
error(ValueError, 'bs .*{v}', lambda bs: train_live(bs=bs), *uncountable)
error(ValueError, '1 to {v}', lambda most: train_live(
    (torch.linspace(1, most, 784)[None], ones(1,1))*2), 255)

@pytest.mark.parametrize('kind,says,call,args', errors)
def test_error(kind, says, call, args):
    with pytest.raises(kind, match=says): quiet(call, *args)

def test_what_is_let_through():
    checks.check_width(ones(2,5,4), ones(4,1))
    with torch.autocast('cpu'): checks.check_width(ones(5,4).bfloat16(), ones(4,1))
    checks.check_images(ones(2,5,3,4), ones(3,4)); checks.check_images(ones(3,4), ones(2,5,3,4))
    checks.check_range(.1, 1, 1)
    for name in 'hypers', 'param_groups', 'lr':  # of fastai, PyTorch and ours
        checks.check_optimizer(SimpleNamespace(**{name: .1}))
