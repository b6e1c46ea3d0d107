"""The helpers against plain NumPy and scalar loops, on thousands of made-up inputs, and every error they document.

The inputs are the same in each run. `CASES=5000 pytest tests/test_properties.py` tries that many new ones in each test."""
import ast, io, math, os, tempfile
from contextlib import redirect_stdout
from functools import cache
from itertools import pairwise
from pathlib import Path
import numpy as np, pytest, torch
from hypothesis import given, settings, strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from torch import nn
import chapter4_helpers
from chapter4_helpers import data
from chapter4_helpers.all import *
from chapter4_helpers.learner import Callback, CancelFitException, Learner, LRFinder, combined_cos

set_hypothesis_home_dir(tempfile.mkdtemp())
def cases(n):
    "Try a test with `n` inputs, or as many as the environment asks for"
    return settings(max_examples=int(os.environ.get('CASES', n)), derandomize='CASES' not in os.environ, database=None, deadline=None)

pytestmark = pytest.mark.usefixtures('one_thread')

seeds = st.integers(0, 2**32-1)
floats = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
whole = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]
tolerance = {torch.float16: 4e-3, torch.bfloat16: 3e-2, torch.float32: 1e-5, torch.float64: 1e-12}

def close(a, b, tol=1e-5):
    "Are `a` and `b` of one shape, and nowhere further apart than `tol`, times their size where that is above 1?"
    a,b = (np.asarray(v.detach().double() if isinstance(v, torch.Tensor) else v, dtype=float) for v in (a,b))
    return a.shape==b.shape and bool(np.all(np.abs(a-b) <= tol*np.maximum(1, np.abs(b))))

def quiet(f, *args, **kwargs):
    with redirect_stdout(io.StringIO()): return f(*args, **kwargs)

# Loss and metric

def sigmoid_of(x): return 1/(1+math.exp(-x)) if x > -700 else 0.
def loss_of(scores, targets): return sum(1-sigmoid_of(s) if t else sigmoid_of(s) for s,t in zip(scores, targets))/len(scores)

@st.composite
def scored(draw, dtypes=floats):
    "Scores and targets, of one shape, any layout in memory and any dtype"
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    n = math.prod(shape)
    scores = draw(st.lists(st.floats(-80, 80, width=16) | st.sampled_from([0., -0., 1e-4, 6e4, -6e4]), min_size=n, max_size=n))
    targets = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    scores,targets = (torch.tensor(v).view(shape) for v in (scores, targets))
    scores,targets = scores.to(draw(st.sampled_from(dtypes))),targets.to(draw(st.sampled_from(whole+floats)))
    if draw(st.booleans()): scores = scores.T.contiguous().T if scores.ndim==2 else scores.flip(0)
    if draw(st.booleans()): targets = torch.stack([targets, targets], -1)[...,0]
    return scores,targets

@cases(400)
@given(scored())
def test_mnist_loss(pair):
    scores,targets = pair
    loss = mnist_loss(scores, targets)
    assert loss.shape==() and loss.dtype==scores.dtype and 0 <= loss <= 1
    assert close(loss, loss_of(scores.flatten().tolist(), targets.flatten().tolist()), tolerance[scores.dtype])

@cases(400)
@given(scored())
def test_batch_accuracy(pair):
    scores,targets = pair
    right = [(s>0)==t for s,t in zip(scores.flatten().tolist(), targets.flatten().tolist())]
    assert close(batch_accuracy(scores, targets), sum(right)/len(right), 1e-6)

@cases(200)
@given(scored([torch.float64]))
def test_gradient_of_mnist_loss(pair):
    scores,targets = pair[0].clamp(-20, 20).requires_grad_(),pair[1].flatten().tolist()
    mnist_loss(scores, pair[1]).backward()
    flat,h = scores.flatten().tolist(),1e-5
    def moved(i, by): return loss_of([s+by*(i==j) for j,s in enumerate(flat)], targets)
    assert close(scores.grad.flatten(), [(moved(i,h)-moved(i,-h))/(2*h) for i in range(len(flat))], 1e-8)

@cases(200)
@given(scored(), st.data())
def test_only_zeros_and_ones_are_targets(pair, more):
    scores,targets = pair
    i = more.draw(st.integers(0, targets.numel()-1))
    bad = st.integers(2, 127) if targets.dtype in whole else st.floats(width=16).filter(lambda v: v not in (0,1))
    if targets.dtype != torch.bool:
        targets = targets.contiguous()
        targets.view(-1)[i] = more.draw(bad)
        for f in mnist_loss,batch_accuracy:
            with pytest.raises(ValueError, match='targets must be 0 or 1'): f(scores, targets)

shapes = st.lists(st.integers(1, 4), max_size=3).map(tuple)

@cases(200)
@given(shapes, shapes)
def test_shapes_must_agree(a, b):
    for f in mnist_loss,batch_accuracy:
        if a==b: assert 0 <= f(torch.zeros(a), torch.zeros(b)) <= 1
        else:
            with pytest.raises(ValueError, match='preds and targets must have the same shape'): f(torch.zeros(a), torch.zeros(b))

