"The Learner: against SGD in NumPy, against fastai's, and what callbacks can do to it."
import copy, math
from functools import partial
from types import SimpleNamespace
import matplotlib.pyplot as plt, numpy as np, pytest, torch
import torch.nn.functional as F
from hypothesis import given, strategies as st
from torch import nn
from chapter4_helpers.learner import *
from chapter4_helpers.loss import batch_accuracy
from chapter4_helpers.minibatches import TensorDataLoader
from chapter4_helpers.optimizer import BasicOptim
from made_up import (
    Interrupted, as_numpy, cases, close, linear_case, loss_and_grads, moments, quiet, seeds)

pytestmark = pytest.mark.usefixtures('one_thread')

def noop(*args): pass
def ones(*size): return torch.ones(size)
def a_batch(rows=2): return ones(rows,1), ones(rows,1)
def silent(learn):
    learn.logger = noop
    return learn

def a_learner(n_train=2, n_valid=1, model=None, **kwargs):
    "A Learner with so many batches of two rows, which says nothing"
    loaders = [a_batch()]*n_train, [a_batch()]*n_valid
    return silent(Learner(loaders, model or nn.Linear(1,1), **kwargs))

def weights_of(model): return [p.detach().clone() for p in model.parameters()]
def same(xs, ys): return all(torch.equal(*pair) for pair in zip(xs, ys, strict=True))
def modes(model): return [m.training for m in model.modules()]

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
    torch.manual_seed(seed)
    dls = dl,TensorDataLoader(x, y, 4)
    return silent(Learner(dls, model, metrics=batch_accuracy, **kwargs)),orders

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

@cases(60)
@given(linear_case(), st.integers(1, 9), seeds, st.floats(1e-3, 5),
       st.sampled_from([(3,), (1,2), (1,1,1)]))
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

def schedule(n, lr, div, div_final, pct):
    return [cosine(lr/div, lr, i/n/pct) if i/n < pct else
            cosine(lr, lr/div_final, (i/n-pct)/(1-pct)) for i in range(n)]

@cases(60)
@given(linear_case(), st.integers(1, 9), seeds, st.floats(1e-3, 5), st.floats(2, 50),
       st.floats(2, 1e6), st.floats(0, 1))
def test_one_cycle(case, bs, seed, lr, div, div_final, pct):
    (w,b),settings = (t.numpy() for t in case[2:]),(lr, div, div_final, pct)
    learn,orders = linear_learner(case, bs, seed)
    learn.fit_one_cycle(3, *settings)
    rates = schedule(sum(map(len, orders)), *settings)
    smooth,w,b = plain_fit(sum(orders, []), rates, w, b)
    assert close(learn.recorder.lrs, rates, 1e-9) and close(learn.model.weight.T, w, 1e-9)

def test_one_cycle_by_default():
    moms = []
    note = callback(after_step=lambda learn: moms.append(learn.opt.param_groups[0]['momentum']))
    learn = a_learner(40, opt_func=partial(torch.optim.SGD, momentum=.5), cbs=note)
    learn.fit_one_cycle(1)
    wanted = pytest.approx(schedule(40, .001, 25, 1e5, .25), rel=1e-9, abs=0)
    assert learn.recorder.lrs == wanted
    assert moms == pytest.approx(schedule(40, .85, .85/.95, .85/.95, .25))

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

def one_cycle_to_the_bit(fastai, learn):
    "With fastai's functions, which round the place in the schedule to 32 bits"
    if isinstance(learn, fastai.Learner): return learn.fit_one_cycle(3, .02)
    cos = fastai.combined_cos
    scheds = dict(lr=cos(.25, .02/25, .02, .02/1e5), mom=cos(.25, .95, .85, .95))
    learn.fit(3, .02, cbs=ParamScheduler(scheds))

