"The Learner: against SGD in NumPy, against fastai's, and what callbacks can do to it."
import copy, math, random, sys
from contextlib import nullcontext
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
import matplotlib.pyplot as plt, numpy as np, pytest, torch
import torch.nn.functional as F
from hypothesis import given, strategies as st
from torch import nn
from chapter4_helpers import learner
from chapter4_helpers.learner import *
from chapter4_helpers.loss import batch_accuracy, mnist_loss
from chapter4_helpers.minibatches import TensorDataLoader, validate_epoch
from chapter4_helpers.optimizer import BasicOptim
from made_up import as_numpy, cases, close, cut, linear_case, loss_and_grads, quiet, seeds

pytestmark = pytest.mark.usefixtures('one_thread')

def noop(*args): pass

def ones(*size): return torch.ones(size)
def a_batch(rows=2): return ones(rows,1), ones(rows,1)

def a_learner(n_train=2, n_valid=1, model=None, **kwargs):
    "A Learner with so many batches of two rows, which says nothing"
    loaders = [a_batch()]*n_train, [a_batch()]*n_valid
    learn = Learner(loaders, model or nn.Linear(1,1), **kwargs)
    learn.logger = noop
    return learn

def weights_of(model): return [p.detach().clone() for p in model.parameters()]
def same(xs, ys): return all(torch.equal(*pair) for pair in zip(xs, ys, strict=True))

def callback(order=0, **methods):
    "A callback with these methods, each called with the learner first"
    cb = Callback()
    cb.order = order
    for name,f in methods.items(): setattr(cb, name, lambda *do, f=f: f(cb.learn, *do))
    return cb

def stop(exception):
    "A method that raises it"
    def raises(learn): raise exception
    return raises

# Beside a loop in NumPy

def linear_learner(case, bs, seed, **kwargs):
    "A Learner of a linear model, and the batches of its first three epochs after `seed`"
    x,y,w,b = case
    model = nn.Linear(len(w), 1, dtype=w.dtype)
    model.weight.data,model.bias.data = w.T.clone(),b.clone()
    dl = TensorDataLoader(x, y, bs, shuffle=True)
    torch.manual_seed(seed)
    orders = [as_numpy(dl) for _ in range(3)]
    learn = Learner((dl, TensorDataLoader(x, y, 4)), model, metrics=batch_accuracy, **kwargs)
    learn.logger = noop
    torch.manual_seed(seed)
    return learn,orders

def plain_fit(batches, rates, w, b):
    "The smoothed losses at each step, and the weights and bias at the end"
    raw,smooth = [],[]
    for (x,y),lr in zip(batches, rates, strict=True):
        loss,dw,db = loss_and_grads(x, y, w, b)
        w,b = w-lr*dw, b-lr*db
        raw.append(loss)
        shares = np.array([.98**i for i in reversed(range(len(raw)))])
        smooth.append(shares @ np.array(raw)/shares.sum())
    return smooth,w,b

three_epochs = st.sampled_from([(3,), (1,2), (2,1), (1,1,1)])

@cases(100)
@given(linear_case(), st.integers(1, 9), seeds, st.floats(1e-3, 5), three_epochs)
def test_fit(case, bs, seed, lr, epochs):
    x,y,w,b = (t.numpy() for t in case)
    learn,orders = linear_learner(case, bs, seed, lr=lr)
    log = []
    learn.logger = log.append
    first = 0
    for n in epochs:  # each `fit` goes on where the last one ended
        learn.fit(n)
        batches = sum(orders[first:first+n], [])
        smooth,w,b = plain_fit(batches, [lr]*len(batches), w, b)
        assert close(torch.stack(learn.recorder.losses), smooth, 1e-7)
        assert learn.recorder.lrs == [lr]*len(smooth) and len(learn.recorder.values) == n
        first += n
    assert close(learn.model.weight.T, w, 1e-9) and close(learn.model.bias, b, 1e-9)
    wanted = smooth[-1], loss_and_grads(x, y, w, b)[0], np.mean((x@w + b > 0) == y)
    assert close(learn.recorder.values[-1], wanted, 1e-6)
    assert learn.validate() == learn.recorder.values[-1][1:]
    preds,targets = learn.get_preds()
    assert close(preds, x@w + b, 1e-9) and torch.equal(targets, case[1])
    assert [row[0] for row in log] == [i for n in epochs for i in range(n)]
    assert log[-1][1:] == [round(v, 4) for v in learn.recorder.values[-1]]

def cosine(a, b, pos): return a + (b-a)*(1-math.cos(math.pi*pos))/2

@cases(100)
@given(linear_case(), st.integers(1, 9), seeds, st.floats(1e-3, 5), st.floats(2, 50),
       st.floats(2, 1e6), st.floats(0, 1))
def test_one_cycle(case, bs, seed, lr, div, div_final, pct):
    x,y,w,b = (t.numpy() for t in case)
    learn,orders = linear_learner(case, bs, seed)
    learn.fit_one_cycle(3, lr, div, div_final, pct)
    n = sum(map(len, orders))
    rates = [cosine(lr/div, lr, i/n/pct) if i/n < pct else
             cosine(lr, lr/div_final, (i/n-pct)/(1-pct)) for i in range(n)]
    smooth,w,b = plain_fit(sum(orders, []), rates, w, b)
    assert close(learn.recorder.lrs, rates, 1e-9)
    assert close(torch.stack(learn.recorder.losses), smooth, 1e-7)
    assert close(learn.model.weight.T, w, 1e-9) and learn.cbs == [learn.recorder]

def test_one_cycle_by_default():
    learn = a_learner(40)
    learn.fit_one_cycle(1)
    rates = [cosine(.001/25, .001, i/10) for i in range(10)]
    rates += [cosine(.001, .001/1e5, i/30) for i in range(30)]
    assert learn.recorder.lrs == pytest.approx(rates, rel=1e-9, abs=0)

