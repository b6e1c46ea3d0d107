"""A notebook as on Colab and Kaggle: its first code cell installs the helpers from the branch, and
the others work with those. Where that is not possible, it says what to do."""
import importlib.util, os, subprocess, sys
from types import SimpleNamespace
import nbformat, pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbclient.exceptions import CellExecutionError
from conftest import notebooks, top
from settings import settings
from test_kernel import run

# The cell where nothing is real

@pytest.mark.parametrize('where, there, network, installs, says', [
    ('colab', False, True, True, None), ('kaggle', False, True, True, None),
    ('colab', True, True, False, None), ('kaggle', True, True, False, None),
    ('elsewhere', True, True, False, None),
    ('elsewhere', False, True, False, f'%pip install {settings.pip}'),
    ('kaggle', False, False, True, 'Internet on')])
def test_first_cell(where, there, network, installs, says, monkeypatch):
    asked = []
    def pip(magic, line):
        asked.append(line.format(**ns))
        if network: found.append('chapter4_helpers')
    found = ['chapter4_helpers']*there
    if where=='colab': monkeypatch.setitem(sys.modules, 'google.colab', sys)
    if where=='kaggle': monkeypatch.setenv('KAGGLE_KERNEL_RUN_TYPE', 'Interactive')
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: name if name in found else None)
    ns = dict(get_ipython=lambda: SimpleNamespace(run_line_magic=pip))
    source = nbformat.read(top/'nbs'/'00_pixels.ipynb', 4).cells[1].source
    error = ''
    try: exec(TransformerManager().transform_cell(source), ns)
    except ImportError as e: error = str(e)
    assert asked == [f'install -q {settings.pip}']*installs
    assert says in error if says else error == ''

# And for real

def commit(repo):
    "Make `repo` what the branch on GitHub would be, had everything been pushed"
    def git(*args): subprocess.run(['git', *args], cwd=repo, check=True, capture_output=True)
    git('init', '-b', settings.branch)
    git('add', '-A')
    git('-c', 'user.name=n', '-c', 'user.email=n@n', 'commit', '-m', 'all')

def standin(where, tmp_path, repo, env):
    """`env` for a kernel without the helpers that takes itself for one of Colab or Kaggle, fetches
    `repo` for GitHub, and installs into a folder of its own"""
    package = tmp_path/'colab'/'google'/'colab'
    start = tmp_path/'ipython'/'profile_default'/'startup'
    installed = tmp_path/'installed'
    for folder in (package, start, installed): folder.mkdir(parents=True)
    (package/'__init__.py').touch()
    (start/'first.py').write_text(f"""import importlib.util
if {where=='colab'}: import google.colab  # Colab's kernel has it from the start
def before_pip(name, package=None, find=importlib.util.find_spec, place={str(installed)!r}):
    from os import listdir
    return find(name, package) if name != 'chapter4_helpers' or listdir(place) else None
importlib.util.find_spec = before_pip
""")
    kaggle = dict(KAGGLE_KERNEL_RUN_TYPE='Interactive') if where=='kaggle' else {}
    return env | kaggle | dict(
        PYTHONPATH=os.pathsep.join([str(installed), str(tmp_path/'colab'), env['PYTHONPATH']]),
        IPYTHONDIR=str(tmp_path/'ipython'), GIT_CONFIG_COUNT='1',
        GIT_CONFIG_KEY_0=f'url.{repo.as_uri()}.insteadOf', GIT_CONFIG_VALUE_0=settings.github,
        # Build with the setuptools that is here, where pip would fetch one: 0 means no isolation
        PIP_TARGET=str(installed), PIP_NO_DEPS='1', PIP_NO_BUILD_ISOLATION='0')

def on_kaggle(path): return path.stem=='00_pixels'

@pytest.mark.parametrize('path', [
    pytest.param(p, id=p.stem,
                 marks=[pytest.mark.slow]*(p.stem != '10_questionnaire' and not on_kaggle(p)))
    for p in notebooks])
def test_installs_and_runs(path, repo, tmp_path, no_network):
    name = path.stem
    commit(repo)
    empty = tmp_path/'content'
    empty.mkdir()
    nb = nbformat.read(path, 4)
    new = nbformat.v4.new_code_cell
    nb.cells.append(new('import chapter4_helpers.data; chapter4_helpers.data.__file__'))
    if name=='10_questionnaire': nb.cells.append(nbformat.v4.new_code_cell("answer(1, 'a')"))
    where = 'kaggle' if on_kaggle(path) else 'colab'
    run(nb, empty, standin(where, tmp_path, repo, no_network))
    used = next(c for c in nb.cells if c.source.startswith('import chapter4_helpers.data;'))
    data = tmp_path/'installed'/'chapter4_helpers'/'data.py'
    assert used.outputs[0].data['text/plain'] == repr(str(data))
    assert list(empty.iterdir()) == []
    if name=='10_questionnaire':  # Colab opens a notebook by its whole address
        told = nb.cells[-1].outputs[0].data['text/markdown']
        assert f']({settings.colab}/nbs/00_pixels.ipynb#' in told

def test_no_network_on_kaggle(tmp_path, no_network):
    nb = nbformat.read(top/'nbs'/'00_pixels.ipynb', 4)
    with pytest.raises(CellExecutionError) as error:
        run(nb, tmp_path, standin('kaggle', tmp_path, tmp_path/'nobody', no_network))
    assert error.value.ename == 'ImportError' and 'Internet on' in error.value.evalue
