"What a reader meets: tests folded, lines that fit, small functions, lessons as long as they say."
import ast, re
from functools import cache
import nbformat, pytest
from conftest import lessons, notebooks, top

def each(paths): return pytest.mark.parametrize('path', paths, ids=lambda p: p.stem)

@cache
def read(path):
    "Its cells, each with a name to find it by, its lines, and whether Jupyter folds it"
    cells = nbformat.read(path, 4).cells
    for i,c in enumerate(cells):
        c.is_code = c.cell_type=='code'
        c.folds = bool(c.metadata.get('jupyter', {}).get('source_hidden'))
        c.lines = [l for l in c.source.splitlines() if l.strip() and not l.startswith('#|')]
        c.name = f'{path.stem}, cell {i}: {c.lines[0][:60] if c.lines else ""}'
    return cells

def has(cell, directive): return re.search(rf'(?m)^#\| *{directive}\b', cell.source)
def in_view(path): return [c for c in read(path) if c.is_code and not c.folds]
def folded(path): return [c for c in read(path) if c.is_code and c.folds]

# Folding

@each(notebooks)
def test_hidden_cells_fold(path): assert [c.name for c in in_view(path) if has(c, 'hide')] == []

@each(notebooks)
def test_colab_folds_what_jupyter_folds(path):
    def folds_in_colab(c): return c.metadata.get('cellView')=='form'
    assert [c.name for c in read(path) if folds_in_colab(c) != c.folds] == []

def is_import(line): return re.match(r'(import|from|warnings\.filterwarnings)\b', line)
def only_imports(cell): return all(is_import(l) or re.match(r'[\s#)]', l) for l in cell.lines)

@each(lessons)
def test_one_folded_cell_a_section(path):
    # Apart from the one that installs on Colab, and from one of imports
    install,*rest = folded(path)
    assert 'google.colab' in install.source
    free = [c.name for c in rest if only_imports(c)][:1]
    sections = [[]]
    for c in read(path):
        if re.search('(?m)^## ', c.source) and not c.is_code: sections.append([])
        if c in rest and c.name not in free: sections[-1].append(c.name)
    assert [names[1:] for names in sections if len(names) > 1] == []

def test_folded_lines_of_all_lessons():
    # Without imports, the cell that installs on Colab, and what folds for the reader's sake
    tests = {p.stem: [l for c in folded(p) if has(c, 'hide') and 'google.colab' not in c.source
                      for l in c.lines if not is_import(l)] for p in lessons}
    lines = {name: len(tests[name]) for name in tests}
    assert sum(lines.values()) < 360, lines

@each(notebooks)
def test_lines_fit_in_an_editor(path):
    assert [(c.name, l) for c in read(path) if c.is_code for l in c.lines if len(l) > 100] == []

# Code in view

@each(lessons)
def test_lines_fit_on_the_page(path):
    assert [(c.name, l) for c in in_view(path) for l in c.lines if len(l) > 88] == []

most = dict(linear=2, sigmoid=2, batch_accuracy=2, mnist_loss=4, calc_grad=4, BasicOptim=8,
            validate_epoch=8, train_epoch=8, descend=8, TensorDataLoader=20)  # lines; or else 14

def functions(nodes): return [n for n in nodes if isinstance(n, ast.FunctionDef)]

def length(f):
    "Lines of the body of a function, or of all methods of a class, without docstring and comments"
    if isinstance(f, ast.ClassDef): return sum(map(length, functions(f.body)))
    body = f.body[ast.get_docstring(f) is not None:]
    return sum(n.end_lineno-n.lineno+1 for n in body)

@each(lessons)
def test_exported_code_is_small(path):
    trees = [(c.name, ast.parse(c.source)) for c in read(path) if c.is_code and has(c, 'export')]
    def measured(tree):
        classes = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name in most]
        return classes + functions(ast.walk(tree))
    found = [(name, f.name, length(f)) for name,tree in trees for f in measured(tree)]
    assert [f for f in found if f[2] > most.get(f[1], 14)] == []

# Length

def words(path): return sum(len(c.source.split()) for c in read(path) if c.cell_type=='markdown')

by_number = [p for p in lessons if p.stem != 'index']

@cache
def minutes(path):
    "How many minutes the notebook says that it takes"
    said = re.match(r'# .+\n\n> .* (\d+) minutes\.\n', read(path)[0].source)
    assert said, f'the line under the title of {path.stem} does not end with "15 minutes."'
    return int(said[1])

@each(by_number)
def test_minutes(path):
    assert abs(minutes(path) - words(path)/200 - sum(len(c.lines) for c in in_view(path))/25) <= 2

@each(by_number)
def test_minutes_in_the_index(path):
    text = '\n'.join(c.source for c in read(top/'nbs'/'index.ipynb'))
    row, = re.findall(rf'(?m)^\|.*\]\({path.name}\).*\|$', text)
    assert re.search(r'\| *(\d+)( min\w*)? *(\||$)', row)[1] == str(minutes(path))