@cases(200)
@given(st.floats(0, 1), st.floats(0, 1, exclude_max=True), *[st.floats(-1e3, 1e3)]*3)
def test_combined_cos(pct, pos, start, middle, end):
    if pos < pct: wanted = cosine(start, middle, pos/pct)
    else: wanted = cosine(middle, end, (pos-pct)/(1-pct))
    assert close(combined_cos(pct, start, middle, end)(pos), wanted, 1e-9)

@cases(50)
@given(linear_case(), st.data())
def test_validation_weighs_rows(case, more):
    x,y,w,b = case
    learn,_ = linear_learner(case, 4, 0)
    cuts = more.draw(cut(len(x)))
    batches = [(x[i:j], y[i:j]) for i,j in pairwise(cuts)]
    loss,acc = learn.validate(batches)
    assert close(loss, loss_and_grads(*(t.numpy() for t in case))[0], 1e-9)
    assert close(acc, validate_epoch(learn.model, batches), 1e-6)

# Beside fastai

x,y = torch.randn(300, 12, generator=torch.manual_seed(0)),torch.arange(300) % 3
x += F.one_hot(y, 12)  # something to learn

def with_norm():
    return nn.Sequential(nn.Linear(12,9), nn.BatchNorm1d(9), nn.ReLU(), nn.Dropout(.2),
                         nn.Linear(9,3))

def accuracy(preds, targets): return (preds.argmax(1) == targets).float().mean()

@pytest.fixture(scope='module')
def fastai():
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        import fastai.vision.all as fastai
    return fastai

@pytest.fixture
def both(fastai):
    "Both Learners after the same training from the same start"
    def _both(train, opt_func, their_opt_func):
        dl = TensorDataLoader(x[:200], y[:200], 32, shuffle=True)
        valid_dl = TensorDataLoader(x[200:], y[200:], 64)
        kwargs = dict(loss_func=F.cross_entropy, metrics=accuracy)
        torch.manual_seed(1)
        ours = Learner((dl, valid_dl), with_norm(), opt_func=opt_func, **kwargs)
        ours.logger = noop
        train(ours)
        torch.manual_seed(1)
        dls = fastai.DataLoaders(dl, valid_dl)
        theirs = fastai.Learner(dls, with_norm(), opt_func=their_opt_func, **kwargs)
        with theirs.no_bar(), theirs.no_logging(): train(theirs)
        return ours,theirs
    return _both

def same_state(ours, theirs):
    return same(ours.model.state_dict().values(), theirs.model.state_dict().values())

def same_record(ours, theirs):
    return (close(ours.recorder.values, [list(row) for row in theirs.recorder.values], 1e-5)
            and close(torch.stack(ours.recorder.losses), torch.stack(theirs.recorder.losses), 1e-5)
            and close(ours.recorder.lrs, [float(lr) for lr in theirs.recorder.lrs], 1e-6))

def wrapped_adam(fastai): return partial(fastai.OptimWrapper, opt=torch.optim.Adam)

optimizers = {  # ours, and fastai's that does the same
    'SGD, ours': lambda fastai: (BasicOptim, fastai.SGD),
    "SGD, PyTorch's": lambda fastai: (torch.optim.SGD, fastai.SGD),
    "SGD, fastai's": lambda fastai: (fastai.SGD, fastai.SGD),
    "Adam, fastai's": lambda fastai: (partial(fastai.Adam, wd=0.),)*2,
    "Adam, PyTorch's": lambda fastai: (torch.optim.Adam, wrapped_adam(fastai)),
    'Adam, wrapped': lambda fastai: (wrapped_adam(fastai),)*2}

def one_cycle_to_the_bit(fastai, learn):
    "With fastai's functions, which round the place in the schedule to 32 bits"
    if isinstance(learn, fastai.Learner): return learn.fit_one_cycle(3, .02)
    cos = fastai.combined_cos
    scheds = dict(lr=cos(.25, .02/25, .02, .02/1e5), mom=cos(.25, .95, .85, .95))
    learn.fit(3, .02, cbs=ParamScheduler(scheds))

@pytest.mark.parametrize('name', optimizers)
def test_same_weights_as_fastai(name, both, fastai):
    for train in (lambda learn: learn.fit(2, .02), partial(one_cycle_to_the_bit, fastai),
                  lambda learn: (learn.fit(1, .02), learn.fit(2, .01))):
        pair = both(train, *optimizers[name](fastai))
        assert same_state(*pair) and same_record(*pair)

def test_same_as_fastai_but_for_rounding(both, fastai):
    momentum = partial(torch.optim.SGD, momentum=.9),partial(fastai.SGD, mom=.9)
    for opts in momentum,optimizers["Adam, PyTorch's"](fastai):
        ours,theirs = both(lambda learn: learn.fit_one_cycle(3, .02), *opts)
        assert close(ours.recorder.lrs, [float(lr) for lr in theirs.recorder.lrs], 1e-6)
        assert close(torch.stack(ours.recorder.losses), torch.stack(theirs.recorder.losses), 1e-3)

def test_same_validation_as_fastai(both, fastai):
    ours,theirs = both(lambda learn: learn.fit(1, .02), *optimizers["Adam, PyTorch's"](fastai))
    with theirs.no_bar(): preds,targets = theirs.get_preds()
    assert close(ours.get_preds()[0], preds) and torch.equal(ours.get_preds()[1], targets)
    with theirs.no_bar(): assert close(ours.validate(), list(theirs.validate()))

