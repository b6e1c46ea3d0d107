"Every notebook runs in a Jupyter kernel, from another folder and with no network. `make test-kernel` runs the slow ones too."
from pathlib import Path
import nbformat, pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

slow = '07_going_deeper', '08_all_digits', 'index'
paths = sorted((Path(__file__).parents[1]/'nbs').glob('*.ipynb'))

def run(nb, folder, env):
    NotebookClient(nb, kernel_name='python3', timeout=1200, resources=dict(metadata=dict(path=str(folder)))).execute(env=env)

@pytest.mark.parametrize('path', [pytest.param(p, id=p.stem, marks=[pytest.mark.slow]*(p.stem in slow)) for p in paths])
def test_runs(path, tmp_path, no_network):
    run(nbformat.read(path, 4), tmp_path, no_network)
    assert list(tmp_path.iterdir()) == []  # it leaves nothing in the reader's folder

def test_there_is_no_network(tmp_path, no_network):
    cell = nbformat.v4.new_code_cell('from urllib.request import urlopen; urlopen("http://192.0.2.1", timeout=5)')
    with pytest.raises(CellExecutionError, match='no network in this test'):
        run(nbformat.v4.new_notebook(cells=[cell]), tmp_path, no_network)