@cases(200)
@given(st.integers(0, 50) | st.lists(st.integers(0, 9), min_size=1, max_size=3).map(tuple), st.floats(0, 1e3), seeds)
def test_init_params(size, std, seed):
    torch.manual_seed(seed)
    p,following = init_params(size, std),torch.randn(1)
    torch.manual_seed(seed)
    assert torch.equal(p.detach(), torch.randn(size)*std) and torch.equal(following, torch.randn(1))
    assert p.dtype==torch.float32 and p.requires_grad and p.is_leaf and p.shape==torch.empty(size).shape

@cases(100)
@given(st.floats(1e-3, 1e3), seeds)
def test_init_params_is_normal(std, seed):
    torch.manual_seed(seed)
    z = np.sort(init_params(4000, std).detach().double().numpy()/std)
    share = [(1+math.erf(v/math.sqrt(2)))/2 for v in z]
    assert np.abs(share - (np.arange(4000)+.5)/4000).max() < .04  # chance goes beyond it in 1 of 100,000

@st.composite
def linear_case(draw, dtype=torch.float64):
    "Inputs, targets, weights and bias"
    n,k,gen = draw(st.integers(1, 12)),draw(st.integers(1, 6)),torch.Generator().manual_seed(draw(seeds))
    def randn(*size): return torch.randn(size, generator=gen, dtype=dtype)
    return randn(n,k), (randn(n,1) > 0).long(), randn(k,1), randn(1)

def loss_and_grads(x, y, w, b):
    "Of `mnist_loss` of a linear model, in NumPy: the loss, its gradients for `w` and for `b`"
    p = 1/(1+np.exp(-(x@w + b)))
    d = np.where(y==1, -1, 1)*p*(1-p)/len(x)
    return np.where(y==1, 1-p, p).mean(), x.T@d, d.sum(0)

@cases(200)
@given(linear_case())
def test_calc_grad(case):
    x,y,w,b = case
    params = w.clone().requires_grad_(),b.clone().requires_grad_()
    def model(xb): return linear(xb, *params)
    wanted = loss_and_grads(*(t.numpy() for t in case))
    for times in 1,2:  # the second time, gradients add up
        loss = calc_grad(x, y, model)
        assert not loss.requires_grad and close(loss, wanted[0], 1e-12)
        assert all(close(p.grad, times*g, 1e-12) for p,g in zip(params, wanted[1:]))
    h = 1e-5
    def moved(i, by): return loss_and_grads(x.numpy(), y.numpy(), w.numpy() + by*(np.arange(len(w))==i)[:,None], b.numpy())[0]
    assert close(params[0].grad[:,0]/2, [(moved(i,h)-moved(i,-h))/(2*h) for i in range(len(w))], 1e-8)

# Data loader

dtypes = [np.bool_, np.uint8, np.uint16, np.uint32, np.uint64, np.int8, np.int16, np.int32, np.int64,
          np.float16, np.float32, np.float64, np.complex64, np.complex128]

@st.composite
def table(draw):
    "A tensor, array or memory map, and the same as an array"
    n,shape,dtype = draw(st.integers(1, 40)),draw(st.lists(st.integers(0, 4), max_size=3)),draw(st.sampled_from(dtypes))
    a = np.random.default_rng(draw(seeds)).integers(0, 100, (n,*shape)).astype(dtype)
    kind = draw(st.sampled_from(['tensor', 'array', 'memmap', 'strided tensor', 'strided array']))
    if kind=='memmap' and a.size:
        path = Path(tempfile.mkdtemp(dir=folder), 'a')
        a.tofile(path)
        return np.memmap(path, dtype, draw(st.sampled_from(['r', 'r+', 'c'])), shape=a.shape),a
    if kind=='strided tensor': return torch.from_numpy(np.repeat(a, 2, 0))[::2],a
    if kind=='strided array': return np.asfortranarray(a[::-1])[::-1],a
    return (torch.from_numpy(a) if kind=='tensor' else a),a

@pytest.fixture(scope='module', autouse=True)
def make_folder(tmp_path_factory):
    global folder
    folder = tmp_path_factory.mktemp('maps')

def same(t, a): return t.shape==a.shape and t.numpy().dtype==a.dtype and t.numpy().tobytes()==a.tobytes()

@cases(800)
@given(table(), st.integers(1, 45), st.booleans(), seeds, st.booleans())
def test_each_row_exactly_once(given_x, bs, shuffle, seed, swap):
    # The targets count the rows, so they say where each row of a batch came from
    (x,a),n = given_x,len(given_x[1])
    for rows in np.arange(n),torch.arange(n):
        dl = TensorDataLoader(*((rows,x) if swap else (x,rows)), bs=bs, shuffle=shuffle)
        def epoch(): return [b[::-1] if swap else b for b in dl]
        torch.manual_seed(seed)
        first,second = epoch(),epoch()
        for batches in first,second:
            came = torch.cat([yb for _,yb in batches]).tolist()
            assert sorted(came) == list(range(n)) and (shuffle or came == list(range(n)))
            assert [len(xb) for xb,_ in batches] == [len(yb) for _,yb in batches] == [min(bs, n-i) for i in range(0, n, bs)]
            assert all(same(xb, a[yb.numpy()]) for xb,yb in batches)
        assert len(dl) == len(first)
        torch.manual_seed(seed)
        for again,before in (epoch(), first),(epoch(), second):
            assert all(torch.equal(u,v) for b1,b2 in zip(again, before) for u,v in zip(b1,b2))