def test_same_finder_as_fastai(both, fastai):
    curves = []
    def note(learn): curves.append((learn.recorder.lrs, learn.recorder.losses))
    noted = callback(after_fit=note)
    def find(learn):
        if not isinstance(learn, fastai.Learner):
            learn.cbs.append(noted)
            learn.found = learn.lr_find(1e-5, 10., show_plot=False)
            return
        with TemporaryDirectory() as learn.model_dir:  # where fastai keeps the weights meanwhile
            learn.found = learn.lr_find(1e-5, 10., show_plot=False, suggest_funcs=fastai.minimum)
    ours,theirs = both(find, *optimizers["Adam, PyTorch's"](fastai))
    (lrs,losses), = curves
    assert close(lrs, theirs.recorder.lrs)
    assert close(torch.stack(losses), torch.stack(theirs.recorder.losses), 1e-4)
    assert close(ours.found.minimum, theirs.found.minimum)
    assert same(weights_of(ours.model), weights_of(theirs.model))

def test_a_difference_would_be_seen(both, fastai):
    pair = both(lambda learn: learn.fit(2, .02), BasicOptim, partial(fastai.SGD, wd=1e-3))
    assert not same_state(*pair)

# Loaders

def loaders(fastai):
    from torch.utils.data import DataLoader, TensorDataset
    ours = TensorDataLoader(x, y, 32)
    theirs = DataLoader(TensorDataset(x, y), 32)
    dl = fastai.DataLoader(list(zip(x, y)), bs=32, device='cpu')
    return dict(ours=(ours, ours), PyTorch=[theirs, theirs], lists=([*ours], [*ours]),
                fastai=fastai.DataLoaders(dl, dl))

@pytest.mark.parametrize('kind', ['ours', 'PyTorch', 'lists', 'fastai'])
def test_loaders(kind, fastai):
    torch.manual_seed(0)
    learn = Learner(loaders(fastai)[kind], nn.Linear(12,3), F.cross_entropy, metrics=accuracy)
    learn.logger = noop
    learn.fit_one_cycle(2, .5)
    learn.lr_find(num_it=5, show_plot=False)
    assert len(learn.recorder.losses) == 20 and learn.get_preds()[0].shape == (300,3)
    torch.manual_seed(0)
    again = Learner([TensorDataLoader(x, y, 32)]*2, nn.Linear(12,3), F.cross_entropy)
    again.logger = noop
    again.fit_one_cycle(2, .5)
    assert same(weights_of(learn.model), weights_of(again.model))

def test_without_validation():
    for dls in Loaders([a_batch()]),([a_batch()], None):
        learn = Learner(dls, nn.Linear(1,1), metrics=batch_accuracy)
        learn.logger = noop
        learn.fit(2)
        assert [len(row) for row in learn.recorder.values] == [1, 1]

@pytest.mark.parametrize('n_out', [1, 10])
def test_show_results(n_out):
    images,labels = torch.rand(20,1,28,28),torch.arange(20) % 2
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, n_out))
    model[1].weight.data.zero_()
    model[1].bias.data = -ones(1) if n_out==1 else torch.arange(10.)
    targets = labels[:,None] if n_out==1 else labels
    loss_func = mnist_loss if n_out==1 else F.cross_entropy
    learn = Learner([TensorDataLoader(images, targets, 16)]*2, model, loss_func)
    learn.show_results(5, 'abcdefghij')
    titles = [ax.get_title() for ax in plt.gcf().axes[:5]]
    says = 'a' if n_out==1 else 'j'
    assert titles == [f'{"ab"[i%2]}, says {says}' for i in range(5)]
    plt.close('all')

class Reader(nn.Module):
    "Its scores for an image are that image's first pixels"
    def __init__(self, n): super().__init__(); self.n = n
    def forward(self, x): return x.flatten(1)[:,:self.n]

def test_show_results_by_default():
    images = torch.rand(20,28,28)
    images[:,0,:10] = F.one_hot(torch.arange(20)*3 % 10, 10)
    labels = torch.arange(20) % 10
    axs = Learner([[(images, labels)]]*2, Reader(10), F.cross_entropy).show_results()
    assert [ax.get_title() for ax in axs] == [f'{i%10}, says {i*3%10}' for i in range(9)]
    for ax,im in zip(axs, images): assert np.array_equal(ax.images[0].get_array(), im)
    assert tuple(axs[0].figure.get_size_inches()) == pytest.approx((9*1.2, 1.2*1.3))
    images[:3,0,0] = torch.tensor([-.1, 0., .1])
    learn = Learner([[(images[:3], labels[:3,None] % 2)]]*2, Reader(1))
    titles = [ax.get_title() for ax in learn.show_results()]
    assert titles == ['0, says 0', '1, says 0', '0, says 1']
    plt.close('all')

def test_results_of_two_scores_in_a_new_order_each_time():
    images,labels = torch.rand(20,28,28),torch.arange(20) % 2
    images[:,0,:2] = F.one_hot(labels, 2)
    torch.manual_seed(0)
    valid = TensorDataLoader(images, labels, 16, shuffle=True)
    axs = Learner([valid]*2, Reader(2), F.cross_entropy).show_results()
    assert {ax.get_title() for ax in axs} == {'0, says 0', '1, says 1'}
    plt.close('all')

# Events

outer = 'fit', 'epoch', 'train', 'validate', 'batch'
in_training = 'zero_grad', 'predict', 'get_loss', 'backward', 'step'
in_validation = 'predict', 'get_loss'
exceptions = dict(fit=CancelFitException, epoch=CancelEpochException, train=CancelTrainException,
                  validate=CancelValidException, batch=CancelBatchException)

