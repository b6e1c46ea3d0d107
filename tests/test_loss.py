"The loss, the metric and the linear model, against scalar loops over made-up scores."
import math
import numpy as np, pytest, torch
from hypothesis import given, strategies as st
from chapter4_helpers.loss import batch_accuracy, init_params, linear, mnist_loss, sigmoid
from made_up import cases, close, floats, seeds, tolerance, wholes

pytestmark = pytest.mark.usefixtures('one_thread')

def sigmoid_of(x): return 1/(1+math.exp(-x)) if x > -700 else 0.
def loss_of(scores, targets):
    return sum(1-sigmoid_of(s) if t else sigmoid_of(s) for s,t in zip(scores, targets))/len(scores)

@st.composite
def scored(draw, dtypes=floats):
    "Scores and targets, of one shape, any layout in memory and any dtype"
    shape = draw(st.integers(1, 9)), *[1]*draw(st.integers(0, 2))
    n = math.prod(shape)
    number = st.floats(-80, 80, width=16) | st.sampled_from([0., -0., 1e-4, 6e4, -6e4])
    scores = torch.tensor(draw(st.lists(number, min_size=n, max_size=n))).view(shape)
    targets = torch.tensor(draw(st.lists(st.booleans(), min_size=n, max_size=n))).view(shape)
    scores = scores.to(draw(st.sampled_from(dtypes)))
    targets = targets.to(draw(st.sampled_from(wholes+floats)))
    if draw(st.booleans()): scores = scores.T.contiguous().T if scores.ndim==2 else scores.flip(0)
    if draw(st.booleans()): targets = torch.stack([targets, targets], -1)[...,0]
    return scores,targets

@cases(100)
@given(scored())
def test_mnist_loss(pair):
    scores,targets = pair
    loss,wanted = mnist_loss(scores, targets),loss_of(*(t.flatten().tolist() for t in pair))
    assert loss.shape==() and loss.dtype==scores.dtype and 0 <= loss <= 1
    assert close(loss, wanted, tolerance[scores.dtype])

@cases(100)
@given(scored())
def test_batch_accuracy(pair):
    right = [(s>0)==t for s,t in zip(*(t.flatten().tolist() for t in pair))]
    assert close(batch_accuracy(*pair), sum(right)/len(right), 1e-6)

@cases(100)
@given(st.lists(st.floats(-1e3, 1e3), max_size=9))
def test_sigmoid(xs):
    x = torch.tensor(xs, dtype=torch.float64, requires_grad=True)
    sigmoid(x).sum().backward()
    assert close(sigmoid(x), [sigmoid_of(v) for v in xs], 1e-12)
    assert close(x.grad, [sigmoid_of(v)*sigmoid_of(-v) for v in xs], 1e-12)

@cases(100)
@given(*[st.integers(1, 9)]*3, seeds)
def test_linear(n, k, m, seed):
    rng = np.random.default_rng(seed)
    x,w,b = rng.normal(size=(n,k)),rng.normal(size=(k,m)),rng.normal(size=m)
    wanted = [[sum(x[i,j]*w[j,o] for j in range(k)) + b[o] for o in range(m)] for i in range(n)]
    assert close(linear(*map(torch.from_numpy, (x,w,b))), wanted, 1e-12)

sizes = st.integers(0, 50) | st.lists(st.integers(0, 9), min_size=1, max_size=3).map(tuple)

@cases(100)
@given(sizes, st.floats(0, 1e3), seeds)
def test_init_params(size, std, seed):
    torch.manual_seed(seed)
    p,following = init_params(size, std),torch.randn(1)
    torch.manual_seed(seed)
    assert torch.equal(p.detach(), torch.randn(size)*std) and torch.equal(following, torch.randn(1))
    assert p.dtype==torch.float32 and p.requires_grad and p.is_leaf
    assert p.shape==torch.empty(size).shape
