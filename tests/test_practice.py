"What `check` says: of each mistake, of right answers in any style, of stubs, errors and ours."
import linecache, random, re, time, warnings
from itertools import islice
import nbformat, numpy as np, pytest, torch
import torch.nn.functional as F
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from chapter4_helpers import loss, minibatches, optimizer
from chapter4_helpers.interactive import practice
from chapter4_helpers.interactive.practice import check, tasks, verdict
from conftest import top

pytestmark = pytest.mark.usefixtures('one_thread')
each_task = pytest.mark.parametrize('task', tasks.values(), ids=lambda t: t.name)

def written(text):
    "What is defined last in `text`, as a reader's cell would"
    place = dict(torch=torch, F=F, np=np, islice=islice, calc_grad=minibatches.calc_grad)
    exec(text, place)
    return place[re.findall(r'(?m)^(?:def|class) (\w+)', text)[-1]]

# Mistakes

@each_task
def test_each_mistake_is_recognised(task):
    for name,m in task.mistakes.items():
        for wrong in (m.wrong, *m.also):  # as `verdict`, which would say that they are ours
            found = practice._judge(task, wrong)
            assert (found.right, found.mistake) == (False, name), found
            assert found.says.endswith(m.says)

@each_task
def test_the_right_one_is_right_and_soon_said(task):
    start = time.perf_counter()
    assert practice._judge(task, task.right) == (True, '', f'Right. {task.praise}')
    assert len(task.mistakes) >= 6 and time.perf_counter()-start < 1

def test_the_tasks_that_the_lessons_name():
    assert set(tasks) == set('''mnist_distance is_3 slope gradient descend init_params linear
        sigmoid mnist_loss batch_accuracy batches calc_grad validate_epoch BasicOptim train_epoch
        relu simple_net convolve softmax cross_entropy'''.split())

def test_a_mistake_beside_another_is_named():
    assert verdict(lambda size,std: torch.rand(size)*3, 'init_params').mistake == 'no gradients'

@pytest.mark.parametrize('name,f,mistake', [
    ('slope', lambda f,x: (f(x+1e-18)-f(x))/1e-18, 'a run too small'),
    ('slope', lambda f,x: f(x)+1e-3-f(x), ''), ('slope', lambda f,x: f(x+1e-11)-f(x), ''),
    ('batch_accuracy', lambda p,t: (t==1 if p>0 else t==0).float().mean(), 'if with many rows'),
    ('batches', lambda items,bs: (item for item in items[:bs]), 'items of the first batch'),
    ('batches', lambda items,bs: items[:bs], 'return for yield'),
    ('mnist_loss', lambda p,t: mnist_losses[0](p, t).mean, 'brackets missing'),
    ('calc_grad', lambda xb,yb,model,loss_func: loss_func(model(xb).detach(), yb).backward(),
     'gradient lost')])
def test_what_looks_alike_is_told_apart(name, f, mistake):
    assert verdict(f, name)[:2] == (False, mistake)

# Right answers in whatever style: expressions, then functions and classes

def parts(text): return re.split('; |\n', text.strip())
def expressions(args, text): return [eval(f'lambda {args}: {e}') for e in parts(text)]
def sources(text): return [written(source) for source in text.strip().split('\n\n')]

mnist_losses = expressions('p,t', """
torch.where(t==1, 1-p.sigmoid(), p.sigmoid()).mean()
torch.where(t==0, p.sigmoid(), 1-p.sigmoid()).mean(); (t-p.sigmoid()).abs().mean()
F.l1_loss(p.sigmoid(), t.float()); F.l1_loss(torch.sigmoid(p).squeeze(), t.squeeze().float())
(t*(1-loss.sigmoid(p)) + (1-t)*loss.sigmoid(p)).mean()
torch.where(t==1, (-p).sigmoid(), p.sigmoid()).mean(); (p*(1-2*t)).sigmoid().mean()
((p.sigmoid()-t)**2).sqrt().mean()
(p.sigmoid()-t).abs().sum()/len(t); 1-torch.where(t==1, p.sigmoid(), 1-p.sigmoid()).mean()
.5*(1-(p/2).tanh()*(2*t-1)).mean(); sum(torch.where(t==1, 1-p.sigmoid(), p.sigmoid()))/len(p)
(1/(1+torch.exp(-p))-t).abs().mean(0)
torch.linalg.vector_norm(p.sigmoid()-t, 1)/t.numel()
torch.cat([1-p.sigmoid()[t==1], p.sigmoid()[t==0]]).mean()
torch.stack([abs(b-a.sigmoid()) for a,b in zip(p.view(-1), t.view(-1))]).mean()
((t==1)*(1-p.sigmoid()) + (t==0)*p.sigmoid()).sum()/p.numel()
""") + sources("""
def f(preds, targets, reduction='mean'):
    'With a docstring and a default'
    distances = (preds.sigmoid() - targets).abs()
    return getattr(distances, reduction)()

def f(preds, targets):
    total = 0.
    for p,t in zip(preds, targets): total = total + (1-p.sigmoid() if t==1 else p.sigmoid())
    return total/len(preds)
""")