optimizers = {  # ours, and fastai's that does the same
    'SGD, ours': lambda fastai: (BasicOptim, fastai.SGD),
    "Adam, PyTorch's": lambda fastai: (torch.optim.Adam,
                                       partial(fastai.OptimWrapper, opt=torch.optim.Adam)),
    "Adam, fastai's": lambda fastai: (partial(fastai.Adam, wd=0.),)*2}

@pytest.mark.parametrize('name', optimizers)
def test_same_weights_as_fastai(name, fastai):
    def run(make, opt_func, train):
        torch.manual_seed(1)
        dl = TensorDataLoader(x[:200], y[:200], 32, shuffle=True)
        dls = fastai.DataLoaders(dl, TensorDataLoader(x[200:], y[200:], 64))
        kwargs = dict(loss_func=F.cross_entropy, opt_func=opt_func, metrics=accuracy)
        learn = make(dls, with_norm(), **kwargs)
        if make is Learner: train(silent(learn))
        else:
            with learn.no_bar(), learn.no_logging(): train(learn)
        return learn
    for train in partial(one_cycle_to_the_bit, fastai),lambda learn: learn.fit(2, .02):
        pairs = zip((Learner, fastai.Learner), optimizers[name](fastai))
        ours,theirs = (run(*pair, train) for pair in pairs)
        assert same(ours.model.state_dict().values(), theirs.model.state_dict().values())
        assert close(ours.recorder.values, [[*row] for row in theirs.recorder.values])
        assert close(torch.stack(ours.recorder.losses), torch.stack(theirs.recorder.losses))

# Loaders

def loaders(fastai):
    from torch.utils.data import DataLoader, TensorDataset
    ours = TensorDataLoader(x, y, 32)
    theirs = DataLoader(TensorDataset(x, y), 32)
    dl = fastai.DataLoader(list(zip(x, y)), bs=32, device='cpu')
    return ours,theirs,[*ours],dl

@pytest.mark.parametrize('kind', range(4), ids=['ours', 'PyTorch', 'lists', 'fastai'])
def test_loaders(kind, fastai):
    def trained(dl):
        torch.manual_seed(0)
        learn = silent(Learner([dl]*2, nn.Linear(12,3), F.cross_entropy, metrics=accuracy))
        learn.fit_one_cycle(2, .5)
        assert len(learn.recorder.losses) == 20 and learn.get_preds()[0].shape == (300,3)
        return weights_of(learn.model)
    assert same(trained(loaders(fastai)[kind]), trained(loaders(fastai)[0]))

@pytest.mark.parametrize('dls', [Loaders([a_batch()]), ([a_batch()], None)])
def test_without_validation(dls, capsys):
    learn = Learner(dls, nn.Linear(1,1), metrics=batch_accuracy)
    learn.fit(2)
    assert [len(row) for row in learn.recorder.values] == [1, 1]
    assert len(capsys.readouterr().out.splitlines()) == 2

class Reader(nn.Module):
    "Its scores for an image are that image's first pixels"
    def __init__(self, n): super().__init__(); self.n = n
    def forward(self, x): return x.flatten(1)[:,:self.n]

def test_show_results():
    images = torch.rand(20,28,28)
    images[:,0,:10] = F.one_hot(torch.arange(20)*3 % 10, 10)
    labels = torch.arange(20) % 10
    axs = Learner([[(images, labels)]]*2, Reader(10), F.cross_entropy).show_results()
    assert [ax.get_title() for ax in axs] == [f'{i%10}, says {i*3%10}' for i in range(9)]
    for ax,im in zip(axs, images): assert np.array_equal(ax.images[0].get_array(), im)
    images[:3,0,0] = torch.tensor([-.1, 0., .1])
    learn = Learner([[(images[:3], labels[:3,None] % 2)]]*2, Reader(1))
    titles = [ax.get_title() for ax in learn.show_results(2, 'ab')]
    assert titles == ['a, says a', 'b, says a']
    dl = TensorDataLoader(images, labels, 16, shuffle=True)  # a new order each time
    images[:,0,:10] = F.one_hot(labels, 10)
    axs = Learner([dl]*2, Reader(10), F.cross_entropy).show_results()
    assert {ax.get_title() for ax in axs} <= {f'{i}, says {i}' for i in range(10)}
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

