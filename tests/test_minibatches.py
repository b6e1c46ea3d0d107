"The data loader over tensors, arrays and memory maps; gradients and validation, against NumPy."
import tempfile
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
import numpy as np, pytest, torch
from hypothesis import given, strategies as st
from fastai.data.core import DataLoaders
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from chapter4_helpers.loss import linear, mnist_loss
from chapter4_helpers.minibatches import (
    TensorDataLoader, calc_grad, mean_over_rows, validate_epoch)
from made_up import cases, close, cut, linear_case, loss_and_grads, seeds

pytestmark = pytest.mark.usefixtures('one_thread')

# The data loader

dtypes = [np.bool_, np.uint8, np.uint16, np.uint32, np.uint64, np.int8, np.int16, np.int32,
          np.int64, np.float16, np.float32, np.float64, np.complex64, np.complex128]
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

@cases(200)
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

@cases(100)
@given(table(), st.integers(1, 9), st.booleans())
def test_batches_of_arrays_are_copies(given_x, bs, shuffle):
    x,a = given_x
    if isinstance(x, np.ndarray):
        for xb,_ in TensorDataLoader(x, np.arange(len(x)), bs, shuffle): xb.zero_()
        assert np.array_equal(x, a)

@cases(50)
@given(st.integers(25, 200), st.integers(1, 30), seeds, st.booleans())
def test_orders_differ(n, bs, seed, array):
    rows = np.arange(n) if array else torch.arange(n)
    dl = TensorDataLoader(rows, rows, bs, shuffle=True)
    def order(): return torch.cat([yb for _,yb in dl]).tolist()
    torch.manual_seed(seed)
    orders = [order() for _ in range(3)]
    assert len({tuple(o) for o in [*orders, range(n)]}) == 4
    both = list(zip(iter(dl), iter(dl)))  # two epochs at once do not disturb each other
    for i in range(2): assert sorted(torch.cat([b[i][1] for b in both]).tolist()) == list(range(n))

def test_every_order_is_as_likely():
    torch.manual_seed(0)
    dl = TensorDataLoader(torch.arange(4), torch.arange(4), 3, shuffle=True)
    orders = [''.join(str(int(v)) for xb,_ in dl for v in xb) for _ in range(4800)]
    names,counts = np.unique(orders, return_counts=True)
    assert len(names)==24
    assert ((counts-200)**2/200).sum() < 60  # chance goes beyond it in 1 of 30,000

@cases(50)
@given(table(), st.integers(1, 45), st.booleans(), *[st.none() | st.integers(1, 9)],
       st.none() | st.booleans())
def test_new_loader(given_x, bs, shuffle, new_bs, new_shuffle):
    x,_ = given_x
    dl = TensorDataLoader(x, np.arange(len(x)), bs, shuffle)
    new = dl.new(bs=new_bs, shuffle=new_shuffle)
    wanted = new_bs or bs, shuffle if new_shuffle is None else new_shuffle
    assert (new.bs, new.shuffle) == wanted and new.x is x and new.y is dl.y
    assert (dl.bs, dl.shuffle) == (bs, shuffle)
    assert len(dl.one_batch()[0]) == min(bs, len(x))

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
    assert devices(dl.to('meta')) == {'meta'}

def test_batches_stay_where_the_images_are():
    meta,cpu = torch.zeros(5, 2, device='meta'),torch.zeros(5)
    assert TensorDataLoader(meta, cpu).device.type == 'meta'
    assert TensorDataLoader(np.zeros((5,2)), cpu).device.type == 'cpu'
    assert [t.device.type for t in TensorDataLoader(cpu, cpu).one_batch()] == ['cpu', 'cpu']
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

# In other people's loops, written for PyTorch's loader

@cases(50)
@given(table(), st.integers(1, 45))
def test_dataset(given_x, bs):
    x,a = given_x
    dataset = TensorDataLoader(x, np.arange(len(x)), bs).dataset
    assert len(dataset) == len(x) and all(same(torch.as_tensor(row), a[i]) for row,i in dataset)

def digits(n=300, classes=5):
    "Images that can be told apart, as PyTorch's examples/mnist takes them: `[n,1,h,w]` and `[n]`"
    torch.manual_seed(0)
    y = torch.randint(classes, (n,))
    return torch.randn(n,1,6,6)*.3 + torch.randn(classes,1,6,6)[y], y

def a_net(): return nn.Sequential(nn.Flatten(), nn.Linear(36,5), nn.LogSoftmax(1))

def test_in_the_loop_of_the_examples_of_pytorch(capsys):
    # It says how far it is by `len(loader.dataset)`, and divides the right ones by it
    def train(model, device, loader, opt, epoch):
        model.train()
        for i,(data,target) in enumerate(loader):
            data,target = data.to(device),target.to(device)
            opt.zero_grad()
            loss = F.nll_loss(model(data), target)
            loss.backward()
            opt.step()
            if i%2 == 0:
                done,n = i*len(data),len(loader.dataset)
                print(f'epoch {epoch} [{done}/{n} ({100.*i/len(loader):.0f}%)] {loss.item():.4f}')
    @torch.no_grad()
    def test(model, device, loader):
        model.eval()
        loss = right = 0
        for data,target in loader:
            output = model(data.to(device))
            loss += F.nll_loss(output, target.to(device), reduction='sum').item()
            right += output.argmax(1, keepdim=True).eq(target.view(-1,1)).sum().item()
        return loss/len(loader.dataset),right/len(loader.dataset)
    x,y = digits()
    def result(loader):
        torch.manual_seed(1)
        model = a_net()
        opt = torch.optim.Adadelta(model.parameters(), lr=3.)
        schedule = torch.optim.lr_scheduler.StepLR(opt, step_size=1, gamma=.7)
        for epoch in 1,2,3,4:
            train(model, torch.device('cpu'), loader, opt, epoch)
            schedule.step()
        return *test(model, torch.device('cpu'), loader),capsys.readouterr().out
    ours,theirs = result(TensorDataLoader(x, y, 64)),result(DataLoader(TensorDataset(x, y), 64))
    assert ours == theirs and ours[1] > .95 and '[128/300 (40%)]' in ours[2]