def walk(epochs, batches, stop_at=None, k=0, stop=None):
    "The events of a plain loop, in which `stop` is raised the k-th time that event `stop_at` comes"
    seen = []
    def say(event):
        seen.append(event)
        if stop and event==stop_at and seen.count(event)==k+1: raise stop
    def place(name, inside):
        try:
            say(f'before_{name}')
            inside()
        except exceptions.get(name, ()): pass
        if name != 'fit': say(f'after_{name}')
    def each(names, inside):
        return lambda: [place(name, inside) for name in names]
    def part(name, n, places): place(name, each(['batch']*n, each(places, lambda: None)))
    def epoch():
        part('train', batches, in_training)
        part('validate', 1, in_validation)
    try:
        try: place('fit', each(['epoch']*epochs, epoch))
        finally: say('after_fit')
    except BaseException as e: return seen,type(e)
    return seen,None

every_event = [f'{when}_{name}' for name in (*outer, *in_training) for when in ('before', 'after')]
raised = st.sampled_from([None, *exceptions.values(), KeyboardInterrupt, RuntimeError])

@cases(400)
@given(st.integers(1, 3), st.integers(1, 3), st.sampled_from(every_event), st.integers(0, 12),
       raised)
def test_events(epochs, batches, event, k, stop):
    wanted,error = walk(epochs, batches, event, k, stop)
    seen,spy = [],Callback()
    def note(e):
        seen.append(e)
        if stop and e==event and seen.count(e)==k+1: raise stop
    for e in every_event: setattr(spy, e, partial(note, e))
    learn = a_learner(batches, cbs=spy)
    if error is KeyboardInterrupt and event != 'after_fit': error = None  # `fit` ends in peace
    try: quiet(learn.fit, epochs)
    except BaseException as e: assert type(e) is error
    else: assert error is None
    assert seen == wanted and learn.cbs == [learn.recorder, spy]

def test_order_of_callbacks():
    said = []
    def speaker(name, order):
        def around(learn, do):
            said.append(f'{name} in')
            do()
            said.append(f'{name} out')
        return callback(order, before_step=lambda learn: said.append(f'{name} before'), step=around)
    a_learner(1, cbs=[speaker('b', 1), speaker('c', 1), speaker('a', -1)]).fit(1)
    assert said == ['a before', 'b before', 'c before', 'a in', 'b in', 'c in',
                    'c out', 'b out', 'a out']

def test_the_recorder_comes_first():
    steps = []
    def note(learn): steps.append(len(learn.recorder.losses))
    a_learner(3, cbs=callback(after_step=note)).fit(1)
    assert steps == [1, 2, 3]

def test_callbacks_of_one_fit():
    calls = []
    cb = callback(after_fit=lambda learn: calls.append(learn))
    learn = a_learner()
    learn.fit(1, cbs=cb)
    learn.fit(1, cbs=[cb])
    learn.fit_one_cycle(1, cbs=cb)
    learn.fit(1)
    assert calls == [learn]*3 and learn.cbs == [learn.recorder]

def test_what_is_no_method_is_no_callback():
    cb = Callback()
    cb.step,cb.epoch,cb.after_batch = 3,None,'a note'  # as a reader may call an attribute
    a_learner(cbs=cb).fit(1)

# Taking over

@pytest.mark.parametrize('place', [*outer, *in_training])
def test_a_place_left_out(place):
    seen = []
    skip = callback(**{place: lambda learn, do: None})
    spy = callback(**{f'after_{p}': lambda learn, p=p: seen.append(p)
                      for p in (*outer, *in_training)})
    learn = a_learner(1, opt_func=torch.optim.SGD, cbs=[skip, spy])
    if place in in_validation:  # then nothing is there for the next place
        with pytest.raises(Exception): learn.fit(1)
        return
    before = weights_of(learn.model)
    learn.fit(1)
    assert place in seen and not same(before, weights_of(learn.model)) == (
        place not in ('fit', 'epoch', 'train', 'batch', 'backward', 'step'))

def test_a_place_twice():
    once = nn.Linear(1,1)
    twice = copy.deepcopy(once)
    def again(learn, do):
        do()
        do()
    a_learner(2, model=twice, cbs=callback(train=again)).fit(1)
    a_learner(4, model=once).fit(1)
    assert same(weights_of(once), weights_of(twice))

def test_a_place_of_ones_own():
    learn = a_learner(2, opt_func=partial(torch.optim.SGD, momentum=.9), lr=.1)
    before = weights_of(learn.model)
    def downhill(learn, do):
        with torch.no_grad():
            for p in learn.model.parameters(): p -= 1
    learn.fit(1, cbs=callback(step=downhill))
    assert all(torch.equal(p, b-2) for p,b in zip(learn.model.parameters(), before))

def test_predict_and_loss_in_training_and_validation():
    calls = []
    def predict(learn, do):
        learn.pred = learn.model(learn.xb)*0 + 5
        calls.append(learn.training)
    def get_loss(learn, do): learn.loss = (learn.pred - 2).mean()
    learn = a_learner(1, metrics=lambda preds,targets: preds.mean())
    learn.fit(1, cbs=callback(predict=predict, get_loss=get_loss))
    assert calls == [True, False] and learn.recorder.values == [[3, 3, 5]]

def test_accumulation_equals_the_large_batch():
    class Accumulate(Callback):
        def zero_grad(self, do):
            if self.learn.iter % 3 == 0: do()
        def backward(self, do):
            self.learn.loss = self.learn.loss/3
            do()
        def step(self, do):
            if self.learn.iter % 3 == 2: do()
    def trained(bs, cbs=None):
        torch.manual_seed(0)
        dls = TensorDataLoader(x, y, bs),None
        learn = Learner(dls, nn.Linear(12,3), F.cross_entropy, cbs=cbs)
        learn.logger = noop
        learn.fit(2, .1)
        return weights_of(learn.model)
    assert all(close(*pair) for pair in zip(trained(30), trained(10, Accumulate())))