@cases(200)
@given(table(), st.integers(1, 9), st.booleans())
def test_batches_of_arrays_are_copies(given_x, bs, shuffle):
    x,a = given_x
    if isinstance(x, np.ndarray):
        for xb,_ in TensorDataLoader(x, np.arange(len(x)), bs, shuffle): xb.zero_()
        assert np.array_equal(x, a)

@cases(100)
@given(st.integers(25, 200), st.integers(1, 30), seeds, st.booleans())
def test_orders_differ(n, bs, seed, array):
    rows = np.arange(n) if array else torch.arange(n)
    def order(): return torch.cat([yb for _,yb in dl]).tolist()
    dl = TensorDataLoader(rows, rows, bs, shuffle=True)
    torch.manual_seed(seed)
    orders = [order() for _ in range(3)]
    assert len({tuple(o) for o in [*orders, range(n)]}) == 4
    one,other = iter(dl),iter(dl)  # two epochs at once do not disturb each other
    both = list(zip(one, other))
    assert all(sorted(torch.cat([b[i][1] for b in both]).tolist()) == list(range(n)) for i in (0,1))

def test_every_order_is_as_likely():
    torch.manual_seed(0)
    dl = TensorDataLoader(torch.arange(4), torch.arange(4), 3, shuffle=True)
    orders,counts = np.unique([''.join(str(int(v)) for xb,_ in dl for v in xb) for _ in range(4800)], return_counts=True)
    assert len(orders)==24 and ((counts-200)**2/200).sum() < 60  # chance goes beyond it in 1 of 30,000

@cases(100)
@given(table(), st.integers(1, 45), st.booleans(), st.none() | st.integers(1, 9), st.none() | st.booleans())
def test_new_loader(given_x, bs, shuffle, new_bs, new_shuffle):
    x,_ = given_x
    dl = TensorDataLoader(x, x, bs, shuffle)
    new = dl.new(bs=new_bs, shuffle=new_shuffle)
    assert (new.bs, new.shuffle) == (new_bs or bs, shuffle if new_shuffle is None else new_shuffle)
    assert new.x is x and (dl.bs, dl.shuffle) == (bs, shuffle)
    assert len(dl.one_batch()[0]) == min(bs, len(x))

def test_device():
    dl = TensorDataLoader(np.zeros((5,2), 'f4'), torch.zeros(5), 2, shuffle=True, device='meta')
    assert {t.device.type for b in dl for t in b} == {t.device.type for t in dl.new(bs=3).one_batch()} == {'meta'}
    assert {t.device.type for b in dl.to('cpu') for t in b} == {'cpu'}

# Validation

@st.composite
def cut(draw, n):
    "Places at which to cut `n` rows into batches"
    return [0, *sorted(draw(st.sets(st.integers(1, n-1)) if n>1 else st.just(set()))), n]

@cases(200)
@given(linear_case(torch.float32), st.data())
def test_validate_epoch(case, more):
    x,y,w,b = case
    at = more.draw(cut(len(x)))
    batches = [(x[i:j], y[i:j]) for i,j in pairwise(at)]
    w.requires_grad_()
    def model(xb): return linear(xb, w, b)
    right = [float((x[i]@w.detach())[0] + b[0] > 0) == y[i,0] for i in range(len(x))]
    result = validate_epoch(model, batches)
    assert type(result) is float and close(result, sum(right)/len(right), 1e-6)
    assert close(validate_epoch(model, batches, mnist_loss), loss_and_grads(*(t.detach().double().numpy() for t in case))[0])
    assert close(validate_epoch(model, batches, lambda preds,targets: preds.mean().item()), model(x).mean().item(), 1e-5)
    assert w.grad is None

@pytest.mark.parametrize('training', [True, False])
def test_validate_epoch_leaves_the_mode(training):
    model,seen = nn.Sequential(nn.Linear(2,1), nn.Dropout(.9)).train(training),[]
    batches = [(torch.ones(3,2), torch.ones(3,1))]
    def metric(preds, targets): seen.append((model.training, preds.requires_grad)); return preds.mean()
    def oops(preds, targets): raise RuntimeError('oops')
    validate_epoch(model, batches, metric)
    assert seen == [(False, False)] and {m.training for m in model.modules()} == {training}
    with pytest.raises(RuntimeError, match='oops'): validate_epoch(model, batches, oops)
    assert {m.training for m in model.modules()} == {training}

# Optimizer and training