@cases(300)
@given(st.integers(1, 3), st.integers(1, 3), st.sampled_from(every_event), st.integers(0, 12),
       raised)
def test_events(epochs, batches, event, k, stop):
    wanted,error = walk(epochs, batches, event, k, stop)
    seen,spy = [],Callback()
    spy.step,spy.epoch = 3,None  # as a reader may call an attribute
    def note(e):
        seen.append(e)
        if stop and e==event and seen.count(e)==k+1: raise stop
    for e in every_event: setattr(spy, e, partial(note, e))
    learn = a_learner(batches, cbs=spy)
    if error is KeyboardInterrupt and event != 'after_fit': error = None  # `fit` ends in peace
    try: quiet(learn.fit, epochs, cbs=Callback())
    except BaseException as e: assert type(e) is error
    else: assert error is None
    assert seen == wanted and learn.cbs == [learn.recorder, spy]
    assert learn.model.training and torch.is_grad_enabled()

def test_order_of_callbacks():
    said = []
    def speaker(name, order):
        def around(learn, do):
            said.append(f'{name} in')
            do()
            said.append(f'{name} out')
        return callback(order, before_step=lambda learn: said.append(f'{name} before'), step=around,
                        after_step=lambda learn: said.append(len(learn.recorder.losses)))
    a_learner(1, cbs=[speaker('b', 1), speaker('c', 1), speaker('a', -1)]).fit(1)
    assert said == ['a before', 'b before', 'c before', 'a in', 'b in', 'c in',
                    'c out', 'b out', 'a out', 1, 1, 1]  # the recorder comes first

def test_places_of_ones_own():
    calls = []
    def predict(learn, do):
        learn.pred = learn.model(learn.xb)*0 + 5
        calls.append((learn.training, learn.pred.requires_grad))
    def get_loss(learn, do): learn.loss = (learn.pred - 2).mean()
    def downhill(learn, do):
        with torch.no_grad():
            for p in learn.model.parameters(): p -= 1
    learn = a_learner(2, metrics=lambda preds,targets: preds.mean())
    before = weights_of(learn.model)
    learn.fit(1, cbs=callback(predict=predict, get_loss=get_loss, step=downhill))
    assert calls == [(True, True)]*2 + [(False, False)] and learn.recorder.values == [[3, 3, 5]]
    assert all(torch.equal(p, b-2) for p,b in zip(learn.model.parameters(), before))

# Leaving all as it was

def with_dropout():
    return nn.Sequential(nn.Linear(1,4), nn.BatchNorm1d(4), nn.Dropout(.5), nn.Linear(4,1))

@pytest.mark.parametrize('event', ['before_batch', 'after_get_loss', 'before_step', 'after_batch'])
def test_validating_in_mid_epoch_changes_nothing(event):
    def trained(cbs=None):
        torch.manual_seed(0)
        learn = a_learner(4, model=with_dropout(), cbs=cbs)
        learn.model[1].eval()  # frozen
        before = modes(learn.model)
        learn.fit(2, .1)
        assert modes(learn.model) == before
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

# The optimizer's settings

def two_groups(opt_class, slow):
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
        learn.fit(1, cbs=ParamScheduler({'lr': lambda pct: 0. if pct<.5 else .2}))
        assert close(learn.recorder.lrs, [0, .2], 1e-12) and close(rates[-1], [.02, .2], 1e-12)

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
    groups = [opt.param_groups[0] for opt in (plain, with_momentum, adam)]
    assert [g.get('momentum') for g in groups] == [0, .5, None]
    assert groups[2]['betas'] == (.5, .999)
    for opt in theirs,wrapped: assert (opt.hypers[0]['lr'], opt.hypers[0]['mom']) == (.3, .5)

