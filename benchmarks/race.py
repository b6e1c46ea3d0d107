"The race of notebook 08, against the two public references."
import ast
from pathlib import Path
from statistics import mean, stdev

import nbformat, torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from chapter4_helpers.data import mnist
from chapter4_helpers.loss import class_accuracy
from chapter4_helpers.minibatches import TensorDataLoader, validate_epoch
from chapter4_helpers.optimizer import train_epoch
from timing import digits, in_turn, middle, spread, table

def from_notebook(name, *wanted):
    "A namespace with the imports of a notebook and what it defines under the `wanted` names"
    path = Path(__file__).parents[1]/'nbs'/f'{name}.ipynb'
    cells = [c.source for c in nbformat.read(path, 4).cells
             if c.cell_type=='code' and not c.source.startswith('#| hide')]
    def names(node):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)): return {node.name}
        if not isinstance(node, ast.Assign): return set()
        return {t.id for t in node.targets if isinstance(t, ast.Name)}
    nodes = [node for cell in cells for node in ast.parse(cell).body
             if isinstance(node, (ast.Import, ast.ImportFrom)) or names(node) & set(wanted)]
    if missing := set(wanted) - set().union(*map(names, nodes)):
        raise NameError(f'{path.name} no longer defines {", ".join(sorted(missing))}, which this '
                        'benchmark takes from it')
    ns = {}
    exec(compile(ast.Module(nodes, []), path.name, 'exec'), ns)
    return ns

def notebook():
    return from_notebook(
        '08_all_digits', 'scaled', 'margin', 'conv', 'OneCycle', 'published', 'race',
        'shuffled_once', 'fast_net', 'smoothed', 'Shifted', 'far_net', 'far_epochs')

def images(nb, n=None, device='cpu'):
    "Training and test images `[n,1,28,28]` with their labels, on `device`"
    d = mnist()
    train_x,valid_x = [nb['scaled'](x)[:,None] for x in (d.train_x, d.valid_x)]
    return [t[:n].to(device) for t in (train_x, d.train_y, valid_x, d.valid_y)]

def example_net():
    "The network of PyTorch's examples/mnist"
    return nn.Sequential(nn.Conv2d(1,32,3), nn.ReLU(), nn.Conv2d(32,64,3), nn.ReLU(),
                         nn.MaxPool2d(2), nn.Dropout(.25), nn.Flatten(),
                         nn.Linear(9216,128), nn.ReLU(), nn.Dropout(.5), nn.Linear(128,10))

def example_epoch(x, y):
    "The first epoch of examples/mnist: Adadelta with rate 1, batches of 64 from torch's loader"
    torch.manual_seed(1)
    net = example_net()
    opt = torch.optim.Adadelta(net.parameters(), lr=1.)
    train_epoch(net, DataLoader(TensorDataset(x, y), 64, shuffle=True), opt, F.cross_entropy)
    return net

def with_seeds(race, *args, first=-1):
    "`race` without an argument, with another seed at each call; the first is the warm-up"
    seeds = iter(range(first, 1000))
    return lambda: race(*args, next(seeds))[0]

def race(quick=False):
    "The ten-digit race"
    nb = notebook()
    x,y,test_x,test_y = images(nb, 300 if quick else None)
    test = TensorDataLoader(test_x, test_y, bs=1000)
    rounds = 2 if quick else 10
    torch.manual_seed(0)
    once = [nb['shuffled_once'](x, y) for _ in range(rounds+1)]  # not timed; the last: warm-up
    shuffled = TensorDataLoader(x, y, bs=256, shuffle=True)
    train,smoothed,far = nb['race'],nb['smoothed'],1 if quick else nb['far_epochs']
    def published(form):
        net = nb['published']
        return with_seeds(lambda seed: train(net, once[seed], 1, .01, seed, memory_format=form))
    def ours(name, dl, epochs, lr):
        return with_seeds(lambda seed: train(nb[name], dl, epochs, lr, seed, smoothed))
    last = 'channels_last'
    runs = in_turn({('published', 'contiguous', 1): published(torch.contiguous_format),
                    ('published', last, 1): published(torch.channels_last),
                    ('fast_net', last, 1): ours('fast_net', shuffled, 1, .02),
                    ('far_net, images moved', last, far):
                        ours('far_net', nb['Shifted'](shuffled), far, .015)},
                   rounds)
    example = {('examples/mnist', 'contiguous', 1): lambda: example_epoch(x, y)}
    runs |= in_turn(example, repeats=1, warm_up=0)
    rows = []
    for (name,memory,epochs),r in runs.items():
        a = [validate_epoch(run.result, test, class_accuracy) for run in r]
        rows.append([name, memory, f'{epochs}', f'{len(r)}', middle(r), spread(r), f'{mean(a):.4f}',
                     f'{stdev(a):.4f}' if len(a) > 1 else '',
                     f'{nb["margin"](mean(a), len(test_x)):.4f}'])
    columns = ['network', 'memory', 'epochs', 'runs', 's, median', 'quartiles', 'test accuracy',
               'standard deviation', '± (images)']
    contiguous,last,fast,far_time,example = [middle(r) for r in runs.values()]
    best = min(contiguous, last)
    return f'''
The networks of [08_all_digits](../nbs/08_all_digits.ipynb), taken from the notebook, trained on {len(x):,} images and tested on the {len(test_x):,} test images. They take turns; each run has another seed; testing is not timed. *published* is "train_mnist_fast" (Tuomas Oikarinen, 2021), on images shuffled once before training, as by its author (anew for each run), in either memory format; ours run in `channels_last`. *examples/mnist* is the network of PyTorch's examples with its optimizer and batches of 64, on the same tensors, for the first of its 14 epochs, a single run in one format. The last column is what the luck of {len(test_x):,} test images adds to any figure here (95%).

{table(columns, rows)}

In its better format the published network takes {digits(best)} s. `fast_net` takes {digits(fast/best)} times that, and `far_net` {digits(far_time/best)} times. The 14 epochs of examples/mnist, which came to 99.19% (two runs, reported with train_mnist_fast), would take {digits(14*example)} s here.
'''  # noqa: E501