@cases(200)
@given(st.lists(st.lists(st.integers(0, 4), max_size=3), min_size=1, max_size=4), st.sampled_from(floats[2:]), st.floats(1e-6, 1e3), st.integers(1, 5), seeds)
def test_basic_optim(shapes, dtype, lr, steps, seed):
    gen = torch.Generator().manual_seed(seed)
    def randn(shape): return torch.randn(shape, generator=gen, dtype=dtype)
    starts = [randn(s) for s in shapes]
    ours,theirs = ([p.clone().requires_grad_() for p in starts] for _ in range(2))
    opt,sgd,plain = BasicOptim(iter(ours), lr),torch.optim.SGD(theirs, lr),[p.double().numpy() for p in starts]
    for _ in range(steps):
        for i,(o,t) in enumerate(zip(ours, theirs)):
            o.grad = t.grad = g = randn(o.shape)
            plain[i] = plain[i] - lr*g.double().numpy()
        opt.step(); sgd.step()
        assert all(torch.equal(o,t) and close(o, p, steps*max(lr,1)*tolerance[dtype]) for o,t,p in zip(ours, theirs, plain))
        opt.zero_grad()
        assert [o.grad for o in ours] == [None]*len(ours) and all(p is o for p,o in zip(opt.params, ours))

def plain_epoch(batches, w, b, lr):
    "The mean loss of an epoch of SGD in NumPy, and the weights and bias after it"
    total = 0
    for x,y in batches:
        loss,dw,db = loss_and_grads(x, y, w, b)
        w,b,total = w-lr*dw, b-lr*db, total+loss*len(x)
    return total/sum(len(x) for x,_ in batches), w, b

def as_numpy(batches): return [tuple(t.double().numpy() for t in batch) for batch in batches]

@cases(200)
@given(linear_case(), st.data(), st.floats(1e-3, 10), st.booleans())
def test_train_epoch(case, more, lr, stale):
    x,y,w,b = case
    batches = [(x[i:j], y[i:j]) for i,j in pairwise(more.draw(cut(len(x))))]
    params = w.clone().requires_grad_(),b.clone().requires_grad_()
    def model(xb): return linear(xb, *params)
    if stale: calc_grad(x, y, model)  # plays no part
    loss = train_epoch(model, batches, BasicOptim(params, lr))
    wanted = plain_epoch(as_numpy(batches), w.numpy(), b.numpy(), lr)
    assert type(loss) is float and all(close(*pair, 1e-9) for pair in zip((loss,*params), wanted))

@cases(100)
@given(st.integers(1, 200), st.integers(0, 199), st.sampled_from([math.nan, math.inf, -math.inf]), st.sampled_from([(), (1,), (1,1)]))
def test_first_bad_batch_is_named(n, k, bad, shape):
    w,calls = torch.ones(1, requires_grad=True),iter(range(n))
    def loss_func(preds, targets): return (preds.mean() + (bad if next(calls)>=k else 0)).view(shape)
    batches = [(torch.ones(2), torch.ones(2))]*n
    def run(): return train_epoch(lambda xb: xb*w, batches, BasicOptim([w], 1e-3), loss_func)
    if k >= n: assert math.isfinite(run())
    else:
        with pytest.raises(FloatingPointError, match=f'the loss became {bad} at batch {k}\\. Try a learning rate ten times smaller'): run()

@cases(100)
@given(linear_case(), st.integers(1, 9), st.integers(1, 3), seeds)
def test_train_model(case, bs, epochs, seed):
    x,y,w,b = case
    params = w.clone().requires_grad_(),b.clone().requires_grad_()
    dl = TensorDataLoader(x, y, bs, shuffle=True)
    torch.manual_seed(seed)
    orders = [as_numpy(dl) for _ in range(epochs)]
    torch.manual_seed(seed)
    history = quiet(train_model, lambda xb: linear(xb, *params), dl, TensorDataLoader(x, y, 5), BasicOptim(params, .5), epochs, metric=mnist_loss)
    w,b = w.numpy(),b.numpy()
    for i,(order,h) in enumerate(zip(orders, history, strict=True)):
        loss,w,b = plain_epoch(order, w, b, .5)
        assert h.epoch==i and close((h.train_loss, h.metric), (loss, loss_and_grads(x.numpy(), y.numpy(), w, b)[0]), 1e-9) and h.seconds>0
    assert all(close(*pair, 1e-9) for pair in zip(params, (w,b)))

# The Learner

def module(w, b):
    model = nn.Linear(len(w), 1, dtype=w.dtype)
    model.weight.data,model.bias.data = w.T.clone(),b.clone()
    return model

def a_learner(case, bs, seed, **kwargs):
    "A Learner of a linear model, and the batches of its first three epochs after `seed`"
    x,y,w,b = case
    dl = TensorDataLoader(x, y, bs, shuffle=True)
    torch.manual_seed(seed)
    orders = [as_numpy(dl) for _ in range(3)]
    learn = Learner((dl, TensorDataLoader(x, y, 4)), module(w, b), metrics=[batch_accuracy], **kwargs)
    learn.logger = None
    torch.manual_seed(seed)
    return learn,orders

def plain_fit(batches, rates, w, b):
    "A scalar loop: the smoothed losses at each step, and the weights and bias at the end"
    smooth = []
    raw = []
    for (x,y),lr in zip(batches, rates, strict=True):
        loss,dw,db = loss_and_grads(x, y, w, b)
        w,b = w-lr*dw, b-lr*db
        raw.append(loss)
        weights = [.98**i for i in reversed(range(len(raw)))]
        smooth.append(sum(map(float.__mul__, weights, map(float, raw)))/sum(weights))
    return smooth,w,b