# What is recorded

@pytest.mark.parametrize('event,exception,rows', [
    ('before_fit', None, [3, 3]), ('before_validate', CancelValidException, [1, 1]),
    ('before_train', CancelTrainException, [2, 2]), ('before_epoch', CancelEpochException, []),
    ('after_step', CancelEpochException, []), ('after_train', CancelFitException, [])])
def test_rows_of_the_recorder(event, exception, rows):
    cb = callback(**{event: stop(exception) if exception else noop})
    learn = a_learner(cbs=cb, metrics=batch_accuracy)
    learn.fit(2)
    assert [len(row) for row in learn.recorder.values] == rows

@pytest.mark.parametrize('k,bad,shape', [(0,math.nan,()), (3,math.inf,(1,)), (6,math.nan,(1,1))])
def test_first_bad_step_is_named(k, bad, shape):
    calls = iter(range(9))
    def loss_func(preds, targets):
        return (preds.mean()*0 + (bad if next(calls)>=k else 0)).view(shape)
    with pytest.raises(FloatingPointError, match=f'{bad} at batch {k}\\.'):
        a_learner(7, loss_func=loss_func).fit(1)

# The finder

@cases(60)
@given(linear_case(), st.integers(1, 9), seeds, st.integers(1, 40),
       st.floats(1e-7, 1e-2), st.floats(2, 1e9))
def test_lr_find(case, bs, seed, num_it, start, times):
    learn,_ = linear_learner(case, bs, seed)
    found = []
    learn.cbs.append(callback(after_fit=lambda learn: found.append(learn.recorder)))
    advice = learn.lr_find(start, start*times, num_it, show_plot=False)
    lrs,losses = found[0].lrs,found[0].losses
    assert close(lrs, [start*times**(i/num_it) for i in range(len(lrs))], 1e-9)
    assert 1 <= len(lrs) <= num_it and not plt.get_fignums()
    exploded = [not loss <= 4*min(losses[:i+1]) for i,loss in enumerate(losses)]
    assert not any(exploded[:-1]) and (exploded[-1] or len(lrs)==num_it)
    assert advice.minimum == lrs[min(range(len(losses)), key=losses.__getitem__)]/10

def test_lr_find_by_default():
    found = []
    learn = a_learner(loss_func=lambda preds,targets: preds.mean()*0,  # never explodes
                      cbs=callback(after_fit=lambda learn: found.append(learn.recorder)))
    assert learn.lr_find().minimum == pytest.approx(1e-8)  # the first of equals
    rates = [1e-7*1e8**(i/100) for i in range(100)]
    ax = plt.gca()
    assert close(found[0].lrs, rates, 1e-9) and close(ax.lines[0].get_xdata(), rates, 1e-9)
    assert close(ax.lines[0].get_ydata(), torch.stack(found[0].losses))
    assert (ax.get_xscale(), ax.get_yscale()) == ('log', 'linear')
    assert 'rate' in ax.get_xlabel() and 'loss' in ax.get_ylabel()
    plt.close('all')
    assert learn.lr == .001 and a_learner(lr=.5).lr == .5

def test_lr_find_leaves_all_as_it_was():
    learn = a_learner(3, model=with_dropout(), opt_func=partial(torch.optim.SGD, momentum=.9))
    def state():
        opt = learn.opt.state_dict() if learn.opt else dict(param_groups=[], state={})
        tensors = [*learn.model.state_dict().values(),
                   *(s['momentum_buffer'] for s in opt['state'].values()),
                   *(p.grad for p in learn.model.parameters() if p.grad is not None)]
        noted = {k: v for k,v in vars(learn.recorder).items() if k != 'learn'}
        return copy.deepcopy((tensors, (opt['param_groups'], noted))),[*learn.cbs]
    for train in noop,lambda: learn.fit(2, .1):
        train()
        (tensors,rest),cbs = state()
        learn.lr_find(num_it=7, show_plot=False)
        (tensors_after,rest_after),cbs_after = state()
        assert same(tensors, tensors_after) and (rest, cbs) == (rest_after, cbs_after)
    assert len(tensors) > 12 and len(rest[1]['losses']) == 6