accuracies = expressions('p,t', """
((p>0)==t).float().mean(); ((p>0)==t).float().mean().item(); ((p>0.0).float()==t).float().mean()
((p.sigmoid()>.5)==t).float().mean(); ((p.sigmoid()>.5)==(t==1)).sum()/len(p)
(p.sigmoid().round()==t).float().mean(); 1-((p>0)!=t).float().mean()
np.mean((p.numpy()>0)==t.numpy()); ((p.numpy()>0)==t.numpy()).mean()
torch.where(p>0, t, 1-t).float().mean(); ((p>0).squeeze()==t.squeeze()).float().mean()
((p>0)==t.bool()).double().mean(); ((p*(2*t-1))>0).float().mean()
1-((p>0).int()-t).abs().float().mean(); torch.eq(p>0, t).float().mean()
((p>0)==t).sum().item()/t.numel(); 1-((p>0)^(t==1)).float().mean(); ((p>0)==t).float().mean(0)
torch.tensor([float((a>0)==b) for a,b in zip(p, t)]).mean()
sum(int(a>0)==b for [a],[b] in zip(p.tolist(), t.tolist()))/len(p); ((p>=0)==t).float().mean()
""")

def optim(step='p -= self.lr*p.grad', zero='p.grad = None', keep='list(params)'):
    return written(f"""class BasicOptim:
    def __init__(self, params, lr): self.params,self.lr = {keep},lr
    @torch.no_grad()
    def step(self):
        for p in self.params: {step}
    def zero_grad(self):
        for p in self.params: {zero}""")

steps = """
p.data -= self.lr*p.grad; p.data = p.data - p.grad.data*self.lr; p[:] = p - self.lr*p.grad
p.sub_(self.lr*p.grad); p.add_(p.grad, alpha=-self.lr); p.copy_(p - self.lr*p.grad)
p.addcmul_(p.grad, torch.tensor(-self.lr)); p.data.sub_(p.grad*self.lr); p.set_(p - self.lr*p.grad)
p.lerp_(p - p.grad, self.lr)
""".strip()
zeros = ['p.grad.zero_()', 'p.grad = torch.zeros_like(p)', 'p.grad is None or p.grad.data.zero_()']
optimizers = [
    optim(), optim(keep='tuple(params)'), *map(optim, parts(steps)),
    *(optim(zero=z) for z in zeros), torch.optim.SGD, lambda *args: torch.optim.SGD(*args),
    *sources("""
class f:
    def __init__(self, params, lr=.1): self.sgd = torch.optim.SGD(params, lr=lr)
    def step(self): self.sgd.step()
    def zero_grad(self): self.sgd.zero_grad()

class f(torch.optim.Optimizer):
    def __init__(self, params, lr): super().__init__(params, dict(lr=lr))
    def step(self):
        for group in self.param_groups:
            for p in group['params']: p.data.add_(p.grad, alpha=-group['lr'])

class f:
    __slots__ = 'ps','rate'
    def __init__(self, params, lr): self.ps,self.rate = [*params],lr
    def step(self):
        with torch.no_grad():
            for i in range(len(self.ps)): self.ps[i] -= self.rate*self.ps[i].grad
    def zero_grad(self, *args): [setattr(p, 'grad', None) for p in self.ps]
""")]

