"An epoch of training in several ways, where its time goes, and how it grows."
import warnings

import torch, torch.nn.functional as F
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import DataLoader, TensorDataset
with warnings.catch_warnings():
    warnings.filterwarnings('ignore', '.*torch.jit.script')  # torch's word to fastai, not to us
    from fastai.data.core import DataLoaders
    from fastai.data.load import DataLoader as FastaiDataLoader
    from fastai.callback.core import Callback, CancelValidException
    from fastai.callback.progress import ProgressCallback
    from fastai.learner import Learner
    from fastai.optimizer import SGD

from chapter4_helpers.data import mnist_sample
from chapter4_helpers.checks import check_binary
from chapter4_helpers.loss import batch_accuracy, mnist_loss
from chapter4_helpers.minibatches import TensorDataLoader, validate_epoch
from chapter4_helpers.nonlinearity import simple_net
from chapter4_helpers.optimizer import BasicOptim, train_epoch
from timing import digits, in_turn, memory, middle, spread, table

models = {'linear': lambda n_in=784: nn.Linear(n_in, 1),
          'simple_net': lambda n_in=784: simple_net(n_in)}
lr = .1

# The raw loops: what a person would write for these two models alone, without a check

def scores(xb, params):
    for weights,bias in zip(params[::2], params[1::2]):
        xb = F.linear(xb if weights is params[0] else xb.relu(), weights, bias)
    return xb

def raw_step(xb, yb, params):
    s = scores(xb, params).sigmoid()
    torch.where(yb==1, 1-s, s).mean().backward()
    with torch.no_grad():
        for p in params:
            p.sub_(p.grad, alpha=lr)
            p.grad = None

def raw_by_slices(x, y, params, bs):
    "Shuffle all rows at once, then cut slices"
    order = torch.randperm(len(x), device=x.device)
    x,y = x[order],y[order]
    for i in range(0, len(x), bs): raw_step(x[i:i+bs], y[i:i+bs], params)

def raw_by_rows(x, y, params, bs):
    "Gather the rows of each batch, in the fastest way we found"
    for rows in torch.randperm(len(x), device=x.device).split(bs):
        raw_step(x.index_select(0, rows), y.index_select(0, rows), params)

@torch.no_grad()
def raw_accuracy(x, y, params): return ((scores(x, params)>0) == (y==1)).float().mean().item()

class NoValidation(Callback):
    "Make fastai's `Learner` leave out the validation that it does after each epoch"
    def before_validate(self): raise CancelValidException

def ways(make, data, bs, validate):
    "Dict from name to `(epoch, model)`: ways to train for one epoch, each with a model of its own"
    x,y,valid_x,valid_y = data
    our_dl = TensorDataLoader(x, y, bs, shuffle=True)
    our_valid = TensorDataLoader(valid_x, valid_y, bs)
    def model():
        torch.manual_seed(0)
        return make()
    def ours(train_dl, valid_dl):
        net = model()
        opt = BasicOptim(net.parameters(), lr)
        def epoch():
            train_epoch(net, train_dl, opt)
            if validate: validate_epoch(net, valid_dl)
        return epoch,net
    def raw(loop):
        net = model()
        params = list(net.parameters())
        def epoch():
            loop(x, y, params, bs)
            if validate: raw_accuracy(valid_x, valid_y, params)
        return epoch,net
    def fastai(train_dl, valid_dl):
        net = model()
        learn = Learner(DataLoaders(train_dl, valid_dl), net, opt_func=SGD, loss_func=mnist_loss,
                        metrics=batch_accuracy if validate else None,
                        cbs=None if validate else NoValidation())
        learn.remove_cb(ProgressCallback)
        def epoch():
            with learn.no_logging(): learn.fit(1, lr)
        return epoch,net
    torch_dls = (DataLoader(TensorDataset(x, y), bs, shuffle=True),
                 DataLoader(TensorDataset(valid_x, valid_y), bs))
    book_dls = [FastaiDataLoader(list(zip(a, b)), bs=bs, shuffle=shuffle)
                for a,b,shuffle in ((x, y, True), (valid_x, valid_y, False))]
    return {'ours': ours(our_dl, our_valid),
            'raw loop, slices': raw(raw_by_slices), 'raw loop, rows': raw(raw_by_rows),
            "torch's DataLoader": ours(*torch_dls),
            'Learner, our loader': fastai(our_dl, our_valid),
            "Learner, the book's loader": fastai(*book_dls)}

