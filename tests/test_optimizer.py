"The optimizer beside PyTorch's, and training, against epochs of SGD in NumPy."
import math
from itertools import pairwise
import pytest, torch
from hypothesis import given, strategies as st
from torch import nn
from chapter4_helpers.data import mnist_sample
from chapter4_helpers.loss import init_params, linear, mnist_loss
from chapter4_helpers.minibatches import TensorDataLoader, calc_grad
from chapter4_helpers.optimizer import BasicOptim, train_epoch, train_model
from made_up import (
    as_numpy, cases, close, cut, linear_case, loss_and_grads, plain_epoch, quiet, seeds, tolerance)

pytestmark = pytest.mark.usefixtures('one_thread')

some_shapes = st.lists(st.lists(st.integers(0, 4), max_size=3), min_size=1, max_size=4)
some_dtypes = st.sampled_from([torch.float32, torch.float64])

@cases(60)
@given(some_shapes, some_dtypes, st.floats(1e-6, 1e3), st.integers(1, 5), seeds)
def test_basic_optim(shapes, dtype, lr, steps, seed):
    gen = torch.Generator().manual_seed(seed)
    def randn(shape): return torch.randn(shape, generator=gen, dtype=dtype)
    starts = [randn(s) for s in shapes]
    ours,theirs = ([p.clone().requires_grad_() for p in starts] for _ in range(2))
    plain = [p.double().numpy() for p in starts]
    opt,sgd = BasicOptim(iter(ours), lr),torch.optim.SGD(theirs, lr)
    tol = steps*max(lr,1)*tolerance[dtype]
    for _ in range(steps):
        for i,(o,t) in enumerate(zip(ours, theirs)):
            o.grad = t.grad = g = randn(o.shape)
            plain[i] = plain[i] - lr*g.double().numpy()
        opt.step(); sgd.step()
        assert all(map(torch.equal, ours, theirs))
        assert all(close(o, p, tol) for o,p in zip(ours, plain))
        opt.zero_grad()
        assert [o.grad for o in ours] == [None]*len(ours)
        assert all(p is o for p,o in zip(opt.params, ours, strict=True))

@cases(60)
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

@pytest.mark.parametrize('k,bad,shape', [(0,math.nan,()), (3,math.inf,(1,)), (6,math.nan,(1,1))])
def test_first_bad_batch_is_named(k, bad, shape):
    calls,model = iter(range(9)),nn.Linear(2,1).eval()
    def loss_func(preds, targets):
        assert model.training
        return (preds.mean() + (bad if next(calls)>=k else 0)).view(shape)
    batches = [(torch.ones(2,2), torch.ones(2,1))]*7
    with pytest.raises(FloatingPointError, match=f'{bad} at batch {k}\\.'):
        train_epoch(model, batches, BasicOptim(model.parameters(), 1e-3), loss_func)

@cases(50)
@given(linear_case(), st.integers(1, 9), st.integers(1, 3), seeds)
def test_train_model(case, bs, epochs, seed):
    x,y,w,b = case
    params = w.clone().requires_grad_(),b.clone().requires_grad_()
    dl,valid_dl = TensorDataLoader(x, y, bs, shuffle=True),TensorDataLoader(x, y, 5)
    torch.manual_seed(seed)
    orders = [as_numpy(dl) for _ in range(epochs)]
    torch.manual_seed(seed)
    def model(xb): return linear(xb, *params)
    opt = BasicOptim(params, .5)
    history = quiet(train_model, model, dl, valid_dl, opt, epochs, metric=mnist_loss)
    w,b = w.numpy(),b.numpy()
    for i,(order,h) in enumerate(zip(orders, history, strict=True)):
        loss,w,b = plain_epoch(order, w, b, .5)
        wanted = loss, loss_and_grads(x.numpy(), y.numpy(), w, b)[0]
        assert h.epoch==i and close((h.train_loss, h.metric), wanted, 1e-9) and h.seconds>0
    assert all(close(*pair, 1e-9) for pair in zip(params, (w,b)))

def a_training(loss_func, metric, epochs):
    "A model of two numbers in training, with the values of `loss_func` and `metric` given"
    w = torch.ones(1, requires_grad=True)
    dl = [(torch.ones(2,1), torch.ones(2,1))]
    return train_model(lambda xb: xb*w, dl, dl, BasicOptim([w], .1), epochs, loss_func, metric)

def test_the_table_shows_the_history(capsys):
    losses,metrics = iter([3., 2.5]),iter([.25, .75])
    def loss_func(preds, targets): return preds.mean()*0 + next(losses)
    def share(preds, targets): return next(metrics)
    history = a_training(loss_func, share, 2)
    assert [h[:3] for h in history] == [(0, 3., .25), (1, 2.5, .75)]
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    rows = [row for row in rows if len(row)==4]  # not the bar
    assert rows[0] == ['epoch', 'train_loss', 'share', 'seconds']
    assert [row[:3] for row in rows[1:]] == [['0', '3.0000', '0.2500'], ['1', '2.5000', '0.7500']]
    assert [float(row[3]) for row in rows[1:]] == [round(h.seconds, 4) for h in history]

def test_an_explosion_keeps_the_epochs_before():
    calls = iter(range(9))
    def explode(preds, targets): return preds.mean()*(math.inf if next(calls) == 2 else 1)
    with pytest.raises(FloatingPointError, match='in epoch 2, .* batch 0') as e:
        quiet(a_training, explode, mnist_loss, 5)
    assert [h.epoch for h in e.value.history] == [0, 1]

def test_how_sure_a_start_of_the_chapter_is():
    # "six in ten predictions are below 0.05 or above 0.95 (in other starts up to nine in ten)"
    x,shares = mnist_sample().train_x[::10],[]
    for seed in range(30):
        torch.manual_seed(seed)
        p = linear(x, init_params((28*28,1)), init_params(1)).sigmoid()
        shares.append(((p<.05) | (p>.95)).float().mean().item())
    assert .55 < min(shares) < .65 and .88 < max(shares) < .96
