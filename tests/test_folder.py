"What can go wrong while `mnist_folder` writes, and fastai reading what it wrote."
import errno, json, os, shutil, signal, subprocess, sys
import pytest
from PIL.Image import Image
from chapter4_helpers.data import mnist_folder

n_files = 12_396 + 2_038 + 1  # and labels.csv
write = 'import sys; from chapter4_helpers.data import mnist_folder; mnist_folder(dest=sys.argv[1])'

def n_in(folder): return sum(p.is_file() for p in folder.rglob('*'))

@pytest.fixture(scope='module')
def whole(tmp_path_factory): return mnist_folder(dest=tmp_path_factory.mktemp('whole')/'mnist')

@pytest.fixture
def fail_after(monkeypatch):
    "Make the saving of images raise `error` after `n` of them"
    def _patch(n, error):
        left,save = iter(range(n)),Image.save
        def _save(*args, **kwargs):
            if next(left, None) is None: raise error
            save(*args, **kwargs)
        monkeypatch.setattr(Image, 'save', _save)
    return _patch

def test_other_digits(tmp_path):
    folder = mnist_folder((0,1), dest=tmp_path/'mnist')
    assert n_in(folder) == 14_780 + 1
    assert {p.name for p in folder.glob('*/*')} == {'0', '1'}

def test_whole_folder_is_not_written_again(whole, fail_after):
    fail_after(0, AssertionError('written again'))
    assert n_in(mnist_folder(dest=whole)) == n_files

def test_half_deleted_folder_is_left_alone(whole, tmp_path):
    half = shutil.copytree(whole, tmp_path/'mnist', copy_function=os.link)
    for p in sorted(half.glob('train/7/*'))[:3]: p.unlink()
    with pytest.raises(FileExistsError, match='but 3 of its 14,435 files are missing'): mnist_folder(dest=half)
    assert n_in(half) == n_files-3

def test_interrupted(tmp_path, fail_after):
    fail_after(500, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt): mnist_folder(dest=tmp_path/'mnist')
    assert list(tmp_path.iterdir()) == []

def test_killed(tmp_path):
    kill = '''
import os, signal
from PIL.Image import Image
save,left = Image.save,iter(range(500))
Image.save = lambda *args: os.kill(os.getpid(), signal.SIGKILL) if next(left, None) is None else save(*args)
'''
    done = subprocess.run([sys.executable, '-c', kill + write, tmp_path/'mnist'])
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path/'mnist').exists()
    assert n_in(mnist_folder(dest=tmp_path/'mnist')) == n_files

def test_two_at_once(tmp_path):
    both = [subprocess.Popen([sys.executable, '-c', write, tmp_path/'mnist']) for _ in range(2)]
    assert [p.wait() for p in both] == [0, 0]
    assert list(tmp_path.iterdir()) == [tmp_path/'mnist']
    assert n_in(tmp_path/'mnist') == n_files

def test_disk_full(tmp_path, fail_after):
    fail_after(500, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    with pytest.raises(OSError, match='could not write .*mnist .*No space left.*`dest` names another place') as e: mnist_folder(dest=tmp_path/'mnist')
    assert e.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []

def test_parent_is_a_file(tmp_path):
    (tmp_path/'file').touch()
    with pytest.raises(NotADirectoryError, match='file/data/mnist .*`dest` names another place'): mnist_folder(dest=tmp_path/'file'/'data'/'mnist')

@pytest.mark.skipif(not hasattr(os, 'geteuid') or os.geteuid()==0, reason='everything can be written')
def test_may_not_write(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match='mnist .*`dest` names another place'): mnist_folder(dest=tmp_path/'mnist')

def test_fastai_finds_and_reads_it(python, no_network, tmp_path):
    read = '''
import json
from fastai.vision.all import untar_data, URLs, ImageDataLoaders
from chapter4_helpers.data import mnist_folder
path = mnist_folder()
assert untar_data(URLs.MNIST_SAMPLE) == path
dls = ImageDataLoaders.from_folder(path)
print(json.dumps([str(path), dls.train.n, dls.valid.n, list(dls.vocab)]))'''
    out = python('-c', read, env=no_network | dict(FASTAI_HOME=str(tmp_path))).splitlines()[-1]
    assert json.loads(out) == [str(tmp_path/'data'/'mnist_sample'), 12_396, 2_038, ['3', '7']]
