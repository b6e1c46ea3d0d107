"What `check` says: of each mistake, of right answers in any style, of stubs, of errors, of ours."
import linecache, random, warnings
from itertools import islice, zip_longest
import numpy as np, pytest, torch
import torch.nn.functional as F
from torch import nn
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from chapter4_helpers import loss, minibatches, optimizer
from chapter4_helpers.interactive import practice
from chapter4_helpers.interactive.practice import check, tasks, verdict
from chapter4_helpers.loss import linear, mnist_loss
from chapter4_helpers.minibatches import calc_grad

pytestmark = pytest.mark.usefixtures('one_thread')
wrongs = [(task, name, i) for task in tasks.values() for name,m in task.mistakes.items()
          for i in range(1+len(m.also))]

# Mistakes

def named(task, f):
    "As `verdict`, without asking whose it is: wrong functions are ours"
    return practice._judge(task, f)

@pytest.mark.parametrize('task,name,i', wrongs, ids=lambda v: getattr(v, 'name', v))
def test_each_mistake_is_recognised(task, name, i):
    m = task.mistakes[name]
    found = named(task, (m.wrong, *m.also)[i])
    assert (found.right, found.mistake) == (False, name), found
    assert found.says.endswith(m.says)

@pytest.mark.parametrize('task', tasks.values(), ids=lambda t: t.name)
def test_task(task):
    found = named(task, task.right)
    assert found.right and found.says == f'Right. {task.praise}'
    sentences = [m.says for m in task.mistakes.values()]
    assert len(sentences) >= 6
    seen = practice._try(task.right, task.inputs[0].run)
    assert isinstance(seen, dict) and not isinstance(seen, practice._Error)

def test_the_tasks_that_the_lessons_name():
    assert set(tasks) == set('''mnist_distance slope gradient descend init_params linear sigmoid mnist_loss
        batch_accuracy batches calc_grad validate_epoch BasicOptim train_epoch relu simple_net convolve
        softmax cross_entropy'''.split())

# Right answers in whatever style

class Loss(nn.Module):
    def forward(self, p, t): return (p.sigmoid()-t).abs().mean()

def loss_by_loop(preds, targets):
    total = 0.
    for p,t in zip(preds, targets): total = total + (1-p.sigmoid() if t==1 else p.sigmoid())
    return total/len(preds)

def loss_by_parts(preds, targets):
    "With a default, a docstring and a helper"
    def squeeze(x): return 1/(1+torch.exp(-x))
    conf = squeeze(preds)
    off = torch.zeros_like(conf)
    off = off + (targets==1)*(1-conf) + (targets==0)*conf
    return off.sum()/off.numel()

def loss_with_default(preds, targets, reduction='mean'):
    off = torch.where(targets.bool(), 1-torch.sigmoid(preds), torch.sigmoid(preds))
    return getattr(off, reduction)()

def loss_by_index(preds, targets):
    p = preds.sigmoid()
    return torch.cat([1-p[targets==1], p[targets==0]]).mean()

def loss_in_steps(preds, targets):
    preds = loss.sigmoid(preds)
    distances = torch.where(targets==1, 1-preds, preds)
    return distances.mean()

def loss_row_by_row(preds, targets):
    return torch.stack([abs(t-p.sigmoid()) for p,t in zip(preds.view(-1), targets.view(-1))]).mean()

mnist_losses = [
    loss_by_loop, loss_by_parts, loss_with_default, loss_by_index, loss_in_steps, loss_row_by_row, Loss(),
    lambda p,t: torch.where(t==1, 1-p.sigmoid(), p.sigmoid()).mean(),
    lambda p,t: torch.where(t==0, p.sigmoid(), 1-p.sigmoid()).mean(),
    lambda p,t: (t-p.sigmoid()).abs().mean(),
    lambda p,t: F.l1_loss(p.sigmoid(), t.float()),
    lambda p,t: F.l1_loss(torch.sigmoid(p).squeeze(), t.squeeze().float()),
    lambda p,t: torch.abs(F.sigmoid(p)-t).mean(),
    lambda p,t: (t*(1-p.sigmoid()) + (1-t)*p.sigmoid()).mean(),
    lambda p,t: torch.where(t==1, (-p).sigmoid(), p.sigmoid()).mean(),
    lambda p,t: (p*(1-2*t)).sigmoid().mean(),
    lambda p,t: ((p.sigmoid()-t)**2).sqrt().mean(),
    lambda p,t: 1-torch.where(t==1, p.sigmoid(), 1-p.sigmoid()).mean(),
    lambda p,t: .5*(1-(p/2).tanh()*(2*t-1)).mean(),
    lambda p,t: sum(torch.where(t==1, 1-p.sigmoid(), p.sigmoid()))/len(p),
    lambda p,t: (p.sigmoid()-t).abs().mean(0),
    lambda p,t: torch.mean(torch.maximum(p.sigmoid()-t, t-p.sigmoid())),
    lambda p,t: torch.linalg.vector_norm(p.sigmoid()-t, 1)/t.numel()]