def test_steps_taken_by_a_scaler():
    # A scaler of powers of 2 changes nothing in float32, where it divides as it multiplied
    scaler = torch.amp.GradScaler('cpu', init_scale=2.**10)
    def step(learn, do):
        scaler.step(learn.opt)
        scaler.update()
    scaled = callback(backward=lambda learn, do: scaler.scale(learn.loss).backward(), step=step)
    def trained(cbs=None):
        torch.manual_seed(0)
        learn = a_learner(opt_func=torch.optim.SGD, lr=.1, cbs=cbs)
        learn.fit(3)
        return weights_of(learn.model)
    assert same(trained(), trained(scaled))

# Leaving all as it was

def with_dropout():
    return nn.Sequential(nn.Linear(1,4), nn.BatchNorm1d(4), nn.Dropout(.5), nn.Linear(4,1))

def modes(model): return [m.training for m in model.modules()]

in_a_batch = 'before_batch', 'after_predict', 'after_get_loss', 'before_step', 'after_batch'

@pytest.mark.parametrize('event', in_a_batch)
def test_validating_in_mid_epoch_changes_nothing(event):
    def trained(cbs=None):
        torch.manual_seed(0)
        learn = a_learner(4, model=with_dropout(), cbs=cbs)
        learn.fit(2, .1)
        return weights_of(learn.model),learn.recorder.values
    states = []
    def validate(learn):
        if not learn.training: return
        def state():
            now = learn.xb,learn.yb,learn.pred,learn.loss,learn.iter,learn.dl,learn.training
            return [id(v) for v in now],modes(learn.model),torch.is_grad_enabled()
        before = state()
        learn.validate()
        learn.get_preds()
        states.append(state() == before)
    weights,values = trained()
    again,values_too = trained(callback(**{event: validate}))
    assert same(weights, again) and values == values_too and states == [True]*8

def test_validation_needs_no_gradients():
    learn,grads = a_learner(),[]
    learn.fit(1, cbs=callback(after_predict=lambda learn: grads.append(learn.pred.requires_grad)))
    assert grads == [True, True, False] and not learn.get_preds()[0].requires_grad

def test_validating_another_set_in_mid_validation():
    # Also where it has other rows: each gets its own figures
    def look(learn): assert learn.validate([a_batch(7)])[1] == 7.
    def rows(preds, targets): return len(preds)
    for event in 'before_validate', 'after_batch', 'after_validate':
        learn = a_learner(n_valid=5, metrics=rows)
        whole = learn.validate()
        def nested(learn):
            if not learn.training and learn.dl is learn.dls.valid: look(learn)
        learn.cbs.append(callback(**{event: nested}))
        assert learn.validate() == whole and whole[1] == 10.
        assert len(learn.get_preds()[0]) == 10

def test_dropout_is_on_after_validating_in_mid_epoch():
    seen = []
    def validate(learn): learn.validate()
    def note(learn): seen.append((learn.training, set(modes(learn.model))))
    cbs = callback(after_step=validate, before_predict=note)
    a_learner(3, model=with_dropout(), cbs=cbs).fit(1)
    assert seen == [(True, {True}), (False, {False})]*3 + [(False, {False})]

@pytest.mark.parametrize('training', [True, False])
def test_modes_are_restored(training):
    model = with_dropout().train(training)
    model[1].train(not training)  # each module has its own
    before,learn = modes(model),a_learner(model=model)
    def fit(): learn.fit(1)
    def find(): learn.lr_find(num_it=2, show_plot=False)
    for call in learn.validate,learn.get_preds,fit,find:
        call()
        assert modes(model) == before and torch.is_grad_enabled()
    learn.cbs.append(callback(after_predict=stop(RuntimeError)))
    for call in learn.validate,fit:
        with pytest.raises(RuntimeError): call()
        assert modes(model) == before and torch.is_grad_enabled()

def test_what_was_frozen_stays_frozen():
    def freeze(learn): learn.model[1].eval()
    def validate(learn): learn.validate()
    seen = []
    a_learner(2, model=with_dropout(), cbs=callback(before_train=freeze, after_step=validate,
        before_backward=lambda learn: seen.append(modes(learn.model)))).fit(1)
    assert seen == [[True, True, False, True, True]]*2

def test_old_gradients_play_no_part():
    def trained(stale):
        torch.manual_seed(0)
        learn = a_learner()
        if stale:
            for p in learn.model.parameters(): p.grad = torch.full_like(p, 9.)
        learn.fit(1, .1)
        return weights_of(learn.model)
    assert same(trained(False), trained(True))

# The optimizer's settings

def two_groups(opt_class, slow=0):
    "An optimizer with one of two groups at a tenth of the rate"
    def make(params, lr):
        groups = [dict(params=[p]) for p in params]
        groups[slow]['lr'] = lr/10
        return opt_class(groups, lr=lr)
    return make

@pytest.mark.parametrize('slow', [0, 1])
def test_groups_keep_their_proportions(slow):
    for opt_class in torch.optim.SGD,torch.optim.Adam:
        learn = a_learner(opt_func=two_groups(opt_class, slow), lr=.5)
        rates = []
        def note(learn): rates.append(sorted(g['lr'] for g in learn.opt.param_groups))
        learn.cbs.append(callback(after_step=note))
        learn.fit(1)
        assert close(rates, [[.05, .5]]*2, 1e-12) and learn.recorder.lrs == [.5]*2
        rates.clear()
        learn.fit_one_cycle(3, .2)
        assert close([a/b for a,b in rates], [.1]*6, 1e-9)
        assert [b for a,b in rates] == learn.recorder.lrs and .15 < max(learn.recorder.lrs) <= .2

