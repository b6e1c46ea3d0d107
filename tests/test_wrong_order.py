"Notebooks run as they should not be: a cell twice, and a section alone after a restart of the kernel."
import ast, re
import nbformat, pytest
from nbclient import NotebookClient
from conftest import top
from test_kernel import paths, slow

def each_notebook(*left_out):
    return pytest.mark.parametrize('name', [pytest.param(p.stem, marks=[pytest.mark.slow]*(p.stem in left_out)) for p in paths])

# These cells use up what a cell above has made, or check what one above changes when it runs twice: how each begins
fail = {
    '01_gradients': ['yt.backward()', '#| hide\ntest_eq(total.item(), 7.25)', '#| hide\ntest_eq((first, x.grad.item()), (6,12))', 'w.grad.zero_()'],
    '02_learning_rate': ['with torch.no_grad(): x -= lr*x.grad', '#| hide\ntest_close(x.item(), 3*.8**4', '#| hide\ntest_close(loss.item(), 25823.81',
                         'loss.backward()', 'lr = 1e-5'],
    '03_mnist_loss': ['loss.backward()', '#| hide\nafter = mnist_loss'],
    '04_minibatches': ['#| hide\ng = weights.grad.clone()'],
    '05_optimizer': ['#| hide\ntest_eq([h.epoch for h in history]', '#| hide\nfrom tempfile import TemporaryDirectory\ntest_close(ours, learn.model.weight'],
    '09_learner': ['#| hide\nrow = learn.recorder.values[-1]'],
    '11_many_machines': ['#| hide\nassert run.returncode not in (None,0)', '#| hide\nassert difference(resumed'],
}

advice = 'Choose Run, Run All Above Selected Cell'

class Kernel(NotebookClient):
    "Run cells one by one"
    def __init__(self, nb, folder): super().__init__(nb, kernel_name='python3', timeout=1200, allow_errors=True, resources=dict(metadata=dict(path=str(folder))))
    def error(self, cell):
        "Run `cell`; its error, if there is one, and what is said under it"
        self.execute_cell(cell, self.nb.cells.index(cell))
        said = ''.join(o.text for o in cell.outputs if o.get('name')=='stderr')
        return next((f'{o.ename}: {o.evalue}\n{said}' for o in cell.outputs if o.output_type=='error'), None)
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

@each_notebook(*slow)
def test_cells_run_twice(name, tmp_path, no_network):
    # No others fail than those named, each says what to run, and that mends it
    nb = nbformat.read(top/'nbs'/f'{name}.ipynb', 4)
    cells = [c for c in nb.cells if c.cell_type=='code']
    kernel,failed = Kernel(nb, tmp_path),[]
    with kernel.setup_kernel(env=no_network):
        for i,c in enumerate(cells):
            for time in ('first', 'second'):
                if e := kernel.error(c):
                    failed.append(c.source)
                    assert advice in e, f'the {time} time: {c.source}: {e}'
                    for above in cells[:i+1]: assert kernel.error(above) is None, f'in spite of the advice: {above.source}'
    starts = fail.get(name, [])
    assert len(failed)==len(starts) and all(map(str.startswith, failed, starts)), failed

@each_notebook('index')
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
            missing = re.match(r"NameError: name '(.+?)' is not defined|ModuleNotFoundError: No module named '(.+?)'|FileNotFoundError: .* '(.+?)'", e)
            assert missing and advice in e, f'{title}: {e}'
            above,(variable,module,file) = sum((cells for _,cells in parts[:i]), []),missing.groups()
            made = variable in made_by(above) if variable else (file or f'{module}.py') in '\n'.join(c.source for c in above)
            assert made, f'{title}: {e}, and nothing above makes it'