def accuracy_by_loop(preds, targets):
    right = 0
    for p,t in zip(preds, targets):
        if (p > 0) == (t == 1): right += 1
    return right/len(targets)

def accuracy_by_lists(preds, targets):
    return sum(int(p>0)==t for [p],[t] in zip(preds.tolist(), targets.tolist()))/len(preds)

def accuracy_in_place(preds, targets):
    conf = preds.sigmoid()
    conf[conf>.5] = 1
    conf[conf<=.5] = 0
    return (conf==targets).float().mean().item()

accuracies = [
    accuracy_by_loop, accuracy_by_lists, accuracy_in_place,
    lambda p,t: ((p>0)==t).float().mean(), lambda p,t: ((p>0)==t).float().mean().item(),
    lambda p,t: ((p>0.0).float()==t).float().mean(), lambda p,t: ((p.sigmoid()>.5)==t).float().mean(),
    lambda p,t: ((p.sigmoid()>.5)==(t==1)).sum()/len(p), lambda p,t: (p.sigmoid().round()==t).float().mean(),
    lambda p,t: 1-((p>0)!=t).float().mean(), lambda p,t: np.mean((p.numpy()>0)==t.numpy()),
    lambda p,t: ((p.numpy()>0)==t.numpy()).mean(), lambda p,t: torch.where(p>0, t, 1-t).float().mean(),
    lambda p,t: ((p>0).squeeze()==t.squeeze()).float().mean(), lambda p,t: ((p>0)==t.bool()).double().mean(),
    lambda p,t: ((p*(2*t-1))>0).float().mean(), lambda p,t: 1-((p>0).int()-t).abs().float().mean(),
    lambda p,t: torch.eq(p>0, t).float().mean(), lambda p,t: ((p>0)==t).sum().item()/t.numel(),
    lambda p,t: 1-((p>0)^(t==1)).float().mean(), lambda p,t: ((p>0)==t).float().mean(0),
    lambda p,t: torch.tensor([float((a>0)==b) for a,b in zip(p, t)]).mean(),
    lambda p,t: ((p>=0)==t).float().mean()]

def optim(step, zero=None, init=list):
    class BasicOptim:
        def __init__(self, params, lr): self.params,self.lr = init(params),lr
        @torch.no_grad()
        def step(self): step(self.params, self.lr)
        def zero_grad(self): (zero or set_none)(self.params)
    return BasicOptim

def each(change):
    def over(params, *args):
        for p in params: change(p, *args)
    return over

def set_none(params):
    for p in params: p.grad = None

def minus(p, lr): p -= lr*p.grad
def minus_data(p, lr): p.data -= lr*p.grad
def new_data(p, lr): p.data = p.data - p.grad.data*lr
def in_slices(p, lr): p[:] = p - lr*p.grad
def zero_data(p):
    if p.grad is not None: p.grad.data.zero_()
def zero_if_any(p): p.grad = torch.zeros_like(p)
def detach_and_zero(p):
    if p.grad is None: return
    p.grad.detach_()
    p.grad.zero_()

class BySubclass(torch.optim.Optimizer):
    def __init__(self, params, lr): super().__init__(params, dict(lr=lr))
    def step(self):
        for group in self.param_groups:
            for p in group['params']: p.data.add_(p.grad, alpha=-group['lr'])

class BySgd:
    def __init__(self, params, lr): self.sgd = torch.optim.SGD(params, lr=lr)
    def step(self): self.sgd.step()
    def zero_grad(self): self.sgd.zero_grad()

class WithSlots:
    "Everything spelled out"
    __slots__ = 'parameters','learning_rate'
    def __init__(self, params, lr=.1):
        self.parameters = [p for p in params]
        self.learning_rate = lr
    def step(self):
        with torch.no_grad():
            for i in range(len(self.parameters)):
                self.parameters[i] -= self.learning_rate*self.parameters[i].grad
    def zero_grad(self, *args): [setattr(p, 'grad', None) for p in self.parameters]

