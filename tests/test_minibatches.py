"The data loader over tensors, arrays and memory maps; gradients and validation, against NumPy."
import tempfile
from itertools import pairwise
from pathlib import Path
import numpy as np, pytest, torch
from hypothesis import given, strategies as st
from chapter4_helpers.loss import linear, mnist_loss
from chapter4_helpers.minibatches import (
    TensorDataLoader, calc_grad, mean_over_rows, validate_epoch)
from made_up import cases, close, cut, linear_case, loss_and_grads, seeds

pytestmark = pytest.mark.usefixtures('one_thread')

# The data loader

dtypes = [np.bool_, np.uint8, np.uint16, np.int64, np.float16, np.float32, np.complex64]
kinds = 'tensor', 'array', 'memmap', 'strided tensor', 'strided array'

@pytest.fixture(scope='module', autouse=True)
def make_folder(tmp_path_factory):
    global folder
    folder = tmp_path_factory.mktemp('maps')

@st.composite
def table(draw):
    "A tensor, array or memory map, and the same as an array"
    shape = draw(st.integers(1, 40)), *draw(st.lists(st.integers(0, 4), max_size=3))
    dtype,kind = draw(st.sampled_from(dtypes)),draw(st.sampled_from(kinds))
    a = np.random.default_rng(draw(seeds)).integers(0, 100, shape).astype(dtype)
    if kind=='memmap' and a.size:
        path = Path(tempfile.mkdtemp(dir=folder), 'a')
        a.tofile(path)
        return np.memmap(path, dtype, draw(st.sampled_from(['r', 'r+', 'c'])), shape=shape),a
    if kind=='strided tensor': return torch.from_numpy(np.repeat(a, 2, 0))[::2],a
    if kind=='strided array': return np.asfortranarray(a[::-1])[::-1],a
    return (torch.from_numpy(a) if kind=='tensor' else a),a

def same(t, a):
    return t.shape==a.shape and t.numpy().dtype==a.dtype and t.numpy().tobytes()==a.tobytes()

@cases(150)
@given(table(), st.integers(1, 45), st.booleans(), seeds, *[st.booleans()]*2)
def test_each_row_exactly_once(given_x, bs, shuffle, seed, swap, as_tensor):
    # The targets count the rows, so they say where each row of a batch came from
    (x,a),n = given_x,len(given_x[1])
    rows = torch.arange(n) if as_tensor else np.arange(n)
    dl = TensorDataLoader(*((rows,x) if swap else (x,rows)), bs=bs, shuffle=shuffle)
    def epoch(): return [b[::-1] if swap else b for b in dl]
    torch.manual_seed(seed)
    first,second = epoch(),epoch()
    for batches in first,second:
        came = torch.cat([yb for _,yb in batches]).tolist()
        assert sorted(came) == list(range(n)) and (shuffle or came == list(range(n)))
        wanted = [min(bs, n-i) for i in range(0, n, bs)]
        assert [len(xb) for xb,_ in batches] == [len(yb) for _,yb in batches] == wanted
        assert all(same(xb, a[yb.numpy()]) for xb,yb in batches)
    assert len(dl) == len(first)
    torch.manual_seed(seed)
    for again,before in (epoch(), first),(epoch(), second):
        assert all(torch.equal(u,v) for b1,b2 in zip(again, before) for u,v in zip(b1,b2))
    for xb,_ in dl if isinstance(x, np.ndarray) and not swap else []: xb.zero_()
    assert np.array_equal(x, a)  # batches of arrays are copies

def test_every_order_comes():
    torch.manual_seed(0)
    dl = TensorDataLoader(torch.arange(4), torch.arange(4), 3, shuffle=True)
    assert len({tuple(torch.cat([xb for xb,_ in dl]).tolist()) for _ in range(300)}) == 24

@cases(40)
@given(table(), st.integers(1, 45), st.booleans(), *[st.none() | st.integers(1, 9)],
       st.none() | st.booleans())