def test_a_rate_of_0_keeps_them_too():
    learn = a_learner(4, opt_func=two_groups(torch.optim.SGD), lr=.5)
    learn.fit(1, cbs=ParamScheduler({'lr': lambda pct: 0. if pct<.5 else .5}))
    assert close([g['lr'] for g in learn.opt.param_groups], [.05, .5], 1e-12)
    assert close(learn.recorder.lrs, [0, 0, .5, .5], 1e-12)

def test_settings_of_all_families(fastai):
    p = nn.Linear(1,1).weight
    SGD = torch.optim.SGD
    ours,plain,with_momentum = BasicOptim([p], .1),SGD([p], .1),SGD([p], .1, .9)
    adam,theirs = torch.optim.Adam([p], .1),fastai.Adam([p], .1)
    wrapped = fastai.OptimWrapper([p], opt=torch.optim.Adam, lr=.1)
    for opt in ours,plain,with_momentum,adam,theirs,wrapped:
        assert get_lr(opt) == .1
        set_hyper(opt, 'lr', .3)
        set_hyper(opt, 'mom', .5)
        assert get_lr(opt) == .3
    assert ours.lr == .3 and vars(ours).keys() == {'params', 'lr'}
    for opt,mom in (plain, 0),(with_momentum, .5):
        assert (opt.param_groups[0]['lr'], opt.param_groups[0]['momentum']) == (.3, mom)
    assert (adam.param_groups[0]['lr'], adam.param_groups[0]['betas']) == (.3, (.5, .999))
    for opt in theirs,wrapped: assert (opt.hypers[0]['lr'], opt.hypers[0]['mom']) == (.3, .5)

def test_groups_of_fastai(fastai):
    model = nn.Sequential(nn.Linear(1,1), nn.Linear(1,1))
    def make(params, lr):
        opt = fastai.SGD([list(m.parameters()) for m in model], lr=lr)
        opt.hypers[0]['lr'] = lr/2
        return opt
    learn = a_learner(model=model, opt_func=make, lr=.5)
    learn.fit_one_cycle(1, .2)
    assert close(learn.opt.hypers[0]['lr']/learn.opt.hypers[1]['lr'], .5, 1e-9)

# What is recorded

def test_rows_of_the_recorder():
    def rows(**methods):
        learn = a_learner(cbs=callback(**methods), metrics=batch_accuracy)
        learn.fit(2)
        return [len(row) for row in learn.recorder.values]
    assert rows() == [3, 3]
    assert rows(before_validate=stop(CancelValidException)) == [1, 1]
    assert rows(before_train=stop(CancelTrainException)) == [2, 2]
    assert rows(before_epoch=stop(CancelEpochException)) == []
    assert rows(after_step=stop(CancelEpochException)) == []
    assert rows(after_train=stop(CancelFitException)) == []

@cases(60)
@given(st.integers(1, 150), st.integers(0, 149), st.sampled_from([math.nan, math.inf]))
def test_first_bad_step_is_named(n, k, bad):
    calls = iter(range(n+1))
    def loss_func(preds, targets): return preds.mean()*0 + (bad if next(calls)>=k else 0)
    learn = a_learner(n, loss_func=loss_func)
    if k >= n: return learn.fit(1)
    says = f'the loss became {bad} at batch {k}\\.'
    with pytest.raises(FloatingPointError, match=says): learn.fit(1)

def test_a_loss_of_any_shape_with_one_number():
    for shape in (), (1,), (1,1):
        learn = a_learner(loss_func=lambda preds,targets: preds.mean().view(shape))
        learn.fit(1)
        assert learn.recorder.losses[0].shape == () and len(learn.recorder.values[0]) == 2

def test_the_logger(capsys):
    learn = a_learner()
    learn.logger = print
    learn.fit(2)
    rows = [[i, *(round(v, 4) for v in row)] for i,row in enumerate(learn.recorder.values)]
    assert capsys.readouterr().out.splitlines() == [str(row) for row in rows]

# The finder

@cases(100)
@given(linear_case(), st.integers(1, 9), seeds, st.integers(1, 40),
       st.floats(1e-7, 1e-2), st.floats(2, 1e9))
def test_lr_find(case, bs, seed, num_it, start, times):
    learn,_ = linear_learner(case, bs, seed)
    found = []
    learn.cbs.append(callback(after_fit=lambda learn: found.append(learn.recorder)))
    advice = learn.lr_find(start, start*times, num_it, show_plot=False)
    lrs,losses = found[0].lrs,found[0].losses
    assert close(lrs, [start*times**(i/num_it) for i in range(len(lrs))], 1e-9)
    assert 1 <= len(lrs) <= num_it
    exploded = [not loss <= 4*min(losses[:i+1]) for i,loss in enumerate(losses)]
    assert not any(exploded[:-1]) and (exploded[-1] or len(lrs)==num_it)
    assert advice.minimum == lrs[min(range(len(losses)), key=losses.__getitem__)]/10

def test_lr_find_by_default():
    found = []
    learn = a_learner(loss_func=lambda preds,targets: preds.mean()*0,  # never explodes
                      cbs=callback(after_fit=lambda learn: found.append(learn.recorder.lrs)))
    assert learn.lr_find().minimum == pytest.approx(1e-8)  # the first of equals
    assert plt.get_fignums() != []
    plt.close('all')
    assert close(found[0], [1e-7*1e8**(i/100) for i in range(100)], 1e-9)
    assert learn.lr == .001 and a_learner(lr=.5).lr == .5