optimizers = [
    optim(each(minus)), optim(each(minus_data)), optim(each(new_data)), optim(each(in_slices)),
    optim(each(minus), each(zero_data)), optim(each(minus), each(zero_if_any)), optim(each(minus), init=tuple),
    optim(each(minus_data), each(detach_and_zero)), optim(each(lambda p,lr: p.sub_(lr*p.grad))),
    optim(each(lambda p,lr: p.add_(p.grad, alpha=-lr))), optim(each(lambda p,lr: p.copy_(p-lr*p.grad))),
    optim(each(lambda p,lr: p.addcmul_(p.grad, torch.tensor(-lr)))), optim(each(lambda p,lr: p.data.sub_(p.grad*lr))),
    optim(lambda ps,lr: torch._foreach_add_(ps, [p.grad for p in ps], alpha=-lr)),
    optim(each(minus), each(lambda p: p.grad.zero_())), optim(each(minus), each(lambda p: p.grad.fill_(0.))),
    optim(each(lambda p,lr: p.set_(p-lr*p.grad))), optim(each(lambda p,lr: p.lerp_(p-p.grad, lr))),
    torch.optim.SGD, BySubclass, BySgd, WithSlots, lambda params,lr: torch.optim.SGD(params, lr)]

def clear_before(model, dl, opt, loss_func):
    for xb,yb in dl:
        opt.zero_grad()
        loss_func(model(xb), yb).backward()
        opt.step()

def clear_after(model, dl, opt, loss_func=mnist_loss):
    model.train()
    total,n = 0.,0
    for xb,yb in dl:
        preds = model(xb)
        l = loss_func(preds, yb)
        l.backward()
        opt.step()
        opt.zero_grad()
        total += l.item()*len(xb); n += len(xb)
    return total/n

def with_calc_grad(model, dl, opt, loss_func):
    for xb,yb in dl:
        calc_grad(xb, yb, model, loss_func)
        opt.step()
        opt.zero_grad()

def list_of_losses(model, dl, opt, loss_func):
    losses = []
    for b in dl:
        opt.zero_grad()
        losses.append(calc_grad(*b, model, loss_func))
        opt.step()
    return losses

def mean_of_batches(model, dl, opt, loss_func): return torch.stack(list_of_losses(model, dl, opt, loss_func)).mean()
def as_float(model, dl, opt, loss_func): return float(mean_of_batches(model, dl, opt, loss_func))
def numpy_mean(*args): return np.mean([v.item() for v in list_of_losses(*args)])
def in_a_list(*args): return [mean_of_batches(*args)]
def as_column(*args): return mean_of_batches(*args).view(1,1)
def by_next(model, dl, opt, loss_func):
    it = iter(dl)
    while (b := next(it, None)) is not None: clear_before(model, [b], opt, loss_func)
def by_index(model, dl, opt, loss_func):
    batches = list(dl)
    for i in range(len(batches)): clear_before(model, [(batches[i][0], batches[i][1])], opt, loss_func)
def with_len(model, dl, opt, loss_func):
    return sum(float(v) for v in list_of_losses(model, dl, opt, loss_func))/len(dl)
def clear_twice(model, dl, opt, loss_func):
    opt.zero_grad()
    for xb,yb in dl: clear_after(model, [(xb,yb)], opt, loss_func); opt.zero_grad()
def by_model(model, dl, opt, loss_func):
    for xb,yb in dl:
        model.zero_grad(); loss_func(model.forward(xb), yb).backward(); opt.step()
def by_autograd(model, dl, opt, loss_func):
    for xb,yb in dl:
        ps = list(model.parameters())
        for p,g in zip(ps, torch.autograd.grad(loss_func(model(xb), yb), ps)): p.grad = g
        opt.step()
def inner(model, dl, opt, loss_func):
    def one(xb, yb): clear_before(model, [(xb,yb)], opt, loss_func)
    [one(xb, yb) for xb,yb in dl]
def enumerated(model, dl, opt, loss_func):
    for i,batch in enumerate(dl):
        x,y = batch[0],batch[1]
        clear_before(model, [(x,y)], opt, loss_func)
    return None
def with_eval(model, dl, opt, loss_func): clear_before(model, dl, opt, loss_func); model.eval()
def by_functional(model, dl, opt, loss_func):
    for xb,yb in dl: opt.zero_grad(); loss_func(F.linear(xb, model.weight), yb).backward(); opt.step()
