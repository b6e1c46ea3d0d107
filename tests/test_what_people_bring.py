"What people bring to the helpers: metrics, models, batches, labels and numbers as they come."
import math, re, warnings
from functools import partial
import nbformat, numpy as np, pytest, torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
with warnings.catch_warnings():
    warnings.filterwarnings('ignore', '.*torch.jit.script')  # torch's word to fastai, not to us
    from fastai.vision.all import DataLoaders, Learner, SGD, TensorCategory, TensorImage
from conftest import top
from made_up import quiet
from chapter4_helpers import checks, learner
from chapter4_helpers.all import *

pytestmark = pytest.mark.usefixtures('one_thread')

def ones(*size): return torch.ones(*size)

def scored(n=50):
    "Scores and their targets, a third of them ones"
    torch.manual_seed(0)
    return torch.randn(n,1), (torch.arange(n)[:,None]%3 == 0).long()

# Right results

def f1(preds, targets):
    hits = ((preds>0) & (targets==1)).sum()
    return 2*hits/((preds>0).sum() + targets.sum())

def auc(preds, targets): return (preds[targets==1][:,None] > preds[targets==0]).float().mean()
def recall(preds, targets): return (preds[targets==1]>0).float().mean().item()

@pytest.mark.parametrize('metric', [f1, auc, recall])
@pytest.mark.parametrize('bs', [1, 7, 50])
def test_metrics_that_are_no_mean_of_batches(metric, bs):
    x,y = scored()
    assert validate_epoch(lambda xb: xb, TensorDataLoader(x, y, bs), metric) == metric(x, y)

class Holder:
    "Holds a network where nobody looks"
    def __init__(self, net): self.nets = {'mine': [net]}
    def run(self, xb): return self.nets['mine'][0](xb.view(-1,4))
    __call__ = run

class Hidden(nn.Module):
    "A module that has others, and does not say so"
    def __init__(self, net):
        super().__init__()
        self.hidden = [net]
    def forward(self, xb): return self.hidden[0](xb)

ways_to_hide = {
    'plain': lambda net: net, 'lambda': lambda net: lambda xb: net(xb.view(-1,4)),
    'partial': lambda net: partial(lambda a, b: a(b), net), 'object': Holder,
    'method': lambda net: Holder(net).run, 'list': Hidden,
    'forward': lambda net: nn.Sequential(Hidden(net)).forward,
    'compiled': lambda net: torch.compile(net, backend='eager')}

@pytest.mark.parametrize('hide', ways_to_hide.values(), ids=ways_to_hide)
@pytest.mark.parametrize('run', [
    lambda model, x, y: validate_epoch(model, TensorDataLoader(x, y, 5)),
    lambda model, x, y: predict(model, x)])
@pytest.mark.parametrize('fails', [False, True])
def test_every_module_is_in_evaluation_mode(hide, run, fails):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4,4), nn.BatchNorm1d(4), nn.BatchNorm1d(4), nn.Dropout(.5),
                        nn.Linear(4,1))
    net[1].eval()  # frozen
    x,modes,before = torch.randn(20,4),[m.training for m in net.modules()],net[2].running_mean+0
    model,seen = hide(net),[]
    net[4].register_forward_hook(lambda *args: seen.append([m.training for m in net.modules()]))
    if fails: net[4].register_forward_hook(lambda *args: 1/0)
    try: run(model, x, (x[:,:1]>0).long())
    except ZeroDivisionError: assert fails
    assert not any(map(any, seen)) and seen and torch.equal(net[2].running_mean, before)
    assert [m.training for m in net.modules()] == modes
    net(ones(3,4)) if not fails else None  # outside, it trains again
    assert torch.equal(net[2].running_mean, before) == fails

def test_a_model_is_compiled_once():
    calls = []
    def backend(graph, inputs): calls.append(graph); return graph.forward
    class Holds(nn.Module):
        def __init__(self): super().__init__(); self.inner = nn.Dropout()
        def forward(self, x): return self.inner(x)
    model = torch.compile(Holds(), backend=backend)
    for _ in range(2): predict(model, ones(4,2))
    assert len(calls) == 1