@cases(100)
@given(linear_case(), st.integers(1, 9), seeds, st.floats(1e-3, 5), st.lists(st.integers(1, 3), min_size=1, max_size=3).filter(lambda l: sum(l)==3))
def test_learner_fit(case, bs, seed, lr, epochs):
    x,y,w,b = (t.numpy() for t in case)
    learn,orders = a_learner(case, bs, seed, lr=lr)
    log = []
    learn.logger = log.append
    for n in epochs: learn.fit(n)
    _,w1,b1 = plain_fit(sum(orders, []), [lr]*sum(map(len, orders)), w, b)
    assert close(learn.model.weight.T, w1, 1e-9) and close(learn.model.bias, b1, 1e-9)
    recorder,last = learn.recorder,epochs[-1]
    w0,b0 = plain_fit(sum(orders[:3-last], []), [lr]*sum(map(len, orders[:3-last])), w, b)[1:]
    smooth = plain_fit(sum(orders[3-last:], []), [lr]*sum(map(len, orders[3-last:])), w0, b0)[0]
    assert close(torch.stack(recorder.losses), smooth, 1e-7) and recorder.lrs == [lr]*len(smooth) and len(recorder.values)==last
    right = np.mean(((x@w1 + b1) > 0) == y)
    assert close(recorder.values[-1], [smooth[-1], loss_and_grads(x, y, w1, b1)[0], right], 1e-6)
    preds,targets = learn.get_preds()
    assert close(preds, x@w1 + b1, 1e-9) and torch.equal(targets, case[1]) and learn.validate() == recorder.values[-1][1:]
    assert [line.split()[0] for line in log] == sum([['epoch', *map(str, range(n))] for n in epochs], [])

def cosine(a, b, pos): return a + (b-a)*(1-math.cos(math.pi*pos))/2

@cases(100)
@given(linear_case(), st.integers(1, 9), seeds, st.floats(1e-3, 5), st.floats(2, 50), st.floats(2, 1e6), st.floats(0, 1))
def test_learner_one_cycle(case, bs, seed, lr, div, div_final, pct):
    x,y,w,b = (t.numpy() for t in case)
    learn,orders = a_learner(case, bs, seed)
    learn.fit_one_cycle(3, lr, div, div_final, pct)
    n = sum(map(len, orders))
    rates = [cosine(lr/div, lr, i/n/pct) if i/n < pct else cosine(lr, lr/div_final, (i/n-pct)/(1-pct)) for i in range(n)]
    smooth,w,b = plain_fit(sum(orders, []), rates, w, b)
    assert close(learn.recorder.lrs, rates, 1e-12) and close(torch.stack(learn.recorder.losses), smooth, 1e-7)
    assert close(learn.model.weight.T, w, 1e-9) and len(learn.cbs)==2

@cases(100)
@given(linear_case(), st.integers(1, 9), seeds, st.integers(1, 40), st.floats(1e-7, 1e-2), st.floats(2, 1e9))
def test_learner_lr_find(case, bs, seed, num_it, start, times):
    learn,_ = a_learner(case, bs, seed)
    before = [p.detach().clone() for p in learn.model.parameters()]
    found = learn.lr_find(start, start*times, num_it, show_plot=False)
    lrs,losses = learn.recorder.lrs,learn.recorder.losses
    assert close(lrs, [start*times**(i/num_it) for i in range(len(lrs))], 1e-9) and 1 <= len(lrs) <= num_it
    assert len(lrs)==num_it or not losses[-1] <= 4*min(losses)
    assert found.minimum == lrs[min(range(len(losses)), key=losses.__getitem__)]/10
    assert all(torch.equal(*pair) for pair in zip(before, learn.model.parameters())) and learn.opt is None

events = ['before_fit', 'before_epoch', 'before_batch', 'before_step', 'after_step', 'after_epoch', 'after_fit']

@cases(200)
@given(st.integers(1, 3), st.integers(1, 4), st.sampled_from(events[:-1]), st.integers(0, 15), st.sampled_from([None, CancelFitException, KeyboardInterrupt, RuntimeError]))
def test_learner_events(epochs, batches, event, k, stop):
    # The k-th time that `event` comes, the fit is stopped: the events are those of a plain loop, up to there
    wanted = ['before_fit']
    for _ in range(epochs): wanted += ['before_epoch', *['before_batch', 'before_step', 'after_step']*batches, *['after_epoch'], *['before_batch']]
    at = [i for i,e in enumerate(wanted) if e==event]  # validation, of one batch, asks `before_batch` too
    if stop and k < len(at): wanted = wanted[:at[k]+1]
    else: stop = None
    seen,spy = [],Callback()
    def note(e):
        seen.append(e)
        if stop and e==event and seen.count(e)==k+1: raise stop
    for e in events: setattr(spy, e, lambda e=e: note(e))
    dl = [(torch.ones(2,1), torch.ones(2,1))]
    learn = Learner((dl*batches, dl), nn.Linear(1,1))
    learn.logger,own = None,list(learn.cbs)
    learn.cbs.insert(0, spy)
    try: quiet(learn.fit, epochs)
    except RuntimeError: assert stop is RuntimeError
    else: assert stop is not RuntimeError
    # The spy is asked first, so the recorder's validation comes after its `after_epoch`
    assert seen == [*wanted, 'after_fit'] and learn.cbs == [spy, *own]