def epoch(quick=False):
    "An epoch over threes and sevens"
    n = 500 if quick else None
    data = [t if n is None else torch.cat([t[:n], t[-n:]]) for t in mnist_sample()]
    rows,times = [],{}
    for validate in (False, True):
        for model,make in models.items():
            epochs = {k: epoch for k,(epoch,_) in ways(make, data, 256, validate).items()}
            runs = in_turn(epochs, 2 if quick else 15)
            times |= {(validate,model,k): middle(r) for k,r in runs.items()}
            first = [model, 'with' if validate else 'without']
            rows += [[*first, k, middle(r)*1e3, spread(r, 1e3), middle(r)/middle(runs['ours'])]
                     for k,r in runs.items()]
    def ratio(model, way, to='ours'): return digits(times[False,model,way]/times[False,model,to])
    book,rows_way = "Learner, the book's loader",'raw loop, rows'
    return f'''
One epoch over {len(data[0]):,} threes and sevens: batches of 256, shuffled, learning rate {lr}, `mnist_loss`, plain SGD. *Ours* is `train_epoch` with `TensorDataLoader` and `BasicOptim`; it checks each batch and the loss. The *raw loops* check nothing and take their formulas inline: one shuffles all images and cuts slices, the other gathers the rows of each batch. *torch's DataLoader* is over a `TensorDataset`, with our `train_epoch`. The *Learner* is fastai's, once with our loader, once with the book's `list(zip(x, y))`; its progress bar and its log are off.

All train without a validation pass, and then all with one over the {len(data[2]):,} validation images. The `Learner` always validates; so for the rows without, a callback cancels it.

{table(['model', 'validation', 'way', 'ms, median', 'quartiles', 'times ours'], rows)}

Without validation the raw loop over slices takes {ratio('linear','raw loop, slices')} times as long as ours on the linear model and {ratio('simple_net','raw loop, slices')} times on `simple_net`, the one over rows {ratio('linear',rows_way)} and {ratio('simple_net',rows_way)} times, and the book's set-up {ratio('linear',book)} and {ratio('simple_net',book)} times. The loop over rows is the floor: the book's set-up takes {ratio('linear',book,rows_way)} and {ratio('simple_net',book,rows_way)} times as long as that. What ours takes above the floor is the calling of modules, the checks, and the list of losses; the table below shows it on images of one pixel.

### Where an epoch of ours goes

{profile(data, quick)}
'''  # noqa: E501

class Calls(TorchDispatchMode):
    "Count the calls of PyTorch's operators, forward and backward"
    def __init__(self):
        super().__init__()
        self.n = 0
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.n += 1
        return func(*args, **(kwargs or {}))

def calls(f):
    with Calls() as c: f()
    return c.n