def test_rows_are_counted_in_the_targets():
    x,y = ones(5,1),torch.tensor([[0.],[1],[2],[3],[10]])
    batches = [((x[:4],x[:4]), y[:4]), ((x[4:],x[4:]), y[4:])]
    w = torch.zeros(1, requires_grad=True)
    def model(xs): return xs[0]*w + xs[1]*w
    loss = train_epoch(model, batches, BasicOptim([w], 1e-9), lambda p,t: (t-p).mean())
    assert loss == pytest.approx(16/5)
    assert validate_epoch(model, batches, lambda p,t: t.mean()) == pytest.approx(16/5)

def test_classes():
    preds,targets = torch.tensor([[1.,3,2],[5,0,0],[0,1,2],[0,1,2]]),torch.tensor([1,0,0,2])
    assert class_accuracy(preds, targets) == class_accuracy(preds, targets.int()) == .75

def test_a_sigmoid_at_the_end_is_told():
    x,y = scored()
    def told(model, y=y):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter('always')
            quiet(train_model, model, [(x,y)], [(x,y)], BasicOptim(model.parameters(), .1), 1)
        return ['Sigmoid' in str(w.message) for w in found]
    assert told(nn.Sequential(nn.Linear(1,1), nn.Sigmoid())) == [True]
    assert told(nn.Linear(1,1)) == told(nn.Sequential(nn.Linear(1,1), nn.Sigmoid()), y*0) == []

class Elsewhere(torch.Tensor):
    "Stands in for a tensor on a graphics card"
    is_cpu = False

def test_targets_off_the_cpu_are_looked_at_once_an_epoch(monkeypatch):
    looks,look = [],checks.check_zero_or_one
    monkeypatch.setattr(checks, 'check_zero_or_one', lambda t: (looks.append(len(t)), look(t)))
    def loader(values): return [(ones(4,2), values.float().as_subclass(Elsewhere))]*3
    model = nn.Linear(2,1)
    def epoch(values): return train_epoch(model, loader(values), BasicOptim(model.parameters(), .1))
    good,sevens = torch.tensor([[0],[1],[1],[0]]),torch.tensor([[3],[7],[7],[3]])
    for _ in range(2): epoch(good)
    assert looks == [4,4]
    for _ in range(2):
        with pytest.raises(ValueError, match='0 or 1.*got values from 3.0 to 7.0'): epoch(sevens)
    with pytest.raises(ValueError, match='0 or 1'): validate_epoch(model, loader(sevens))

def test_tensors_of_fastai():
    x,y = torch.randn(30,4),torch.arange(30)%3
    def result(*pair):
        torch.manual_seed(0)
        model,dl = nn.Linear(4,3),[pair]
        opt = BasicOptim(model.parameters(), .1)
        loss = train_epoch(model, dl, opt, F.cross_entropy)
        ours = learner.Learner((dl,dl), model, F.cross_entropy, metrics=class_accuracy)
        return loss, validate_epoch(model, dl, class_accuracy), ours.validate(), predict(model, dl)
    *numbers,preds = result(TensorImage(x), TensorCategory(y))
    *wanted,wanted_preds = result(x, y)
    assert numbers == wanted and type(preds) is torch.Tensor and torch.equal(preds, wanted_preds)

def test_rows_without_labels():
    x,model = torch.randn(300,4),nn.Linear(4,3)
    for dl in x, x.numpy(), TensorDataLoader(x, bs=7), TensorDataLoader(x, x, 64), DataLoader(x, 9):
        assert torch.allclose(predict(model, dl), model(x), atol=1e-6)
    batches = list(TensorDataLoader(x, bs=128, drop_last=True))
    assert [len(b) for b in batches] == [1,1] and len(batches[1][0]) == 128
    assert len(TensorDataLoader(x, bs=128, drop_last=True)) == 2

