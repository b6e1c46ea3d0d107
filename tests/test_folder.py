"What can go wrong while `mnist_folder` writes, and fastai reading what it wrote."
import json, os, signal, subprocess, sys
import pytest
from PIL.Image import Image
from chapter4_helpers.data import mnist_folder

n_files = 12_396 + 2_038 + 1  # and labels.csv
write = 'import sys; from chapter4_helpers.data import mnist_folder; mnist_folder(dest=sys.argv[1])'

def n_in(folder): return sum(p.is_file() for p in folder.rglob('*'))
def beside(dest): return sorted(p.name for p in dest.parent.iterdir() if p.name != dest.name)
lock = ['.mnist.lock']  # what a writer may leave

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

def test_interrupted(tmp_path, fail_after):
    fail_after(500, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt): mnist_folder(dest=tmp_path/'mnist')
    assert not (tmp_path/'mnist').exists() and beside(tmp_path/'mnist') == lock

def test_killed(tmp_path):
    kill = '''
import os, signal
from PIL.Image import Image
save,left = Image.save,iter(range(500))
def save_or_die(*args):
    if next(left, None) is None: os.kill(os.getpid(), signal.SIGKILL)
    save(*args)
Image.save = save_or_die
'''
    done = subprocess.run([sys.executable, '-c', kill + write, tmp_path/'mnist'])
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path/'mnist').exists() and beside(tmp_path/'mnist') == [*lock, '.mnist.new']
    assert n_in(mnist_folder(dest=tmp_path/'mnist')) == n_files and beside(tmp_path/'mnist') == lock

# For the tests that write many times: two images in a hundred, written by child processes
few = '''
import os, random, signal, sys
from pathlib import Path
import fastprogress
from chapter4_helpers import data
fastprogress.progress_bar = lambda items, **kwargs: items  # it draws by the clock; we count
d = data._read_npz()
small = data.MNIST(d.train_x[:1200], d.train_y[:1200], d.valid_x[:200], d.valid_y[:200])
data._read_npz = lambda: small
folder,random = Path(sys.argv[1]),random.Random(0)
def n_in(folder): return sum(p.is_file() for p in folder.rglob('*'))
def start(f, *args):
    if pid := os.fork(): return pid
    try:
        f(*args)
        os._exit(0)
    except BaseException as e:
        print(type(e).__name__, e, file=sys.stderr, flush=True)
        os._exit(1)
def end(*pids): return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
def write(dest): data.mnist_folder(dest=dest)
def killed(dest, k, count=lambda n: None):
    "Write, and be killed before the k-th line of Python runs"
    n = 0
    def trace(frame, event, arg):
        nonlocal n
        n += event=='line'
        if n == k: os.kill(os.getpid(), signal.SIGKILL)
        return trace
    sys.settrace(trace)
    write(dest)
    sys.settrace(None)
    count(n)
write(folder/'whole')
whole = n_in(folder/'whole')
assert whole > 200
'''
forks = pytest.mark.skipif(not hasattr(os, 'fork'), reason='no fork')

@forks
def test_eight_at_once(python, tmp_path):
    python('-c', few + '''
for i in range(4):
    dest = folder/str(i)
    if i%2: dest.mkdir()
    assert end(*[start(write, dest) for _ in range(8)]) == [0]*8
    assert n_in(dest) == whole
def names(n): return {'whole', *map(str, range(n))}
def are_there(): return {p.name for p in folder.iterdir() if p.suffix != '.lock'}
assert are_there() == names(4)  # nothing else is left
for i in range(4, 8):  # four of them killed
    dest = folder/str(i)
    dying = [start(killed, dest, random.randrange(1, 20_000)) for _ in range(4)]
    assert end(*[start(write, dest) for _ in range(4)]) == [0]*4
    assert n_in(dest) == whole and set(end(*dying)) <= {0, -signal.SIGKILL} and n_in(dest) == whole
assert are_there() == names(8)
''', tmp_path)

@pytest.fixture
def in_tmpfs(tmp_path):
    "Run Python in a process that has a file system of its own, of `size`, at `tmp_path/'disk'`"
    def _run(code, size):
        mount = f'mount -t tmpfs -o size={size} none disk'
        alone = ['unshare', '--user', '--map-root-user', '--mount']
        (tmp_path/'disk').mkdir()
        def run(*args, **kwargs):
            command = [*alone, 'sh', '-c', *args]
            return subprocess.run(command, cwd=tmp_path, capture_output=True, **kwargs)
        try: run(mount, check=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip('a process of ours may mount nothing here')
        command = mount + ' && exec "$0" -c "$1" disk/mnist'
        return run(command, sys.executable, code, text=True)
    return _run

sentence = '''
import subprocess, sys
from pathlib import Path
from chapter4_helpers.data import mnist_folder
dest = Path(sys.argv[1])
def refused(says):
    try: mnist_folder(dest=dest)
    except OSError as e:
        said = str(e)
        assert says in said and 'disk/mnist' in said and '`dest` names another place' in said, e
    else: raise AssertionError(f'no error: {says}')
    assert {p.name for p in dest.parent.iterdir()} <= {'.mnist.lock'}, 'something is left'
def remount(options): subprocess.run(['mount', '-o', f'remount,{options}', dest.parent], check=True)
'''

def test_really_full_disk(in_tmpfs):
    # Then room is made, the same call works, and needs nothing more to write afterwards
    done = in_tmpfs(sentence + '''
refused('No space left on device')
remount('size=200m')
assert sum(p.is_file() for p in mnist_folder(dest=dest).rglob('*')) == 14_435
remount('ro')
assert mnist_folder(dest=dest) == dest
''', '4m')
    assert done.returncode==0, done.stderr

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
