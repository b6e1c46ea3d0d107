"""Every notebook runs in a Jupyter kernel, from another folder and with no network. `make test` ran
each already, by nbdev-test and without a network, so here it takes one, and another where the
reader has chosen how Matplotlib draws; `make test-kernel` takes all."""
import nbformat, pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from conftest import lessons, notebooks, top

fast = ['10_questionnaire']

def run(nb, folder, env):
    where = dict(metadata=dict(path=str(folder)))
    NotebookClient(nb, kernel_name='python3', timeout=1200, resources=where).execute(env=env)

def each(paths, fast):
    "A test for each of the notebooks at `paths`, slow but for the `fast` ones"
    return pytest.mark.parametrize('path', [
        pytest.param(p, id=p.stem, marks=[pytest.mark.slow]*(p.stem not in fast)) for p in paths])

@each(notebooks, fast)
def test_runs(path, tmp_path, no_network):
    run(nbformat.read(path, 4), tmp_path, no_network)
    assert list(tmp_path.iterdir()) == []  # it leaves nothing in the reader's folder

@each([*lessons[:4], top/'nbs'/'workshop'/'pictures.ipynb'], ['00_pixels'])
def test_runs_where_the_reader_has_chosen_how_matplotlib_draws(path, tmp_path, no_network):
    run(nbformat.read(path, 4), tmp_path, no_network | dict(MPLBACKEND='Agg'))

def test_there_is_no_network(tmp_path, no_network):
    code = 'from urllib.request import urlopen; urlopen("http://192.0.2.1", timeout=5)'
    with pytest.raises(CellExecutionError, match='no network in this test'):
        run(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)]), tmp_path, no_network)