def test_from_kaggle_files_to_a_submission(tmp_path, monkeypatch):
    cells = nbformat.read(top/'nbs'/'08_all_digits.ipynb', 4).cells
    code, = re.findall('```python\n(.*?)```', '\n'.join(c.source for c in cells), re.S)
    d,pixels = mnist(),[f'pixel{i}' for i in range(784)]
    def write(name, columns, rows):
        np.savetxt(tmp_path/name, rows, '%d', ',', header=','.join(columns), comments='')
    write('train.csv', ['label', *pixels], np.c_[d.train_y[:4000], d.train_x[:4000].flatten(1)])
    write('test.csv', pixels, d.valid_x[:200].flatten(1))
    monkeypatch.chdir(tmp_path)
    exec(f'from chapter4_helpers.all import *\nimport torch, torch.nn.functional as F\n{code}', {})
    header,*rows = (tmp_path/'submission.csv').read_text().split()
    numbers,answers = np.array([row.split(',') for row in rows], int).T
    assert header == 'ImageId,Label' and numbers.tolist() == list(range(1,201))
    assert (answers == d.valid_y[:200].numpy()).mean() > .85

def test_a_checkpoint_goes_on(tmp_path):
    x,y = scored()
    model = nn.Linear(1,1)
    opt = BasicOptim(model.parameters(), .3)
    history = quiet(train_model, model, [(x,y)], [(x,y)], opt, 2)
    parts = dict(model=model.state_dict(), opt=opt.state_dict(), history=history)
    torch.save(parts, tmp_path/'a.pth')
    found = torch.load(tmp_path/'a.pth', weights_only=True)
    again = BasicOptim(model.parameters(), .1)
    again.load_state_dict(found['opt'])
    assert again.lr == .3 and found['history'] == history
    assert found['history'][-1].metric == history[-1].metric

def test_what_of_fastai_goes_with_our_loader(tmp_path):
    x,y = torch.rand(40,4),torch.arange(40)[:,None]%2
    loaders = [TensorDataLoader(x, y, 16) for _ in range(2)]
    learn = Learner(DataLoaders(*loaders), nn.Linear(4,1), loss_func=mnist_loss, opt_func=SGD,
                    metrics=batch_accuracy, path=tmp_path)
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, .1)
        learn.load(learn.save('mine').stem)
        preds,none = learn.get_preds(dl=TensorDataLoader(x))
        assert torch.allclose(preds, predict(learn.model, x)) and none is None
        for stops in lambda: learn.export(), lambda: learn.predict(x[0]), learn.show_results:
            with pytest.raises((AttributeError, TypeError)): stops()

def test_where_parameters_live():
    assert init_params((3,1), device='meta').device.type == 'meta' and init_params(2).is_cpu
    assert init_params((3,1), device='meta').is_leaf

# Errors that help: what to call, and a word that must be in what it says

def train(model=None, loss_func=mnist_loss, batch=None, epochs=1, **kwargs):
    model = model or nn.Linear(2,1)
    dl = [batch or (ones(4,2), ones(4,1))]
    quiet(train_model, model, dl, dl, BasicOptim([ones(1).requires_grad_()], .1), epochs,
          loss_func, **kwargs)

def validate(model=abs, **kwargs): validate_epoch(model, [(ones(4,1), ones(4,1))], **kwargs)
def ten(targets, **kwargs): train(nn.Linear(2,10), F.cross_entropy, (ones(4,2), targets), **kwargs)
def two_things(xb): return xb, xb
def with_norm(xb): return nn.BatchNorm1d(2)(xb)[:,:1]
def a_batch(*batch): train_epoch(nn.Linear(2,1), [batch], None)
def a_learner(): return learner.Learner(([(ones(4,2), ones(4,1))], None), nn.Linear(2,1))
labels = torch.arange(4)

