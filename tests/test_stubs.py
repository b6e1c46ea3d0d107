"The lessons with their stubs filled in, rightly or wrongly: `check` says which, and all run."
import inspect, re
import nbformat, pytest, torch
from torch import nn
from chapter4_helpers import minibatches, pixels
from chapter4_helpers.interactive.practice import tasks, verdict
from conftest import lessons
from test_kernel import run

pytestmark = pytest.mark.usefixtures('one_thread')

def stubs(nb):
    "Each cell that ends in `check(name)`, and the name"
    for cell in nb.cells:
        if found := re.search(r'(?m)^check\((\w+)\)\s*\Z', cell.source): yield cell,found[1]

asked = {p: {name: cell for cell,name in stubs(nbformat.read(p, 4))} for p in lessons}
asked = {p: cells for p,cells in asked.items() if cells}

def defined(text, name):
    place = dict(torch=torch, nn=nn, mnist_distance=pixels.mnist_distance,
                 calc_grad=minibatches.calc_grad)
    exec(text, place)
    return place[name]

def answers(text): return {re.search(r'(?m)^(?:def|class) (\w+)', a)[1]: a
                           for a in re.split(r'\n\n+', text.strip())}

rights = answers("""
def mnist_distance(a, b): return (a-b).abs().mean((-1,-2))

def is_3(x, mean3, mean7): return mnist_distance(x, mean3) < mnist_distance(x, mean7)

def slope(f, x): return (f(x+.0001)-f(x))/.0001

def gradient(f, x):
    x = torch.tensor(float(x)).requires_grad_()
    f(x).backward()
    return x.grad

def descend(f, params, lr, steps):
    params,path = params.clone().requires_grad_(),[]
    for i in range(steps):
        loss = f(params)
        path.append((params.detach().clone(), loss.item()))
        loss.backward()
        params.data -= lr*params.grad
        params.grad = None
    return path + [(params.detach(), f(params).item())]

def init_params(size, std): return (torch.randn(size)*std).requires_grad_()

def linear(xb, weights, bias): return xb@weights + bias

def batch_accuracy(preds, targets): return ((preds>0) == targets).float().mean()

def sigmoid(x): return 1/(1+torch.exp(-x))

def mnist_loss(preds, targets): return (targets-preds.sigmoid()).abs().mean()

def batches(items, bs):
    for i in range(0, len(items), bs): yield items[i:i+bs]

def calc_grad(xb, yb, model, loss_func):
    loss = loss_func(model(xb), yb)
    loss.backward()
    return loss

def validate_epoch(model, dl, metric):
    preds,targets = [],[]
    for xb,yb in dl:
        preds.append(model(xb))
        targets.append(yb)
    return metric(torch.cat(preds), torch.cat(targets)).item()

class BasicOptim:
    def __init__(self, params, lr): self.params,self.lr = list(params),lr
    def step(self):
        for p in self.params: p.data -= p.grad*self.lr
    def zero_grad(self):
        for p in self.params: p.grad = None

def train_epoch(model, dl, opt, loss_func):
    for xb,yb in dl:
        calc_grad(xb, yb, model, loss_func)
        opt.step()
        opt.zero_grad()

def relu(x): return x.clamp(min=0)

def simple_net(n_in, n_hidden, n_out):
    return nn.Sequential(nn.Linear(n_in, n_hidden), nn.ReLU(), nn.Linear(n_hidden, n_out))

def convolve(image, kernel):
    h,w = kernel.shape
    rows,cols = image.shape[0]-h+1,image.shape[1]-w+1
    return torch.stack([torch.stack([(image[r:r+h,c:c+w]*kernel).sum() for c in range(cols)])
                        for r in range(rows)])

def softmax(scores):
    e = (scores - scores.max(1, keepdim=True)[0]).exp()
    return e/e.sum(1, keepdim=True)

def cross_entropy(scores, targets):
    return -scores.log_softmax(1)[range(len(targets)), targets].mean()
""")

def wrong(name):
    "An answer that takes whatever comes, and is wrong in what it returns"
    if name != 'BasicOptim': return f'def {name}(*args): return "wrong"'
    return rights[name].replace('-=', '+=')

filled = dict(right=rights, wrong={name: wrong(name) for name in rights})

def test_each_task_of_a_lesson_is_asked_there_and_nothing_else():
    for path,cells in asked.items():
        assert set(cells) == {t.name for t in tasks.values() if t.lesson == path.stem}

def test_a_task_takes_what_its_stub_takes():
    for name,cell in [item for cells in asked.values() for item in cells.items()]:
        stub = defined(cell.source.replace(f'check({name})', ''), name)
        assert [*inspect.signature(stub).parameters] == [
            *inspect.signature(tasks[name].right).parameters], name
        assert verdict(stub).says.startswith('Open. ')

@pytest.mark.parametrize('name', tasks)
def test_the_answers_are_right_and_wrong(name):
    assert verdict(defined(rights[name], name)).right
    found = verdict(defined(wrong(name), name))
    assert not found.right and not found.says.startswith(('Open', 'That is ours'))

@pytest.mark.parametrize('how', filled)
@pytest.mark.parametrize('path', [
    pytest.param(p, id=p.stem, marks=[pytest.mark.slow]*(p.stem != '00_pixels')) for p in asked])
def test_a_lesson_runs_whatever_its_reader_wrote(path, how, tmp_path, no_network):
    nb = nbformat.read(path, 4)
    for cell,name in stubs(nb): cell.source = f'{filled[how][name]}\n\ncheck({name})'
    run(nb, tmp_path, no_network)
    for cell,name in stubs(nb):
        said = cell.outputs[-1].data['text/plain']
        assert said.startswith('Right. ') == (how == 'right'), (name, said)