class Miniai:
    "A Learner as fast.ai's part 2 course builds one: callbacks by name, `dls.train`, `dls.valid`"
    def __init__(self, model, dls, loss_func, lr, cbs): self.__dict__.update(
        model=model, dls=dls, loss_func=loss_func, lr=lr, cbs=cbs)

    def callback(self, name):
        for cb in self.cbs:
            if hasattr(cb, name): getattr(cb, name)(self)

    def fit(self, n_epochs):
        self.opt = torch.optim.SGD(self.model.parameters(), self.lr)
        for self.epoch in range(n_epochs):
            for training in True,False:
                self.model.train(training)
                self.dl = self.dls.train if training else self.dls.valid
                self.callback('before_epoch')
                with torch.set_grad_enabled(training):
                    for self.iter,self.batch in enumerate(self.dl): self.one_batch()
                self.callback('after_epoch')

    def one_batch(self):
        self.callback('before_batch')
        self.preds = self.model(self.batch[0])
        self.loss = self.loss_func(self.preds, self.batch[1])
        if self.model.training:
            self.loss.backward()
            self.opt.step()
            self.opt.zero_grad()
        self.callback('after_batch')

class Weighed:
    "Its metrics: a mean over rows, each batch by its size; it asks for device and lengths, too"
    def __init__(self): self.log = []
    def before_epoch(self, learn): self.right = self.rows = 0
    def before_batch(self, learn): learn.batch = [t.to('cpu') for t in learn.batch]
    def after_batch(self, learn):
        xb,yb = learn.batch
        self.right += (learn.preds.argmax(1) == yb).sum().item()
        self.rows += len(xb)
    def after_epoch(self, learn):
        assert learn.iter+1 == len(learn.dl) and self.rows == len(learn.dl.dataset)
        self.log.append(self.right/self.rows)

@pytest.mark.parametrize('pair', [SimpleNamespace, DataLoaders])
def test_in_the_learner_of_miniai(pair):
    x,y = digits()
    def result(*loaders):
        torch.manual_seed(1)
        dls = pair(*loaders) if pair is DataLoaders else pair(train=loaders[0], valid=loaders[1])
        metric = Weighed()
        Miniai(a_net(), dls, F.nll_loss, .3, [metric]).fit(3)
        return metric.log
    ours = result(TensorDataLoader(x[:250], y[:250], 32), TensorDataLoader(x[250:], y[250:], 64))
    parts = (slice(250), 32),(slice(250, 300), 64)
    theirs = result(*[DataLoader(TensorDataset(x[s], y[s]), bs) for s,bs in parts])
    assert ours == theirs and len(ours) == 6 and ours[-1] > .9

# Gradients

@cases(100)
@given(linear_case())
def test_calc_grad(case):
    x,y,w,b = case
    params = w.clone().requires_grad_(),b.clone().requires_grad_()
    arrays = [t.numpy() for t in case]
    wanted = loss_and_grads(*arrays)
    for times in 1,2:  # the second time, gradients add up
        loss = calc_grad(x, y, lambda xb: linear(xb, *params))
        assert not loss.requires_grad and close(loss, wanted[0], 1e-12)
        assert all(close(p.grad, times*g, 1e-12) for p,g in zip(params, wanted[1:]))
    h,(x,y,w,b) = 1e-5,arrays
    def moved(i, by): return loss_and_grads(x, y, w + by*(np.arange(len(w))==i)[:,None], b)[0]
    slopes = [(moved(i,h)-moved(i,-h))/(2*h) for i in range(len(w))]
    assert close(params[0].grad[:,0]/2, slopes, 1e-8)

# Validation

@cases(100)
@given(st.lists(st.tuples(st.floats(-9, 9), st.integers(1, 9), st.booleans()), min_size=1))
def test_mean_over_rows(batches):
    rows = [mean for mean,n,_ in batches for _ in range(n)]
    result = mean_over_rows([(torch.tensor(m) if as_tensor else m, n) for m,n,as_tensor in batches])
    assert type(result) is float and close(result, np.mean(rows), 1e-6)

@cases(100)
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
    assert w.grad is None

@pytest.mark.parametrize('training', [True, False])
def test_validate_epoch_leaves_the_mode(training):
    model,seen = nn.Sequential(nn.Linear(2,1), nn.Dropout(.9)).train(training),[]
    batches = [(torch.ones(3,2), torch.ones(3,1))]
    def metric(preds, targets):
        seen.append((model.training, preds.requires_grad))
        return preds.mean()
    def oops(preds, targets): raise RuntimeError('oops')
    validate_epoch(model, batches, metric)
    assert seen == [(False, False)] and {m.training for m in model.modules()} == {training}
    with pytest.raises(RuntimeError, match='oops'): validate_epoch(model, batches, oops)
    assert {m.training for m in model.modules()} == {training}