def epoch(body, after='None', before=''):
    lines = '\n        '.join(body.split('; '))
    return written(f'def f(model, dl, opt, loss_func):\n    losses = []\n    {before}\n'
                   f'    for xb,yb in dl:\n        {lines}\n    return {after}')

last = 'l = loss_func(model(xb), yb); l.backward(); opt.step(); opt.zero_grad(); losses += [l]'
first = 'opt.zero_grad(); losses += [calc_grad(xb, yb, model, loss_func)]; opt.step()'
epochs = [*map(epoch, (last, first, last + '; opt.zero_grad()', 'x,y = xb,yb; ' + last)),
    *(epoch(last, after) for after in ('sum(losses).item()/len(dl)', 'print("done")', 'losses',
        'np.mean([v.item() for v in losses])', 'torch.stack(losses).mean()', 'model.eval()',
        '[sum(losses).view(1,1)/len(dl)]')), epoch(first, 'float(sum(losses))/len(losses)'),
    *(epoch(last, before=before) for before in ('model.train()', 'opt.zero_grad()')),
    epoch(last + '; losses[-1] = l.item()*len(xb)', 'sum(losses)/len(dl.x)'),
    *(epoch(last.replace(*ab)) for ab in (
        ('opt.zero_grad()', 'model.zero_grad()'), ('opt.zero_grad()', 'model.weight.grad = None'),
        ('model(xb)', 'model.forward(xb)'), ('model(xb)', 'F.linear(xb, model.weight)'),
        ('l.backward()', 'torch.autograd.backward(l)'))), *sources("""
def f(model, dl, opt, loss_func):
    it = iter(dl)
    while (b := next(it, None)) is not None:
        opt.zero_grad()
        loss_func(model(b[0]), b[1]).backward()
        opt.step()
""")]

loaders = expressions('items,bs', """
[items[i:i+bs] for i in range(0, len(items), bs)]
(items[i:i+bs] for i in range(0, len(items), bs))
tuple(tuple(items[i:i+bs]) for i in range(0, len(items), bs)); torch.tensor(list(items)).split(bs)
map(lambda i: items[i:i+bs], range(0, len(items), bs))
[items[k*bs:(k+1)*bs] for k in range((len(items)+bs-1)//bs)]
[items[k*bs:(k+1)*bs] for k in range(-(-len(items)//bs))]
np.split(np.array(items), range(bs, len(items), bs))
np.array_split(items, range(bs, len(items), bs))
[list(items)[i:min(i+bs, len(items))] for i in range(0, len(items), bs)]
iter([items[i:i+bs] for i in range(len(items)) if i%bs == 0])
[[items[j] for j in range(i, min(i+bs, len(items)))] for i in range(0, len(items), bs)]
iter(lambda it=iter(items): list(islice(it, bs)), [])
{i//bs: items[i//bs*bs:i//bs*bs+bs] for i in range(len(items))}.values()
""") + sources("""
def f(items, bs):
    for i in range(0, len(items), bs): yield items[i:i+bs]

def f(items, bs):
    while items: yield items[:bs]; items = items[bs:]

def f(items, bs):
    it = iter(items)
    while chunk := list(islice(it, bs)): yield chunk

def f(items, bs): return [items[:bs], *f(items[bs:], bs)] if len(items) else []

def f(items, bs):
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == bs: yield batch; batch = []
    if batch: yield batch

class f:
    def __init__(self, items, bs): self.items,self.bs = items,bs
    def __iter__(self):
        for i in range(0, len(self.items), self.bs): yield self.items[i:i+self.bs]
""")

styles = dict(mnist_loss=mnist_losses, batch_accuracy=accuracies, BasicOptim=optimizers,
              train_epoch=epochs, batches=loaders)
others = dict(
    is_3=expressions('x,mean3,mean7', """
((x-mean3).abs().sum((-1,-2)) - (x-mean7).abs().sum((-1,-2))) <= 0
[bool((i-mean3).abs().mean() < (i-mean7).abs().mean()) for i in x.view(-1,*mean3.shape)]
"""), init_params=expressions('size,std=1.', """
(torch.randn(size)*std).requires_grad_(); torch.nn.Parameter(std*torch.randn(size))
"""), slope=expressions('f,x,h=1e-9', "(f(x+h)-f(x-h))/(2*h); (f(x)-f(x-h))/h"),
    validate_epoch=expressions('model,dl,metric', "round(metric(model(dl.x), dl.y).item(), 4)"))
