"Notebooks run as they should not be: a cell twice, and a section alone after a restart."
import re
import nbformat, pytest
from nbclient import NotebookClient
from conftest import notebooks

pytestmark = pytest.mark.slow

# Cells, by their ids, that use up what a cell above has made, or check what one above changes when
# it runs twice. Run all cells above again, and they run, too.
fail = {
    '01_gradients': ['4add04d6', '1a12be2c', 'd88f96d1', '944a4827'],
    '02_learning_rate': ['e37362c1'],
    '03_mnist_loss': ['450c7c6b', '747600e7'],
    '04_minibatches': ['53e6da8e'],
    '05_optimizer': ['8328cfe5'],
}

class Kernel(NotebookClient):
    "A kernel that is told one thing at a time"
    def error(self, source):
        "The error that `source` makes, or None"
        self.nb.cells = [nbformat.v4.new_code_cell(source)]
        outputs = self.execute_cell(self.nb.cells[0], 0).outputs
        return next((f'{o.ename}: {o.evalue}' for o in outputs if o.output_type=='error'), None)
    def run(self, *sources):
        for s in sources: assert (e := self.error(s)) is None, f'{s}\n{e}'

@pytest.fixture
def kernel(tmp_path, no_network):
    kernel = Kernel(nbformat.v4.new_notebook(), kernel_name='python3', timeout=1200,
                    allow_errors=True, resources=dict(metadata=dict(path=str(tmp_path))))
    with kernel.setup_kernel(env=no_network): yield kernel

each_notebook = pytest.mark.parametrize('path', notebooks, ids=lambda p: p.stem)

@each_notebook
def test_cells_run_twice(path, kernel):
    failed,above = [],[]
    for c in [c for c in nbformat.read(path, 4).cells if c.cell_type=='code']:
        above.append(c.source)
        if kernel.error(c.source) or kernel.error(c.source):
            failed.append(c.id)
            kernel.run(*above)
    assert failed == fail.get(path.stem, [])

@each_notebook
def test_sections_run_alone(path, kernel, tmp_path):
    # With the imports, each runs, or misses a name that a cell above it makes
    sections = [[]]
    for c in nbformat.read(path, 4).cells:
        if c.cell_type=='code': sections[-1].append(c.source)
        elif re.search('(?m)^## ', c.source): sections.append([])
    kernel.run('_made = []')
    for sources in sections: kernel.run('_made.append({*globals()})', *sources)
    def only_imports(s): return all(re.match(r'import |from |[#\s)]|$', l) for l in s.splitlines())
    imports = list(filter(only_imports, sum(sections, [])))
    for i,sources in enumerate(sections):
        kernel.run('for _name in {*globals()} - _made[0]: del globals()[_name]',
                   f'%cd -q {tmp_path}', *imports)
        e = next(filter(None, map(kernel.error, sources)), None)
        if e is None: continue
        missing = re.match(r"NameError: name '(\w+)' is not defined", e)
        assert missing, f'section {i}: {e}'
        kernel.run(f'assert {missing[1]!r} in _made[{i}]')
