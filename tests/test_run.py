"`make notebooks`: one run saves what came, and lists every check that failed."
import subprocess, sys
import nbformat
from conftest import top

check = '''#| hide
from fastcore.test import test_eq
test_eq(a, 3); assert 1 < a < 2
@str
def f(): pass
a
test_eq(missing, 1)
a'''

def test_a_failed_check_is_listed_and_the_outputs_are_saved(tmp_path):
    good,bad = tmp_path/'good.ipynb',tmp_path/'bad.ipynb'
    new = nbformat.v4.new_code_cell
    cells = [new('a = 2\na'), new(check), new('#| hide'), new('a + 1')]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), good)
    nbformat.write(nbformat.v4.new_notebook(cells=[*cells, new('1/0')]), bad)
    before = bad.read_bytes()
    command = [sys.executable, top/'tools'/'run.py', good, bad]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if line.startswith('good, cell 1: ')]
    assert [line[14:] for line in said] == ['test_eq(a, 3)', 'assert 1 < a < 2',
                                            'test_eq(missing, 1)']
    assert all(s in done.stderr for s in ('2 is not 3', '(1, 2, 2)', 'NameError', 'ZeroDivision'))
    saved = nbformat.read(good, 4).cells
    assert [[o.data['text/plain'] for o in c.outputs] for c in saved] == [['2'], [], [], ['3']]
    assert [c.source for c in saved] == [c.source for c in cells] and bad.read_bytes() == before