errors = [
    ('argmax', lambda: batch_accuracy(ones(4,10), F.one_hot(labels, 10))),
    ('F.cross_entropy', lambda: mnist_loss(ones(4,10), labels)),
    ('class_accuracy', lambda: ten(labels)),
    ('preds.view', lambda: mnist_loss(ones(4), ones(4,1))),
    ('one for each row', lambda: mnist_loss(ones(4,1), ones(3,1))),
    ('torch.tensor', lambda: mnist_loss(ones(4,1), np.ones((4,1)))),
    ('pick one', lambda: mnist_loss((ones(4,1),), ones(4,1))),
    ('squeeze', lambda: class_accuracy(ones(4,10), labels[:,None])),
    ('0 to 1', lambda: class_accuracy(ones(4,2), labels)),
    ('batch_accuracy', lambda: class_accuracy(ones(4,1), labels)),
    ('device=device', lambda: BasicOptim([init_params(3)/28], .1)),
    ('detach', lambda: BasicOptim([init_params(3).double()], .1)),
    ('/255', lambda: linear(ones(2,3).byte(), ones(3,1), ones(1))),
    ('float64', lambda: linear(ones(2,3).double(), ones(3,1), ones(1))),
    ('weights.T', lambda: linear(ones(2,3), ones(1,3), ones(1))),
    ('torch.tensor', lambda: linear(np.ones((2,3)), ones(3,1), ones(1))),
    (r'MSELoss\(\)', lambda: train(loss_func=nn.MSELoss)),
    (r'L1Loss\(\)', lambda: validate(metric=nn.L1Loss)),
    ('pick one', lambda: train(two_things)), ('pick one', lambda: validate(two_things)),
    ('pick one', lambda: train(two_things, F.cross_entropy, metric=class_accuracy)),
    ('pick one', lambda: predict(two_things, ones(4,2))),
    ('squeeze', lambda: ten(labels[:,None], metric=class_accuracy)),
    ('long', lambda: ten(labels.int(), metric=class_accuracy)),
    ('drop_last', lambda: train(with_norm, batch=(ones(1,2), ones(1,1)))),
    (r'one number.*\[4, 1\]', lambda: validate(metric=lambda p,t: p)),
    ('one number.*NoneType', lambda: validate(metric=lambda p,t: None)),
    ('pair', lambda: train_epoch(abs, [dict(x=labels, y=labels)], None)),
    ('predict', lambda: a_batch(labels)), ('got 3 parts', lambda: a_batch(labels, labels, labels)),
    ('side by side', lambda: a_batch(labels, (labels, labels))),
    ('begins with', lambda: predict(abs, [dict(x=labels)])),
    ('shuffle=False', lambda: predict(abs, TensorDataLoader(labels, shuffle=True))),
    ('no batch', lambda: predict(abs, [])),
    ('bs', lambda: TensorDataLoader(labels, labels, batch_size=2)),
    ('torch.sin', lambda: gradient(math.sin, 1.)), ('torch.sin', lambda: gradient(np.sin, 1.)),
    ('depend on x', lambda: gradient(torch.ones_like, 1.)),
    ('shape', lambda: gradient(lambda x: x.expand(2), 1.)),
    ("0.1'", lambda: BasicOptim([init_params(3)], lr='0.1')),
    ('start_lr', lambda: checks.check_range('1', 2, 9)),
    ('dictionary with lr', lambda: BasicOptim([init_params(3)], .1).load_state_dict({})),
    ('learning rate', lambda: BasicOptim([init_params(3)], .1).load_state_dict(dict(lr=0))),
    *[('no validation set', lambda f=f: getattr(a_learner(), f)())
      for f in ('get_preds', 'validate', 'show_results')],
    (r'predict\(learn.model', lambda: a_learner().predict(ones(2)))]

@pytest.mark.parametrize('says,call', errors)
def test_error(says, call):
    with pytest.raises((ValueError, TypeError), match=says): call()