rights = [pytest.param(k, f, id=f'{k}-{i}')
          for k,fs in (styles|others).items() for i,f in enumerate(fs)]

@pytest.mark.parametrize('name,f', rights)
def test_right_in_any_style(name, f): assert verdict(f, name).right, verdict(f, name)

def test_twenty_ways(): assert min(map(len, styles.values())) >= 20

def by_rows(model, dl, metric):
    return minibatches.mean_over_rows([(metric(model(xb), yb).item(), len(yb)) for xb,yb in dl])

@pytest.mark.parametrize('name,f,word', [
    ('batch_accuracy', accuracies[-1], 'exactly 0'), ('validate_epoch', by_rows, 'mean over rows'),
    ('BasicOptim', optim(zero='p.grad.zero_()'), 'no gradient')])
def test_right_with_a_remark(name, f, word):
    found = verdict(f, name)
    assert found.right and word in found.says and word not in tasks[name].praise

# Unknown mistakes: what came and what should have, and no guess

def test_an_unknown_mistake_is_shown():
    found = verdict(lambda p,t: mnist_losses[0](p, t)*3 + 1, 'mnist_loss')
    assert found[:2] == (False, '') and '0.1941' in found.says and '1.582' in found.says
    found = verdict(lambda a,b: (a-b).abs().mean((-1,-2))[None,None], 'mnist_distance')
    assert '[3]' in found.says and '[1, 1, 3]' in found.says

def test_every_input_is_fresh():
    def f(p, t): return [accuracies[0](p, t), p.zero_(), t.zero_()][0]
    assert verdict(f, 'batch_accuracy').right

def test_an_endless_loader_ends():
    assert not verdict(lambda items,bs: iter(lambda: items[:bs], None), 'batches').right

# Stubs

stubs = ['...', 'pass', 'return', 'return None', '"Says"', '"Says"\n    ...', '# to do\n    pass',
         'raise NotImplementedError', 'raise NotImplementedError("to do")']

@pytest.mark.parametrize('body', stubs)
@pytest.mark.parametrize('head', ['def mnist_loss(preds, targets)', 'def batches(items, bs)',
                                  'def init_params(size, std=1.0)', 'class BasicOptim'])
def test_stubs_are_open(head, body):
    if head[0] == 'c': head += ':\n  def __init__(self, params, lr): ...\n  def step(self)'
    found = verdict(written(f'{head}:\n    {body}'))
    assert found[:2] == (False, '') and found.says.startswith('Open. For ')

def test_half_a_class_is_open():
    half = 'class BasicOptim:\n def __init__(self, params, lr): self.lr = lr\n def step(self): ...'
    assert verdict(written(half)).says.startswith('`step` is still open')

def test_open_shows_what_should_come():
    says = verdict(written('def mnist_loss(preds, targets): ...')).says
    assert says == 'Open. For scores [[2.], [-1.]] and targets [[1], [0]] it should give 0.1941.'

# Errors: one line, with the reader's own line number

cell = """import torch

def helper(x):
    return x.nothing

def mnist_loss(preds, targets):
    "A loss"
    return helper(preds.sigmoid())
"""

def test_errors_name_the_line_in_the_cell():
    linecache.cache['<7>'],place = (len(cell), None, cell.splitlines(True), '<7>'),{}
    exec(compile(cell, '<7>', 'exec'), place)
    says = verdict(place['mnist_loss']).says
    assert re.match("Line 4: AttributeError: .*'nothing'", says) and '\n' not in says

def test_in_a_notebook():
    shell = InteractiveShell.instance()
    try:
        assert shell.run_cell(cell).success
        mnist_loss = shell.user_ns['mnist_loss']
        says = verdict(mnist_loss).says
        with capture_output() as c: assert check(mnist_loss) is None
    finally: InteractiveShell.clear_instance()
    assert says.startswith('Line 4: AttributeError') and c.outputs[0].data['text/plain'] == says
    assert c.outputs[0].data['text/markdown'].startswith('**Line 4:** ')