@cases(300)
@given(st.floats(0, 1), st.floats(0, 1), *[st.floats(-1e3, 1e3)]*3)
def test_combined_cos(pct, pos, start, middle, end):
    f = combined_cos(pct, start, middle, end)
    assert close(f(pos), cosine(start, middle, pos/pct) if pos<pct else cosine(middle, end, (pos-pct)/(1-pct) if pct<1 else 0), 1e-9) if pct<1 or pos<1 else True

# The other helpers

@cases(200)
@given(shapes, *[st.integers(1, 5)]*2, st.sampled_from(floats), seeds)
def test_mnist_distance(shape, h, w, dtype, seed):
    gen = torch.Generator().manual_seed(seed)
    a,b = torch.randn(*shape, h, w, generator=gen).to(dtype),torch.randn(h, w, generator=gen).to(dtype)
    for pair in (a,b),(b,a):
        u,v = np.broadcast_arrays(*(t.double().numpy() for t in pair))
        assert close(mnist_distance(*pair), np.abs(u-v).mean((-1,-2)), tolerance[dtype]*4)

@cases(100)
@given(*[st.integers(1, 9)]*4, seeds)
def test_simple_net(n, n_in, n_hidden, n_out, seed):
    torch.manual_seed(seed)
    net,x = simple_net(n_in, n_hidden, n_out),torch.randn(n, n_in)
    w1,b1,w2,b2 = (p.detach().numpy() for p in net.parameters())
    assert close(net(x), np.maximum(x.numpy()@w1.T + b1, 0)@w2.T + b2)

@cases(200)
@given(st.lists(st.floats(-9, 9), min_size=1, max_size=4), st.floats(1e-3, 3), st.integers(1, 30))
def test_descend(start, lr, steps):
    start = torch.tensor(start, dtype=torch.float64)
    before,path = start.clone(),descend(lambda p: (p**2).sum(), start, lr, steps)
    x = start.tolist()
    for p,loss in path:
        assert close(p, x, 1e-6) and close(loss, sum(v*v for v in x), 1e-6) and not p.requires_grad
        x = [v - lr*2*v for v in x]
    assert len(path)==steps+1 and torch.equal(start, before)

@cases(200)
@given(st.lists(st.integers(0, 9), max_size=60), st.permutations(range(10)), st.integers(1, 10))
def test_rows_come_in_the_order_of_file_names(labels, digits, n):
    labels,digits = np.array(labels, np.uint8),digits[:n]
    wanted = [int(name[:-4]) for d in digits for name in sorted(f'{i}.png' for i,y in enumerate(labels) if y==d)]
    assert data._rows(labels, digits).tolist() == wanted

@cases(10)
@given(st.lists(st.integers(0, 9), min_size=1, unique=True))
def test_mnist(digits):
    x,y,valid_x,valid_y = (t.numpy() for t in mnist(digits))
    for xs,ys,all_x,all_y in (x,y,whole_set.train_x,whole_set.train_y),(valid_x,valid_y,whole_set.valid_x,whole_set.valid_y):
        assert ys.dtype==np.int64 and xs.dtype==np.uint8 and [d for i,d in enumerate(ys) if i==0 or ys[i-1]!=d] == digits
        for d in digits: assert sorted(map(bytes, xs[ys==d])) == sorted(map(bytes, all_x[all_y==d]))
whole_set = data._read_npz()

# Errors

def some_loader(n=4): return TensorDataLoader(torch.ones(n,2), torch.ones(n,1))
def a_model(): return nn.Linear(2,1)
def opt_of(model): return BasicOptim(model.parameters(), .1)
def no_gradient():
    opt_of(a_model()).step()
def damaged(change):
    path = Path(tempfile.mkdtemp(), 'mnist.npz')
    if change: path.write_bytes(change((Path(data.__file__).parent/'mnist.npz').read_bytes()))
    data._read_npz(path)
def a_folder(make):
    dest = Path(tempfile.mkdtemp())
    make(dest)
    mnist_folder(dest=dest)
def whole_but_more(dest):
    images = [(part, y[i], i) for part,y in (('train', whole_set.train_y), ('valid', whole_set.valid_y)) for i in np.flatnonzero((y==3)|(y==7))]
    for folder in 'train/3', 'train/7', 'valid/3', 'valid/7', 'train/5': (dest/folder).mkdir(parents=True)
    for part,y,i in images: (dest/part/str(y)/f'{i}.png').touch()
    (dest/'labels.csv').touch()
def train_to_nan():
    model = a_model()
    quiet(train_model, model, some_loader(), some_loader(), opt_of(model), 1, lambda p,t: p.mean()*torch.nan)
class AtOnce(Callback):
    "Interrupts before the first step"
    def before_step(self): raise KeyboardInterrupt
class Empty:
    "A loader without a batch, which notices when it is asked for ever"
    asked = 0
    def __len__(self): return 0
    def __iter__(self):
        self.asked += 1
        assert self.asked < 100, 'an endless loop'
        return iter([])

