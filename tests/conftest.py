import os, shutil, subprocess, sys
from pathlib import Path
import pytest
# A fixture, and one for all, since two Playwrights do not go together
from browser import chromium as chromium

top = Path(__file__).parents[1]
lessons = sorted((top/'nbs').glob('*.ipynb'))
notebooks = lessons + sorted((top/'nbs').glob('*/*.ipynb'))
ignore = shutil.ignore_patterns(
    '.git', '.venv*', '*.egg-info', 'build', 'dist', '__pycache__', '.ipynb_checkpoints',
    '.pytest_cache', '.ruff_cache', '.hypothesis', 'models', '_docs', '_modidx.py')

@pytest.fixture
def repo(tmp_path):
    "A copy of this repository, to write in"
    return Path(shutil.copytree(top, tmp_path/'repo', ignore=ignore))

@pytest.fixture(scope='session')
def no_network(tmp_path_factory):
    "The environment of a process that has no network, and no data sets on disk"
    home = str(tmp_path_factory.mktemp('fastai'))
    return os.environ | dict(PYTHONPATH=str(top/'tests'/'no_network'), FASTAI_HOME=home)

@pytest.fixture
def python(tmp_path):
    "Run Python with `args` in another folder, and return what it prints"
    def _run(*args, cwd=tmp_path, **kwargs):
        command = [sys.executable, *args]
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, **kwargs)
        assert done.returncode==0, done.stdout + done.stderr
        return done.stdout.strip()
    return _run

@pytest.fixture(scope='module')
def one_thread():
    "Tiny tensors go many times faster by one thread, where the processors have other work"
    import torch
    n = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n)
