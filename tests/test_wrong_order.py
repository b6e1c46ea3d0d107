"Notebooks run as they should not be: a cell twice, and a section alone after a restart of the kernel."
import ast, re
import nbformat, pytest
from nbclient import NotebookClient
from conftest import top

def each_notebook(*quick):
    "All of them, those that are not named only where the slow tests run"
    return pytest.mark.parametrize('name', [pytest.param(p.stem, marks=[pytest.mark.slow]*(p.stem not in quick)) for p in sorted((top/'nbs').glob('*.ipynb'))])

# These cells go on from where they stand: take another step, draw other random numbers, or use up what a cell above has made.
# Run twice, they change what comes below. For each, the text it begins with, after which `Run All` must put everything right.
goes_on = {
    '01_gradients': ['yt.backward()', 'def sum_f(x)', '#| hide\ntest_eq((first, x.grad.item()), (6,12))', 'w.grad.zero_()'],
    '02_learning_rate': ['with torch.no_grad(): x -= lr*x.grad', 'for i in range(3):\n    f(x).backward()', 'torch.manual_seed(42)', 'start = torch.randn(3)',
                         'loss.backward()', 'lr = 1e-5', 'icons = iter'],
    '03_mnist_loss': ['loss.backward()', 'with torch.no_grad():\n    weights -='],
    '04_minibatches': ['calc_grad(xb, yb, linear1), weights.grad.mean()'],
    '05_optimizer': ['#| hide\ntest_eq([h.epoch for h in history]', '#| hide\ntest_close(ours, learn.model.weight'],
    '09_learner': ['#| hide\nrow = learn.recorder.values[-1]'],
}

class Kernel(NotebookClient):
    "Run cells one by one"
    def __init__(self, nb, folder): super().__init__(nb, kernel_name='python3', timeout=1200, allow_errors=True, resources=dict(metadata=dict(path=str(folder))))
    def error(self, cell):
        "Run `cell`; its error, if there is one, as name and text"
        self.execute_cell(cell, self.nb.cells.index(cell))
        return next(((o.ename, o.evalue) for o in cell.outputs if o.output_type=='error'), None)
    def do(self, source):
        self.nb.cells.append(cell := nbformat.v4.new_code_cell(source))
        assert self.error(cell) is None
        self.nb.cells.pop()

def sections(nb):
    "Each heading with the code cells under it"
    found = [('', [])]
    for c in nb.cells:
        if c.cell_type=='code': found[-1][1].append(c)
        else: found += [(h, []) for h in re.findall('(?m)^## (.+)', c.source)]
    return found

def made_by(cells):
    "The names that the cells make, but for those a function keeps to itself"
    code = re.sub(r'(?m)^(\s*)[%!].*', r'\1pass', '\n'.join(c.source for c in cells))
    tree = ast.parse(code)
    inside = {id(n) for f in ast.walk(tree) if isinstance(f, (ast.FunctionDef, ast.Lambda, ast.ClassDef)) for n in ast.walk(f) if n is not f}
    outside = [n for n in ast.walk(tree) if id(n) not in inside]
    return ({n.id for n in outside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        | {n.name for n in outside if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
        | {(a.asname or a.name).split('.')[0] for n in outside if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names})

@each_notebook('01_gradients', '03_mnist_loss', '10_questionnaire')
def test_cells_run_twice(name, tmp_path, no_network):
    nb = nbformat.read(top/'nbs'/f'{name}.ipynb', 4)
    cells,once = [c for c in nb.cells if c.cell_type=='code'],goes_on.get(name, [])
    assert [s for s in once if not any(c.source.startswith(s) for c in cells)] == [], 'no such cells'
    kernel = Kernel(nb, tmp_path)
    with kernel.setup_kernel(env=no_network):
        for c in cells:
            for time in ('first',) if c.source.startswith(tuple(once)) else ('first', 'second'):
                assert kernel.error(c) is None, f'the {time} time: {c.source}'
        # Now each of the others a second time. What they break, running all the cells mends
        for c in cells:
            if c.source.startswith(tuple(once)): kernel.error(c)
        for c in cells: assert kernel.error(c) is None, f'after all of it: {c.source}'

@each_notebook('00_pixels', '01_gradients', '02_learning_rate', '03_mnist_loss', '04_minibatches', '05_optimizer', '10_questionnaire')
def test_section_alone_after_a_restart(name, tmp_path, no_network):
    # Either it runs, or it misses a name that a cell above it makes
    nb = nbformat.read(top/'nbs'/f'{name}.ipynb', 4)
    parts = sections(nb)
    first = next((i for i,(title,_) in enumerate(parts) if title=='Where we are'), 0)
    kernel = Kernel(nb, tmp_path)
    with kernel.setup_kernel(env=no_network):
        for c in sum((cells for _,cells in parts[:first+1]), []): assert kernel.error(c) is None
        kernel.do('_first = dict(globals())')
        for i,(title,cells) in enumerate(parts[first+1:], first+1):
            kernel.do("for _k in [*globals()]:\n    if _k not in _first and _k != '_first': del globals()[_k]\nglobals().update(_first)")
            e = next(filter(None, map(kernel.error, cells)), None)
            if e is None: continue
            missing = re.match("name '(.+?)' is not defined.* Choose Run, Run All Above Selected Cell", e[1])
            assert e[0]=='NameError' and missing, f'{title}: {e}'
            assert missing[1] in made_by(sum((cells for _,cells in parts[:i]), [])), f'{title}: {e[1]}, and nothing above makes it'