@pytest.mark.parametrize('losses,n', [
    ([1., math.nan], 2), ([2., 8., 8., 8.], 4), ([2., 8.1, 2.], 2), ([.5, 2.1, 2.], 2)])
def test_lr_find_stops_above_four_times_the_lowest(losses, n):
    finder,recorder = LRFinder(1e-3, 1., 4),SimpleNamespace(losses=[])
    finder.learn = SimpleNamespace(recorder=recorder)
    with pytest.raises(CancelFitException):
        for loss in losses:
            recorder.losses.append(loss)
            finder.after_step()
    assert len(recorder.losses) == n

# Interrupts

def test_an_interrupt_at_any_line(capsys):
    def run(k=0):
        torch.manual_seed(0)
        ends = callback(after_fit=lambda learn: ends.fits.append(1))
        ends.fits = []
        learn = a_learner(3, cbs=ends, metrics=batch_accuracy)
        with Interrupted(k) as at:
            try: learn.fit(2, .1, cbs=Callback())
            except KeyboardInterrupt: through = True
            else: through = False
        return learn,ends,through,at.line
    whole,_,_,lines = run()
    assert lines > 300
    for k in moments(lines):
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
    assert 'epoch 2' in capsys.readouterr().out and len(learn.recorder.values) == 2
    learn.cbs = [callback(before_fit=stop(KeyboardInterrupt))]
    learn.fit(1)
    assert 'epoch 0' in capsys.readouterr().out

# Errors

at_once = callback(before_step=stop(KeyboardInterrupt))
def fit_with(loss_func): a_learner(loss_func=loss_func).fit(1)
def find(learn, *args): learn.lr_find(*args, show_plot=False)
def used_up():
    once = iter([a_batch()])
    Learner((once, None), nn.Linear(1,1)).fit(2)

@pytest.mark.parametrize('kind,says,call', [
    (TypeError, 'got TensorDataLoader', lambda: Learner(TensorDataLoader(x, y), nn.Linear(12,3))),
    (TypeError, 'got tuple', lambda: Learner(([],)*3, nn.Linear(1,1))),
    (TypeError, 'got Linear and list', lambda: Learner(nn.Linear(1,1), [[], []])),
    (TypeError, 'got Loaders and builtin', lambda: Learner(([], []), abs)),
    (ValueError, 'no batch', lambda: a_learner(0).fit(1)),
    (ValueError, 'no batch', lambda: a_learner(n_valid=0).fit(1)),
    (ValueError, 'no batch', lambda: a_learner().validate([])),
    (ValueError, 'no batch', lambda: a_learner().get_preds([])),
    (ValueError, 'no batch', used_up),
    (TypeError, 'attribute lr', lambda: a_learner(opt_func=lambda params, lr: []).fit(1)),
    (ValueError, r'shape \[2, 1\]', lambda: fit_with(lambda p,t: p)),
    (ValueError, 'no parameter', lambda: fit_with(lambda p,t: p.detach().mean())),
    (ValueError, 'no batch', lambda: find(a_learner(0))),
    (ValueError, 'no step', lambda: find(a_learner(cbs=at_once))),
    (ValueError, 'n_epoch', lambda: a_learner().fit(0, .1)),
    (ValueError, 'learning rate', lambda: a_learner(opt_func=torch.optim.SGD).fit(1, 0)),
    (ValueError, 'learning rate', lambda: a_learner().fit_one_cycle(1, -1.)),
    (ValueError, 'start_lr', lambda: find(a_learner(), 1., .1, 9))])
def test_errors(kind, says, call):
    with pytest.raises(kind, match=says): quiet(call)