def test_new_loader(given_x, bs, shuffle, new_bs, new_shuffle):
    x,a = given_x
    dl = TensorDataLoader(x, np.arange(len(x)), bs, shuffle)
    new = dl.new(bs=new_bs, shuffle=new_shuffle)
    wanted = new_bs or bs, shuffle if new_shuffle is None else new_shuffle
    assert (new.bs, new.shuffle) == wanted and new.x is x and new.y is dl.y
    assert len(dl.one_batch()[0]) == min(bs, len(x))
    assert len(dl.dataset) == len(x)
    assert all(same(torch.as_tensor(row), a[i]) for row,i in dl.dataset)

def test_64_rows_in_order_by_default():
    dl = TensorDataLoader(torch.arange(100), np.arange(100))
    (first,_),(rest,_) = dl
    assert first.tolist() == [*range(64)] and rest.tolist() == [*range(64,100)]
    assert [len(xb) for xb,_ in dl.new(drop_last=True)] == [64] and len(dl.new(drop_last=True)) == 1

def test_device():
    dl = TensorDataLoader(np.zeros((5,2), 'f4'), torch.zeros(5), 2, shuffle=True, device='meta')
    def devices(batches): return {t.device.type for b in batches for t in b}
    assert devices(dl) == devices([dl.new(bs=3).one_batch()]) == {'meta'}
    assert devices(dl.to('cpu')) == {'cpu'}
    meta,cpu = torch.zeros(5, 2, device='meta'),torch.zeros(5)
    assert TensorDataLoader(meta, cpu).device.type == 'meta'
    assert TensorDataLoader(np.zeros((5,2)), cpu).device.type == 'cpu'
    class Old(np.ndarray): device = property()  # without a device, as in NumPy 1
    assert TensorDataLoader(np.zeros((5,2)).view(Old), cpu).device.type == 'cpu'

def test_row_numbers_go_where_the_images_are(monkeypatch):
    "A GPU insists on it; the meta device does not, so we look"
    select,at = torch.Tensor.index_select,[]
    def noted(t, dim, rows):
        at.append((t.device.type, rows.device.type))
        return select(t, dim, rows)
    monkeypatch.setattr(torch.Tensor, 'index_select', noted)
    TensorDataLoader(torch.zeros(5, 2, device='meta'), torch.zeros(5)).one_batch()
    assert at == [('meta', 'meta'), ('cpu', 'cpu')]

# Gradients

@cases(60)
@given(linear_case())
def test_calc_grad(case):
    x,y,w,b = case
    params = w.clone().requires_grad_(),b.clone().requires_grad_()
    wanted = loss_and_grads(*(t.numpy() for t in case))
    for times in 1,2:  # the second time, gradients add up
        loss = calc_grad(x, y, lambda xb: linear(xb, *params))
        assert not loss.requires_grad and close(loss, wanted[0], 1e-12)
        assert all(close(p.grad, times*g, 1e-12) for p,g in zip(params, wanted[1:]))

# Validation

@cases(60)
@given(st.lists(st.tuples(st.floats(-9, 9), st.integers(1, 9), st.booleans()), min_size=1))
def test_mean_over_rows(batches):
    rows = [mean for mean,n,_ in batches for _ in range(n)]
    result = mean_over_rows([(torch.tensor(m) if as_tensor else m, n) for m,n,as_tensor in batches])
    assert type(result) is float and close(result, np.mean(rows), 1e-6)

@cases(60)
@given(linear_case(torch.float32), st.data())
def test_validate_epoch(case, more):
    x,y,w,b = case
    batches = [(x[i:j], y[i:j]) for i,j in pairwise(more.draw(cut(len(x))))]
    w.requires_grad_()
    def model(xb): return linear(xb, w, b)
    right = [float((x[i]@w.detach())[0] + b[0] > 0) == y[i,0] for i in range(len(x))]
    result = validate_epoch(model, batches)
    assert type(result) is float and close(result, sum(right)/len(right), 1e-6)
    wanted,*_ = loss_and_grads(*(t.detach().double().numpy() for t in case))
    assert close(validate_epoch(model, batches, mnist_loss), wanted)
    def mean_score(preds, targets): return preds.mean().item()
    assert close(validate_epoch(model, batches, mean_score), model(x).mean().item())
    def needs_memory(preds, targets): return float(preds.requires_grad)
    assert validate_epoch(model, batches, needs_memory) == 0 and w.grad is None
