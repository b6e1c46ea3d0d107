"What a reader meets: checks folded, lines that fit, each figure described."
import re
import nbformat, pytest
from conftest import lessons, notebooks

def each(paths): return pytest.mark.parametrize('path', paths, ids=lambda p: p.stem)

def code(path):
    "Its code cells, by a name to find them by"
    cells = enumerate(nbformat.read(path, 4).cells)
    return {f'{path.stem}, cell {i}': c for i,c in cells if c.cell_type=='code'}

def folds(cell): return bool(cell.metadata.get('jupyter', {}).get('source_hidden'))

@each(notebooks)
def test_hidden_cells_fold(path):
    hidden = {name: c for name,c in code(path).items() if re.search(r'(?m)^#\| *hide\b', c.source)}
    assert [name for name,c in hidden.items() if not folds(c)] == []

@each(notebooks)
def test_colab_folds_what_jupyter_folds(path):
    def folds_in_colab(c): return c.metadata.get('cellView')=='form'
    assert [name for name,c in code(path).items() if folds_in_colab(c) != folds(c)] == []

@each(notebooks)
def test_lines_fit(path):
    # On the page, where a lesson shows them; elsewhere in an editor
    def widest(c): return 88 if path in lessons and not folds(c) else 100
    assert [(name, line) for name,c in code(path).items() for line in c.source.splitlines()
            if len(line) > widest(c) and not line.startswith('#|')] == []

@each(notebooks)
def test_figures_are_described(path):
    def is_figure(o):
        data = o.get('data', {})
        return 'image/png' in data or '<img' in data.get('text/html', '')
    assert [name for name,c in code(path).items() if any(map(is_figure, c.outputs))
            and not re.search(r'(?m)^#\| *fig-alt: *\S', c.source)] == []