def test_lr_find_leaves_all_as_it_was():
    learn = a_learner(3, model=with_dropout(), opt_func=partial(torch.optim.SGD, momentum=.9))
    def find():
        "What the Learner is made of, before and after"
        def state():
            opt = learn.opt.state_dict() if learn.opt else dict(param_groups=[], state={})
            tensors = [*learn.model.state_dict().values(),
                       *(s['momentum_buffer'] for s in opt['state'].values()),
                       *(p.grad for p in learn.model.parameters() if p.grad is not None)]
            noted = {k: v for k,v in vars(learn.recorder).items() if k != 'learn'}
            return copy.deepcopy((tensors, opt['param_groups'], noted)),[*learn.cbs]
        before = state()
        learn.lr_find(num_it=7, show_plot=False)
        return before,state()
    ((tensors,*rest),cbs),((tensors_after,*rest_after),cbs_after) = find()  # before any training
    assert same(tensors, tensors_after) and rest == rest_after
    assert cbs == cbs_after and learn.opt is None
    learn.fit(2, .1)
    ((tensors,*rest),cbs),((tensors_after,*rest_after),cbs_after) = find()
    assert same(tensors, tensors_after) and rest == rest_after and cbs == cbs_after
    assert len(tensors) > 12 and len(rest[1]['losses']) == 6

@pytest.mark.parametrize('cb', [
    ParamScheduler({'lr': combined_cos(.25, .1, 1., .1)}),
    callback(zero_grad=lambda learn, do: learn.iter % 4 or do(),  # gradients of four batches
             step=lambda learn, do: len(learn.dl) and learn.iter % 4 < 3 or do())],
    ids=['schedule', 'accumulation'])
def test_lr_find_with_callbacks_that_ask_for_the_length(cb):
    found = []
    note = callback(after_fit=lambda learn: found.append(learn.recorder.lrs))
    a_learner(6, cbs=[cb, note]).lr_find(1e-3, 1., num_it=9, show_plot=False)
    assert close(found[0], [1e-3*1000**(i/9) for i in range(9)], 1e-9)

def test_lr_find_stops_at_nan():
    calls = iter(range(100))
    def loss_func(preds, targets): return preds.mean()*0 + (math.nan if next(calls)>=20 else 1.)
    steps = []
    def note(learn): steps.append(len(learn.recorder.losses))
    learn = a_learner(loss_func=loss_func, cbs=callback(after_fit=note))
    assert math.isfinite(learn.lr_find(show_plot=False).minimum) and steps == [21]

@pytest.mark.parametrize('losses,explodes', [
    ([2., 8.], False), ([2., 8.1], True), ([.5, 2.], False), ([.5, 2.1], True)])
def test_above_four_times_the_lowest_is_an_explosion(losses, explodes):
    finder,recorder = LRFinder(1e-3, 1., 9),Recorder()
    finder.learn,recorder.losses = SimpleNamespace(recorder=recorder),losses
    with pytest.raises(CancelFitException) if explodes else nullcontext(): finder.after_step()

def test_the_optimizer_of_lr_find_begins_at_its_first_rate():
    rates = []
    def make(params, lr):
        rates.append(lr)
        return BasicOptim(params, lr)
    a_learner(opt_func=make).lr_find(1e-2, 1., num_it=2, show_plot=False)
    assert rates == [1e-2]

def test_lr_find_draws():
    found = []
    learn = a_learner(cbs=callback(after_fit=lambda learn: found.append(learn.recorder)))
    learn.lr_find(1e-3, 1., num_it=9)
    ax = plt.gca()
    rates,losses = ax.lines[0].get_data()
    assert close(rates, [1e-3*1000**(i/9) for i in range(9)], 1e-9)
    assert close(losses, torch.stack(found[0].losses))
    assert (ax.get_xscale(), ax.get_yscale()) == ('log', 'linear')
    assert (ax.get_xlabel(), ax.get_ylabel()) == ('learning rate (log)', 'loss')
    assert tuple(ax.figure.get_size_inches()) == (6,3)
    plt.close('all')
    learn.lr_find(1e-3, 1., num_it=9, show_plot=False)
    assert plt.get_fignums() == []

def test_lr_find_with_callbacks_that_stop():
    in_training = [e for name,e in exceptions.items() if name != 'validate']
    for e in *in_training,KeyboardInterrupt:
        def after_third(learn):
            if len(learn.recorder.losses) > 2: raise e
        learn = a_learner(cbs=callback(before_step=after_third))
        assert quiet(learn.lr_find, num_it=8, show_plot=False).minimum > 0

# Interrupts

class InterruptAt:
    "In `with`, a KeyboardInterrupt comes instead of the k-th line of the package; `line` counts"
    def __init__(self, k): self.k,self.line,self.last = k,0,{}
    def __enter__(self):
        sys.settrace(self.trace)
        return self
    def __exit__(self, *args): sys.settrace(None)
    def trace(self, frame, event, arg):
        if 'chapter4_helpers' not in frame.f_code.co_filename: return None
        # One line may come several times in a row, as a loop in a line does
        if event=='line' and self.last.get(frame) != frame.f_lineno:
            self.last[frame] = frame.f_lineno
            self.line += 1
            if self.line == self.k: raise KeyboardInterrupt
        return self.trace

def test_an_interrupt_at_any_line(capsys):
    def run(k=0):
        torch.manual_seed(0)
        ends = callback(after_fit=lambda learn: ends.fits.append(1))
        ends.fits = []
        learn = a_learner(3, cbs=ends, metrics=batch_accuracy)
        with InterruptAt(k) as at:
            try: learn.fit(2, .1, cbs=Callback())
            except KeyboardInterrupt: through = True
            else: through = False
        return learn,ends,through,at.line
    whole,_,_,lines = run()
    assert lines > 300
    some = random.Random(0).sample(range(1, lines+1), 150)
    for k in sorted({*range(1, 20), *some, *range(lines-20, lines+1)}):
        learn,ends,through,_ = run(k)
        out = capsys.readouterr().out
        at = f'line {k} of {lines}'
        # It comes through only before the loop begins, and while `after_fit` is on its way
        if through:
            assert not getattr(learn.recorder, 'losses', []) or ends.fits or k > lines-20, at
        else: assert out.startswith('Interrupted in epoch ') and len(ends.fits) == 1, at
        assert learn.cbs == [learn.recorder, ends] or k==lines, at  # the last puts them back
        values = getattr(learn.recorder, 'values', [])
        assert values == whole.recorder.values[:len(values)], at
        learn.fit(1, .1)  # and training can go on
        assert len(learn.recorder.values) == 1 and len(learn.recorder.losses) == 3, at