# What to call, which error comes, and what it says: what was expected, what came, what to do
errors = [
    (lambda: plot_steps('guess'), ValueError, 'the steps are initialize, predict, .*; got guess'),
    (lambda: damaged(None), FileNotFoundError, 'mnist.npz is missing. Install the package again: pip install'),
    (lambda: damaged(lambda raw: raw[:-1]), ValueError, 'mnist.npz is damaged: its 11,490,522 bytes .* Install the package again'),
    (lambda: damaged(lambda raw: raw[:5000] + bytes([raw[5000]^1]) + raw[5001:]), ValueError, 'is damaged: its 11,490,523 bytes'),
    *[(lambda d=d: f(d), ValueError, 'digits must be different whole numbers from 0 to 9, such as \\(3, 7\\); got')
      for f in (mnist, mnist_folder) for d in ((), (3,3), (3,10), (-1,), (3.,), '37', 3, None if f is mnist_folder else (None,))],
    (lambda: mnist_distance(torch.ones(2,2).byte(), torch.ones(2,2)), TypeError, 'needs float images, .*torch.uint8 .*call .float\\(\\) first'),
    (lambda: mnist_distance(torch.ones(2,2), torch.ones(2,2).long()), TypeError, 'needs float images, .*torch.int64'),
    (lambda: mnist_distance(torch.ones(3,4), torch.ones(4,3)), ValueError, 'same rows and columns; got shapes \\[3, 4\\] and \\[4, 3\\]'),
    (lambda: a_folder(lambda p: (p/'labels.csv').touch()), FileExistsError, 'is there, but 14,434 of its 14,435 files are missing .*Move or delete it'),
    (lambda: a_folder(whole_but_more), FileExistsError, 'also holds 5. Give another folder as `dest`'),
    (lambda: mnist_folder(dest=Path(__file__)/'data'/'mnist'), NotADirectoryError, 'could not write the image folder .*test_properties.py/data/mnist .*60 MB .*`dest` names another place'),
    (lambda: descend(torch.sum, torch.tensor(3), .1, 3), TypeError, 'params must be a float tensor, such as .*; got torch.int64'),
    (lambda: descend(torch.sum, 3., .1, 3), TypeError, 'params must be a float tensor, such as .*; got float'),
    *[(lambda lr=lr: descend(torch.sum, torch.tensor(3.), lr, 3), ValueError, f'lr must be above 0 and finite, such as 0.1; got {lr}') for lr in (0, -1., math.nan, math.inf)],
    *[(lambda n=n: descend(torch.sum, torch.tensor(3.), .1, n), ValueError, f'steps must be a whole number from 1 up; got {n}') for n in (0, -1, 1.5, math.nan, math.inf)],
    (lambda: descend(lambda p: p, torch.ones(2), .1, 3), ValueError, 'f must return a tensor with one number, .*; got shape \\[2\\]'),
    (lambda: descend(torch.Tensor.item, torch.tensor(3.), .1, 3), ValueError, 'f must return a tensor with one number, .*; got float'),
    (lambda: descend(torch.detach, torch.tensor(3.), .1, 3), ValueError, 'a loss without a gradient. It must compute it from its argument'),
    *[(lambda n=n: ladder(True, n), ValueError, f'seeds must be a whole number from 1; got {n}') for n in (0, -1, 1.5, math.nan, math.inf)],
    *[(lambda lo=lo, hi=hi: plot_function(abs, min=lo, max=hi), ValueError, f'min must be below max; got min={lo} and max={hi}. Swap them') for lo,hi in ((2,2), (2,-2), (math.nan,2))],
    (lambda: plot_function(torch.sum), ValueError, 'one y for each of 100 x values; got shape \\[\\]. Does it take a sum or a mean'),
    (lambda: linear(torch.ones(2,28,28), torch.ones(784,1), torch.ones(1)), ValueError, 'needs 784 numbers, one per weight; got shape \\[2, 28, 28\\]. Turn images into rows with .view'),
    *[(lambda f=f: f(torch.ones(4,1), torch.ones(4)), ValueError, 'same shape; got \\[4, 1\\] and \\[4\\]. .*targets.view\\(-1,1\\)') for f in (mnist_loss, batch_accuracy)],
    *[(lambda f=f: f(torch.ones(0,1), torch.ones(0,1)), ValueError, 'got an empty batch, of shape \\[0, 1\\]') for f in (mnist_loss, batch_accuracy)],
    *[(lambda f=f, v=v: f(torch.ones(2,1), torch.tensor([[1],[v]])), ValueError, f'targets must be 0 or 1 .*; got values .*{v}.* F.cross_entropy')
      for f in (mnist_loss, batch_accuracy) for v in (7, -1, .5, math.nan, math.inf, -math.inf)],
    *[(lambda v=v: TensorDataLoader(v, torch.ones(2)), TypeError, f'x must be a tensor or NumPy array with rows; got {type(v).__name__}') for v in ([1,2], None, 'ab', torch.tensor(1), np.array(1))],
    (lambda: TensorDataLoader(torch.ones(2), (1,2)), TypeError, 'y must be a tensor or NumPy array with rows; got tuple'),
    (lambda: TensorDataLoader(torch.ones(1000), torch.ones(999)), ValueError, 'as many rows as each other; got 1,000 and 999'),
    (lambda: TensorDataLoader(torch.ones(0,3), torch.ones(0)), ValueError, 'no rows: there is nothing to load'),
    *[(lambda bs=bs: TensorDataLoader(torch.ones(2), torch.ones(2), bs), ValueError, f'must be a whole number from 1; got {bs}') for bs in (0, -1, 1.5, math.nan, math.inf)],
    (lambda: calc_grad(torch.ones(2,2), torch.ones(2,1), a_model(), lambda p,t: p), ValueError, 'loss_func must give .*one number; got shape \\[2, 1\\]'),
    (lambda: calc_grad(torch.ones(2,2), torch.ones(2,1), a_model(), lambda p,t: p.mean().item()), ValueError, 'loss_func must give .*one number; got float'),
    (lambda: calc_grad(torch.ones(2,1), torch.ones(2,1), lambda xb: xb), ValueError, 'depends on no parameter that collects gradients; make them with init_params'),
    (lambda: validate_epoch(a_model(), []), ValueError, 'gave no batch, so there is nothing to validate'),
    *[(lambda n=n: simple_net(n_hidden=n), ValueError, f'n_hidden must be a whole number from 1, such as 30; got {n!r}') for n in (0, -1, 3., '3', None)],
    (lambda: BasicOptim(torch.ones(2, requires_grad=True), .1), TypeError, 'must be a list of tensors; got one tensor. Write \\[params\\]'),
    (lambda: BasicOptim([], .1), ValueError, 'params is empty: nothing to train. \\(A generator can be used only once'),
    *[(lambda p=p: BasicOptim([p], .1), ValueError, 'parameter 0, of shape \\[2\\], collects no gradient; make it with init_params') for p in (torch.ones(2), 2*torch.ones(2, requires_grad=True))],
    *[(lambda lr=lr: BasicOptim(a_model().parameters(), lr), ValueError, f'learning rate must be a number above 0; got {lr}') for lr in (0, -1., math.nan, math.inf)],
    (no_gradient, ValueError, 'parameter 0, of shape \\[1, 2\\], has no gradient: call backward before step'),
    (train_to_nan, FloatingPointError, 'in epoch 0, the loss became nan at batch 0. Try a learning rate ten times smaller, .* in this error\'s history'),
    (lambda: train_epoch(a_model(), [], opt_of(a_model())), ValueError, 'gave no batch, so there is nothing to train on'),
    *[(lambda n=n: train_model(a_model(), some_loader(), some_loader(), opt_of(a_model()), n), ValueError, f'epochs must be a whole number from 1; got {n}') for n in (0, -1, 1.5, math.nan, math.inf)],
    (lambda: Learner(([], some_loader()), a_model()).fit(1), ValueError, 'the training loader gave no batch'),
    (lambda: Learner((Empty(), some_loader()), a_model()).lr_find(show_plot=False), ValueError, 'the training loader gave no batch'),
    (lambda: Learner((some_loader(),)*2, a_model(), cbs=AtOnce()).lr_find(show_plot=False), ValueError, 'no step was taken, so there is no rate to suggest'),
    *[(lambda args=args: LRFinder(*args), ValueError, 'need 0 < start_lr < end_lr and num_it from 1; got') for args in ((0,1,9), (1,.1,9), (.1,math.inf,9), (.1,1,0), (math.nan,1,9))],
    (lambda: Learner(some_loader(), a_model()), TypeError, 'need loaders, a pair .*; got TensorDataLoader and Linear'),
    (lambda: Learner((some_loader(),)*2, abs), TypeError, 'then an nn.Module; got SimpleNamespace and builtin_function_or_method'),
    *[(lambda n=n, lr=lr: Learner((some_loader(),)*2, a_model()).fit(n, lr), ValueError, f'need .*n_epoch from 1, learning rate above 0; got {n} and {lr}')
      for n,lr in ((0,.1), (1.5,.1), (math.nan,.1), (math.inf,.1), (1,0), (1,-1), (1,math.nan), (1,math.inf))],
    (lambda: Learner((some_loader(), []), a_model()).get_preds(), ValueError, 'the loader gave no batch'),
]

@cache
def error_of(i):
    try: quiet(errors[i][0])
    except Exception as e: return e

@pytest.mark.parametrize('i', range(len(errors)), ids=lambda i: f'{errors[i][1].__name__}-{errors[i][2][:30]}')
def test_error(i):
    _,kind,says = errors[i]
    with pytest.raises(kind, match=says):
        if e := error_of(i): raise e

def test_each_error_is_in_the_table():
    top = Path(chapter4_helpers.__file__).parent
    raised = set()
    for i in range(len(errors)):
        e = error_of(i)
        while e:
            tb = e.__traceback__
            while tb: raised.add((Path(tb.tb_frame.f_code.co_filename).name, tb.tb_lineno)); tb = tb.tb_next
            e = e.__context__
    def has(path, node): return any((path.name, line) in raised for line in range(node.lineno, node.end_lineno+1))
    missing = [f'{path.name}:{node.lineno} {ast.unparse(node)}' for path in sorted(top.glob('*.py')) for node in ast.walk(ast.parse(path.read_text('utf-8')))
               if isinstance(node, ast.Raise) and node.exc and ast.unparse(node.exc) != 'CancelFitException' and not has(path, node)]
    assert missing == []