@pytest.mark.parametrize('text,line,mistake', [
    ('def linear(x, w, b):\n y = w@x\n return y + b', 'Line 2: RuntimeError', 'fit'),
    ('def batches(items, bs):\n yield items[:bs]\n yield item', 'Line 3: NameError', 'name'),
    ('def sigmoid(x):\n if x > 0: return x\n return 1-x', 'Line 2: RuntimeError', 'if with many'),
    ('def sigmoid(x): return sigmoid(x)', 'Line 1: RecursionError', 'no end'),
    ('def sigmoid(x): raise SystemExit("bye")', 'Line 1: SystemExit: bye', ''),
    ('def mnist_loss(preds): return preds', '`mnist_loss` is called with 2', 'other arguments'),
    ('class simple_net(torch.nn.Module):\n def __init__(self, n_in, n_hidden, n_out):\n'
     '  super().__init__()\n  self.a,self.b = [torch.nn.Linear(a, b) for a,b in ('
     '(n_in,n_hidden), (n_hidden,n_out))]', 'NotImplementedError', 'no forward'),
    ('class BasicOptim:\n def step(self): return 1', '`BasicOptim` is called with 2', 'other arg'),
    ('def calc_grad(xb, yb, model, loss_func):\n l = loss_func(model(xb), yb)\n l.backward()\n'
     ' l.backward()', 'Line 4: RuntimeError', 'backward twice')])
def test_errors_in_one_line(text, line, mistake):
    found = verdict(written(text))
    assert found.says.startswith(line) and mistake in found.mistake and '\n' not in found.says

def test_an_interrupt_goes_through():
    before,f = outside(),written('def sigmoid(x): raise KeyboardInterrupt')
    with pytest.raises(KeyboardInterrupt): verdict(f)
    assert outside() == before

# Names and ours

def test_names():
    found = verdict(lambda x: x)
    assert not found.right and 'no task' in found.says and 'mnist_loss' in found.says
    assert verdict(mnist_losses[0], 'mnist_loss').right
    for nothing in (3, None): assert 'takes a function' in verdict(nothing, 'sigmoid').says

class OursInside(optimizer.BasicOptim): pass

@pytest.mark.parametrize('name,f', [
    ('mnist_loss', loss.mnist_loss), ('mnist_loss', lambda p,t: loss.mnist_loss(p, t)),
    ('BasicOptim', optimizer.BasicOptim), ('BasicOptim', OursInside), ('linear', loss.linear),
    ('train_epoch', lambda *args: optimizer.train_epoch(*args))])
def test_ours_is_told(name, f): assert verdict(f, name).says.startswith('That is ours')

@pytest.mark.parametrize('lesson,names', [('03_mnist_loss', ['mnist_loss', 'sigmoid', 'linear']),
                                          ('05_optimizer', ['BasicOptim', 'train_epoch'])])
def test_ours_from_the_lesson_is_told(lesson, names):
    cells,place = nbformat.read(top/'nbs'/f'{lesson}.ipynb', 4).cells,{}
    exec('\n'.join(c.source for c in cells if '#| export' in c.source), place)
    for name in names: assert verdict(place[name]).says.startswith('That is ours')

def test_what_others_write_is_theirs():
    assert verdict(written('def sigmoid(x): return x.sigmoid()')).right
    assert verdict(epoch(first), 'train_epoch').right  # with `calc_grad` of ours

# Nothing outside changes

def outside():
    return (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist(),
            warnings.filters[:], torch.is_grad_enabled(), torch.get_default_dtype())

def test_nothing_outside_changes(capsys):
    def changes(p, t):
        print('hello'); random.seed(1); np.random.seed(1); torch.manual_seed(1)
        warnings.simplefilter('error'); torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(True)
        return mnist_losses[0](p, t)
    with torch.no_grad():
        before = outside()
        assert verdict(changes, 'mnist_loss').right
        assert outside() == before
    assert capsys.readouterr().out == ''

def test_check_prints_where_there_is_no_notebook(capsys):
    check(written('def sigmoid(x): ...'))
    assert capsys.readouterr().out.startswith('Open. ')

@pytest.mark.parametrize('text,shown', [
    ('Right. It is `a*b`.', '**Right.** It is `a*b`.'), ('For x*y', r'For x\*y'),
    ('Line 3: X: a_b [1]', r'**Line 3:** X: a\_b \[1\]')])
def test_markdown(text, shown): assert practice._markdown(text) == shown