def test_an_interrupt_says_where(capsys):
    def interrupt(learn):
        if learn.epoch == 2: raise KeyboardInterrupt
    learn = a_learner(cbs=callback(after_step=interrupt))
    learn.fit(5)
    assert capsys.readouterr().out == 'Interrupted in epoch 2\n' and len(learn.recorder.values) == 2
    a_learner(cbs=callback(before_fit=stop(KeyboardInterrupt))).fit(1)
    assert capsys.readouterr().out == 'Interrupted in epoch 0\n'

# Errors

class AtOnce(Callback):
    def before_step(self): raise KeyboardInterrupt

class Exhausted:
    "A loader that gives its batches once"
    def __init__(self): self.batches = iter([a_batch()])
    def __iter__(self): return self.batches

errors = {}
def error(name, kind, says, call):
    assert name not in errors
    errors[name] = kind,says,call

no_batch = 'the data loader gave no batch: is it empty, or a generator that was used up'
one_number = 'the loss must be a tensor with one number, .* got'
def fit_with(loss_func): a_learner(loss_func=loss_func).fit(1)
def find(learn, *args): learn.lr_find(*args, show_plot=False)

error('one loader', TypeError, 'need loaders, a pair .*; got TensorDataLoader and Linear',
      lambda: Learner(TensorDataLoader(x, y), nn.Linear(12,3)))
error('three loaders', TypeError, 'got tuple and Linear', lambda: Learner(([],)*3, nn.Linear(1,1)))
error('the wrong way round', TypeError, 'got Linear and list',
      lambda: Learner(nn.Linear(1,1), [[], []]))
error('no model', TypeError, 'an nn.Module; got Loaders and builtin_function',
      lambda: Learner(([], []), abs))
error('nothing to train with', ValueError, no_batch, lambda: a_learner(0).fit(1))
error('nothing to validate with', ValueError, no_batch, lambda: a_learner(n_valid=0).fit(1))
error('validate nothing', ValueError, no_batch, lambda: a_learner().validate([]))
error('predict nothing', ValueError, no_batch, lambda: a_learner().get_preds([]))
error('used up', ValueError, no_batch, lambda: Learner((Exhausted(), None), nn.Linear(1,1)).fit(2))
error('no rate', TypeError, 'an optimizer must have an attribute lr .*; got list',
      lambda: a_learner(opt_func=lambda params, lr: []).fit(1))
error('many losses', ValueError, rf'{one_number} shape \[2, 1\]', lambda: fit_with(lambda p,t: p))
error('no loss', ValueError, f'{one_number} float', lambda: fit_with(lambda p,t: 1.))
error('a constant loss', ValueError, 'depends on no parameter',
      lambda: fit_with(lambda p,t: p.detach().mean()))
error('find on nothing', ValueError, no_batch, lambda: find(a_learner(0)))
error('find without a step', ValueError, 'no step was taken, so there is no rate to suggest',
      lambda: find(a_learner(cbs=AtOnce())))
for n in 0, -1, 1.5, math.nan, '3', None:
    error(f'{n!r} epochs', ValueError, 'n_epoch must be a whole number from 1 up',
          lambda n=n: a_learner().fit(n, .1))
for lr in 0, -1., math.nan, math.inf:
    error(f'rate {lr}', ValueError, f'learning rate must be above 0 .*; got {lr}',
          lambda lr=lr: a_learner().fit(1, lr))
    error(f'one cycle at {lr}', ValueError, f'learning rate must be above 0 .*; got {lr}',
          lambda lr=lr: a_learner().fit_one_cycle(1, lr))
for args in (0.,1.,9), (1.,.1,9), (1e-7,math.nan,9), (1e-7,math.inf,9), (1e-7,10.,0):
    error(f'range {args}', ValueError, 'need 0 < start_lr < end_lr and num_it from 1; got',
          lambda args=args: LRFinder(*args))
    def run(args=args): return find(a_learner(), *args)
    error(f'find {args}', ValueError, 'need 0 < start_lr', run)

@pytest.mark.parametrize('name', errors)
def test_errors(name):
    kind,says,call = errors[name]
    with pytest.raises(kind, match=says): quiet(call)

def test_an_error_comes_through_and_all_is_tidied_up():
    ends = []
    for event in 'before_fit', 'after_step', 'before_validate', 'after_epoch':
        learn = a_learner(cbs=callback(after_fit=lambda learn: ends.append(event)))
        with pytest.raises(RuntimeError, match='oops'):
            learn.fit(1, cbs=callback(**{event: stop(RuntimeError('oops'))}))
        assert len(learn.cbs) == 2 and ends[-1] == event and torch.is_grad_enabled()
        learn.fit(1)
    oops = stop(RuntimeError('oops'))
    with pytest.raises(RuntimeError): learn.fit(1, cbs=callback(after_fit=oops))
    assert len(learn.cbs) == 2

def test_as_long_as_its_title_says():
    # From the exceptions to the end of the Learner; the notebook's title says 150
    text = Path(learner.__file__).read_text('utf-8')
    text = text[text.index('class CancelFit'):text.index('class ParamScheduler')]
    lines = [l for l in text.splitlines() if l.strip() and not l.lstrip().startswith('#')]
    assert 140 < len(lines) <= 150
