"""A notebook as on Colab: its first cell installs the helpers from the branch, and the others work
with those."""
import os, subprocess
import nbformat, pytest
from conftest import notebooks
from settings import settings
from test_kernel import run

def commit(repo):
    "Make `repo` what the branch on GitHub would be, had everything been pushed"
    def git(*args): subprocess.run(['git', *args], cwd=repo, check=True, capture_output=True)
    git('init', '-b', settings.branch)
    git('add', '-A')
    git('-c', 'user.name=n', '-c', 'user.email=n@n', 'commit', '-m', 'all')

def colab(tmp_path, repo, env):
    """`env` for a kernel that takes itself for Colab's, fetches `repo` for GitHub, and installs
    into a folder of its own"""
    package = tmp_path/'colab'/'google'/'colab'
    start = tmp_path/'ipython'/'profile_default'/'startup'
    for folder in (package, start): folder.mkdir(parents=True)
    (package/'__init__.py').touch()
    (start/'first.py').write_text('import google.colab')  # Colab's kernel has it from the start
    installed = tmp_path/'installed'
    installed.mkdir()
    return env | dict(
        PYTHONPATH=os.pathsep.join([str(installed), str(tmp_path/'colab'), env['PYTHONPATH']]),
        IPYTHONDIR=str(tmp_path/'ipython'), GIT_CONFIG_COUNT='1',
        GIT_CONFIG_KEY_0=f'url.{repo.as_uri()}.insteadOf', GIT_CONFIG_VALUE_0=settings.github,
        # Build with the setuptools that is here, where pip would fetch one: 0 means no isolation
        PIP_TARGET=str(installed), PIP_NO_DEPS='1', PIP_NO_BUILD_ISOLATION='0')

@pytest.mark.parametrize('path', [
    pytest.param(p, id=p.stem, marks=[pytest.mark.slow]*(p.stem != '10_questionnaire'))
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
    run(nb, empty, colab(tmp_path, repo, no_network))
    where = next(c for c in nb.cells if c.source.startswith('import chapter4_helpers.data;'))
    where = where.outputs[0].data['text/plain']
    assert where == repr(str(tmp_path/'installed'/'chapter4_helpers'/'data.py'))
    assert list(empty.iterdir()) == []
    if name=='10_questionnaire':  # Colab opens a notebook by its whole address
        told = nb.cells[-1].outputs[0].data['text/markdown']
        assert f']({settings.colab}/nbs/00_pixels.ipynb#' in told