def profile(data, quick=False):
    "A table of the parts of an epoch, each timed alone"
    x,y = data[:2]
    dl = TensorDataLoader(x, y, 256, shuffle=True)
    def load():
        for _ in dl: pass
    targets = y[:256]
    def check():
        for _ in range(batches): check_binary(targets, targets)
    def copy(): return x.clone()
    batches,rows = len(dl),[]
    for model,make in models.items():
        both = ways(make, data, 256, False)
        one_pixel = ways(lambda: make(1), [t[:,:1].contiguous() for t in data], 256, False)
        parts = {'the epoch': both['ours'][0],
                 'the same on images of one pixel': one_pixel['ours'][0],
                 'the raw loop on images of one pixel': one_pixel['raw loop, rows'][0],
                 'the loader alone': load, 'the check of the targets alone': check,
                 'a plain copy of all images': copy}
        counts = {k: calls(f)/batches for k,f in parts.items()}
        runs = in_turn(parts, 2 if quick else 15)
        def share(r): return f'{100*middle(r)/middle(runs["the epoch"]):.0f}%'
        def n(k): return f'{counts[k]:.1f}' if counts[k] >= 1 else ''
        rows += [[model, k, middle(r)*1e3, share(r), n(k)] for k,r in runs.items()]
    mb = x.numel()*x.element_size()/1e6
    return f'''
Each part is timed alone, so they need not add up. The images are {mb:.1f} MB. The loader reads and writes them once; the model reads them twice more, for the scores and for the gradient: {4*mb:.0f} MB are moved in an epoch. On images of one pixel the same Python code makes the same calls but moves next to nothing. So that line is the share of Python and of starting an operator.

{table(['model', 'part', 'ms, median', 'of the epoch', 'operator calls per batch'], rows)}'''.strip()  # noqa: E501

def growth(quick=False):
    "The same at growing sizes"
    sizes,batch_sizes = (1000, 10_000, 100_000, 1_000_000),(64, 256, 1024, 8192)
    if quick: sizes,batch_sizes = (200, 1000),(64, 512)
    fit = [n for n in sizes if n*784*4 < memory()[1]/2]
    missing = f' There is no memory here for {sizes[-1]:,} images.'
    left_out = '' if len(fit) == len(sizes) else missing
    d = mnist_sample()
    rows = torch.randperm(len(d.train_x))  # threes and sevens mixed, so that each size has both
    rows = rows.repeat(-(-fit[-1]//len(rows)))[:fit[-1]]
    x,y = d.train_x.index_select(0, rows),d.train_y.index_select(0, rows)
    def trained(make, x, y, bs):
        net = make(x.shape[1])
        opt,dl = BasicOptim(net.parameters(), lr),TensorDataLoader(x, y, bs, shuffle=True)
        return lambda: train_epoch(net, dl, opt)
    # The share of overhead is measured at one size
    pixel,at = x[:,:1].contiguous(),fit[min(2, len(fit)-1)]
    each = [(m, make, bs) for m,make in models.items() for bs in batch_sizes]
    runs = {(m,bs,n): trained(make, x[:n], y[:n], bs) for m,make,bs in each for n in fit}
    runs |= {(m,bs,0): trained(make, pixel[:at], y[:at], bs) for m,make,bs in each}
    runs = in_turn(runs, 2 if quick else 7)
    def seconds(m, bs, n): return middle(runs[m,bs,n])
    lines = [[m, f'{bs:,}', *[digits(seconds(m, bs, n)/n*1e6) for n in fit],
              f'{100*seconds(m, bs, 0)/seconds(m, bs, at):.0f}%'] for m,_,bs in each]
    times = [seconds(m, bs, fit[-1])/seconds(m, bs, fit[-2]) for m,_,bs in each]
    return f'''
`train_epoch` with our loader on 1,000 to 1,000,000 images, which are the threes and sevens over and over. The time is given per image: where cost grows in a straight line it stays the same along a row, but for 1,000 images, whose 3 MB may stay in the processor's cache. The last column is the share of overhead: the time of the same epoch on images of one pixel, as above, at {at:,} images.{left_out}

{table(['model', 'batch', *[f'µs per image, {n:,} images' for n in fit], 'overhead'], lines)}

A batch larger than the set is one batch. From {fit[-2]:,} to {fit[-1]:,} images ({fit[-1]/fit[-2]:.0f} times as many) an epoch takes {digits(min(times))} to {digits(max(times))} times as long.
'''  # noqa: E501