@torch.enable_grad()
def decorated(model, dl, opt, loss_func): return clear_after(model, dl, opt, loss_func)
def shown(model, dl, opt, loss_func): print('epoch'); return as_float(model, dl, opt, loss_func)

epochs = [clear_before, clear_after, with_calc_grad, list_of_losses, mean_of_batches, as_float, numpy_mean, in_a_list,
          as_column, by_next, by_index, with_len, clear_twice, by_model, by_autograd, inner, enumerated, with_eval,
          by_functional, decorated, shown]

def by_while(items, bs):
    while len(items): yield items[:bs]; items = items[bs:]
def by_islice(items, bs):
    it = iter(items)
    while chunk := list(islice(it, bs)): yield chunk
def by_append(items, bs):
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == bs: yield batch; batch = []
    if batch: yield batch
def by_counting(items, bs):
    i = 0
    while i < len(items): yield items[i:i+bs]; i += bs
def by_recursion(items, bs): return [items[:bs], *by_recursion(items[bs:], bs)] if len(items) else []
def by_groups(items, bs):
    groups = {}
    for i,item in enumerate(items): groups.setdefault(i//bs, []).append(item)
    return groups.values()
def by_zip(items, bs):
    none = object()
    for group in zip_longest(*[iter(items)]*bs, fillvalue=none): yield tuple(g for g in group if g is not none)
class AsClass:
    def __init__(self, items, bs): self.items,self.bs = items,bs
    def __iter__(self):
        for i in range(0, len(self.items), self.bs): yield self.items[i:i+self.bs]

loaders = [by_while, by_islice, by_append, by_counting, by_recursion, by_groups, by_zip, AsClass,
    lambda items,bs: [items[i:i+bs] for i in range(0, len(items), bs)],
    lambda items,bs: (items[i:i+bs] for i in range(0, len(items), bs)),
    lambda items,bs: tuple(tuple(items[i:i+bs]) for i in range(0, len(items), bs)),
    lambda items,bs: torch.tensor(list(items)).split(bs), lambda items,bs: torch.split(torch.tensor(list(items)), bs),
    lambda items,bs: map(lambda i: items[i:i+bs], range(0, len(items), bs)),
    lambda items,bs: [items[k*bs:(k+1)*bs] for k in range((len(items)+bs-1)//bs)],
    lambda items,bs: [items[k*bs:(k+1)*bs] for k in range(-(-len(items)//bs))],
    lambda items,bs: np.split(np.array(items), range(bs, len(items), bs)),
    lambda items,bs: [list(items)[i:min(i+bs, len(items))] for i in range(0, len(items), bs)],
    lambda items,bs: iter([items[i:i+bs] for i in range(len(items)) if i%bs == 0]),
    lambda items,bs: [[items[j] for j in range(i, min(i+bs, len(items)))] for i in range(0, len(items), bs)]]

rights = [(name, i, f) for name,fs in dict(mnist_loss=mnist_losses, batch_accuracy=accuracies, BasicOptim=optimizers,
                                           train_epoch=epochs, batches=loaders).items() for i,f in enumerate(fs)]

@pytest.mark.parametrize('name,i,f', rights, ids=lambda v: getattr(v, '__name__', v))
def test_right_in_any_style(name, i, f): assert verdict(f, name).right, verdict(f, name)

def test_twenty_ways():
    assert all(len(fs) >= 20 for fs in (mnist_losses, accuracies, optimizers, epochs, loaders))

@pytest.mark.parametrize('name,f,word', [
    ('batch_accuracy', accuracies[-1], 'exactly 0'),
    ('BasicOptim', optim(each(minus), each(lambda p: p.grad.zero_())), 'no gradient'),
    ('validate_epoch', lambda model,dl,metric: minibatches.mean_over_rows(
        [(metric(model(xb), yb).item(), len(yb)) for xb,yb in dl]), 'mean over rows')])
def test_right_with_a_remark(name, f, word):
    found = verdict(f, name)
    assert found.right and word in found.says and word not in tasks[name].praise

# Unknown mistakes: what came and what should have, and no guess

def test_an_unknown_mistake_is_shown():
    found = verdict(lambda p,t: torch.where(t==1, 1-p.sigmoid(), p.sigmoid()).mean()*3 + 1, 'mnist_loss')
    assert found[:2] == (False, '') and '0.1941' in found.says and '1.582' in found.says
    found = verdict(lambda a,b: (a-b).abs().mean((-1,-2))[None,None], 'mnist_distance')
    assert '[3]' in found.says and '[1, 1, 3]' in found.says

def test_no_answer_changes_what_is_given():
    def changes(p, t):
        result = accuracies[3](p, t)
        p.zero_(); t.zero_()
        return result
    for _ in range(2): assert verdict(changes, 'batch_accuracy').right

def endless(items, bs):
    while True: yield items[:bs]
def test_an_endless_loader_ends(): assert not verdict(endless, 'batches').right

# Stubs

stubs = ['...', 'pass', 'return None', '"Something"', '"Something"\n    ...', 'raise NotImplementedError',
         'raise NotImplementedError("to do")', '# to do\n    pass', 'return']

def defined(source, name):
    place = {}
    exec(source, place)
    return place[name]

@pytest.mark.parametrize('body', stubs)
@pytest.mark.parametrize('name,args', [('mnist_loss', 'preds, targets'), ('batches', 'items, bs'), ('init_params', 'size, std=1.0')])
def test_stubs_are_open(name, args, body):
    found = verdict(defined(f'def {name}({args}):\n    {body}', name))
    assert found[:2] == (False, '') and found.says.startswith('Open. For ')

@pytest.mark.parametrize('body', ['...', 'pass', 'def __init__(self, params, lr): ...\n    def step(self): pass\n    def zero_grad(self): ...'])
def test_a_class_is_open(body):
    assert verdict(defined(f'class BasicOptim:\n    {body}', 'BasicOptim')).says.startswith('Open. For ')

def test_half_a_class_is_open():
    class BasicOptim:
        def __init__(self, params, lr): self.params,self.lr = list(params),lr
        def step(self): minus_data(self.params[0], self.lr)
        def zero_grad(self): ...
    assert verdict(BasicOptim).says.startswith('`zero_grad` is still open')

def test_open_shows_what_should_come():
    def mnist_loss(preds, targets): ...
    assert verdict(mnist_loss).says == 'Open. For scores [[2.], [-1.]] and targets [[1], [0]] it should give 0.1941.'

# Errors: one line, with the reader's own line number

cell = """import torch

def helper(x):
    return x.nothing

def mnist_loss(preds, targets):
    "A loss"
    preds = preds.sigmoid()
    return helper(preds)
"""

def test_errors_name_the_line_in_the_cell():
    linecache.cache['<cell 7>'] = (len(cell), None, cell.splitlines(True), '<cell 7>')
    place = {}
    exec(compile(cell, '<cell 7>', 'exec'), place)
    says = verdict(place['mnist_loss']).says
    assert says.startswith("Line 4: AttributeError: 'Tensor' object has no attribute 'nothing'") and '\n' not in says

@pytest.fixture(scope='module')
def shell():
    shell = InteractiveShell.instance()
    yield shell
    InteractiveShell.clear_instance()

def test_in_a_notebook(shell):
    result = shell.run_cell(cell)
    assert result.success
    assert verdict(shell.user_ns['mnist_loss']).says.startswith('Line 4: AttributeError')
    shell.run_cell('def mnist_loss(preds, targets):\n    # a try\n    return torch.wher(targets==1, 1-preds, preds)')
    says = verdict(shell.user_ns['mnist_loss']).says
    assert says.startswith('Line 3: AttributeError')
    with capture_output() as c: assert check(shell.user_ns['mnist_loss']) is None
    assert c.outputs[0].data['text/plain'] == says and c.outputs[0].data['text/markdown'].startswith('**Line 3:** ')

def test_an_error_inside_torch_names_the_readers_line():
    found = verdict(defined('def linear(xb, weights, bias):\n    x = xb\n    return weights@x + bias', 'linear'))
    assert found.says.startswith('Line 3: RuntimeError: mat1 and mat2') and found.mistake

def test_an_error_while_a_loader_is_looped_over():
    found = verdict(defined('def batches(items, bs):\n    yield items[0:bs]\n    yield item', 'batches'))
    assert found.says.startswith('Line 3: NameError')

def test_errors_that_always_mean_the_same():
    def train_epoch(model, dl, opt, loss_func):
        for xb,yb in dl:
            l = loss_func(model(xb), yb)
            l.backward(); l.backward()
    assert verdict(train_epoch).mistake == 'backward twice'
    def mnist_loss(preds, targets):
        if targets == 1: return 1-preds.sigmoid()
        return preds.sigmoid()
    assert verdict(mnist_loss).mistake == 'if with many rows'

def test_endless_recursion_and_exit_are_errors():
    def sigmoid(x): return sigmoid(x)
    assert 'RecursionError' in verdict(sigmoid).says
    def sigmoid(x): raise SystemExit('bye')
    assert 'SystemExit: bye' in verdict(sigmoid).says

def test_an_interrupt_goes_through():
    def sigmoid(x): raise KeyboardInterrupt
    state = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt): verdict(sigmoid)
    assert torch.equal(state, torch.get_rng_state())

def test_other_arguments():
    def mnist_loss(preds): return preds.sigmoid().mean()
    found = verdict(mnist_loss)
    assert found.mistake == 'other arguments' and 'preds, targets' in found.says
    class BasicOptim:
        def step(self): return 1
    assert 'params, lr' in verdict(BasicOptim).says
    def sigmoid(x, steepness=1): return (steepness*x).sigmoid()
    assert verdict(sigmoid).right

# Names and ours

def test_names():
    assert 'no task' in verdict(lambda x: x).says and 'mnist_loss' in verdict(lambda x: x).says
    def my_loss(p, t): return mnist_losses[7](p, t)
    assert 'no task called my_loss' in verdict(my_loss).says and verdict(my_loss, 'mnist_loss').right
    assert 'takes a function' in verdict(3, 'sigmoid').says and 'takes a function' in verdict(None).says

def by_ours(preds, targets): return loss.mnist_loss(preds, targets)
class OursInside(optimizer.BasicOptim): pass
@pytest.mark.parametrize('name,f', [
    ('mnist_loss', mnist_loss), ('mnist_loss', by_ours), ('BasicOptim', OursInside), ('BasicOptim', optimizer.BasicOptim),
    ('train_epoch', lambda *args: optimizer.train_epoch(*args)), ('calc_grad', calc_grad), ('linear', linear)])
def test_ours_is_told(name, f): assert verdict(f, name).says.startswith('That is ours')

@pytest.mark.parametrize('module,name', [('03_mnist_loss', 'mnist_loss'), ('05_optimizer', 'BasicOptim'),
                                         ('03_mnist_loss', 'sigmoid'), ('05_optimizer', 'train_epoch')])
def test_ours_from_the_lesson_is_told(module, name):
    import nbformat
    from conftest import top
    cells = nbformat.read(top/'nbs'/f'{module}.ipynb', 4).cells
    source = '\n'.join(c.source for c in cells if '#| export' in c.source)
    assert verdict(defined(source, name)).says.startswith('That is ours')

def test_what_others_write_is_theirs():
    def sigmoid(x): return x.sigmoid()
    def train_epoch(model, dl, opt, loss_func):  # with an earlier helper of ours
        for xb,yb in dl: opt.zero_grad(); minibatches.calc_grad(xb, yb, model, loss_func); opt.step()
    assert verdict(sigmoid).right and verdict(train_epoch).right

# Nothing outside changes

def test_nothing_outside_changes(capsys):
    def init_params(size, std):
        print('hello'); random.seed(1); np.random.seed(1); torch.manual_seed(1); warnings.simplefilter('error')
        torch.set_default_dtype(torch.float64)
        return (torch.randn(size)*std).requires_grad_()
    before = random.getstate(),np.random.get_state()[1].tolist(),torch.get_rng_state().tolist(),warnings.filters[:]
    with torch.no_grad():
        verdict(init_params)
        assert verdict(lambda p,t: mnist_losses[7](p,t), 'mnist_loss').right and not torch.is_grad_enabled()
    after = random.getstate(),np.random.get_state()[1].tolist(),torch.get_rng_state().tolist(),warnings.filters[:]
    assert before == after and torch.get_default_dtype() == torch.float32
    assert capsys.readouterr().out == ''

def test_check_prints_where_there_is_no_notebook(capsys, monkeypatch):
    monkeypatch.setattr(practice, 'get_ipython', lambda: None)
    def sigmoid(x): ...
    check(sigmoid)
    assert capsys.readouterr().out.startswith('Open. ')

@pytest.mark.parametrize('text,shown', [
    ('Right. It is `a*b`.', '**Right.** It is `a*b`.'), ('Line 3: X: a_b [1]', r'**Line 3:** X: a\_b \[1\]'),
    ('Open. For x [0., 1.] it', r'**Open.** For x \[0., 1.\] it'), ('For x*y', r'For x\*y')])
def test_markdown(text, shown): assert practice._markdown(text) == shown

def test_fast_enough(benchmark=.5):
    import time
    for task in tasks.values():
        start = time.perf_counter()
        named(task, task.right)
        assert time.perf_counter()-start < benchmark
