"What can go wrong while `mnist_folder` writes, and fastai reading what it wrote."
import json, os
import pytest
from PIL.Image import Image
from chapter4_helpers.data import mnist_folder

def beside(dest): return sorted(p.name for p in dest.parent.iterdir() if p.name != dest.name)
lock = ['.mnist.lock']  # what a writer may leave

def test_interrupted(tmp_path, monkeypatch):
    left,save = iter(range(500)),Image.save
    def interrupted(*args, **kwargs):
        if next(left, None) is None: raise KeyboardInterrupt
        save(*args, **kwargs)
    monkeypatch.setattr(Image, 'save', interrupted)
    with pytest.raises(KeyboardInterrupt): mnist_folder(dest=tmp_path/'mnist')
    assert not (tmp_path/'mnist').exists() and beside(tmp_path/'mnist') == lock

@pytest.mark.skipif(not hasattr(os, 'fork'), reason='no fork')
def test_eight_at_once_and_four_of_them_killed(python, tmp_path):
    # Two images in a hundred, by child processes, which die before they save one of their images
    python('-c', '''
import os, random, signal, sys
from pathlib import Path
from PIL.Image import Image
from chapter4_helpers import data
d = data._read_npz()
small = data.MNIST(d.train_x[:1200], d.train_y[:1200], d.valid_x[:200], d.valid_y[:200])
data._read_npz = lambda: small
folder,random,save = Path(sys.argv[1]),random.Random(0),Image.save
def n_in(folder): return sum(p.is_file() for p in folder.rglob('*'))
def start(dest, moment=10_000):
    if pid := os.fork(): return pid
    left = iter(range(moment))
    def save_or_die(*args):
        if next(left, None) is None: os.kill(os.getpid(), signal.SIGKILL)
        save(*args)
    Image.save = save_or_die
    try: data.mnist_folder(dest=dest)
    except BaseException: os._exit(1)
    os._exit(0)
def end(pids): return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
whole = n_in(data.mnist_folder(dest=folder/'whole'))
for i in range(6):
    dest = folder/str(i)
    if i%2: dest.mkdir()
    dying = [start(dest, random.randrange(whole)) for _ in range(4)]
    assert end([start(dest) for _ in range(4)]) == [0]*4
    assert n_in(dest) == whole and set(end(dying)) <= {0, -signal.SIGKILL} and n_in(dest) == whole
left = {p.name for p in folder.iterdir() if p.suffix != '.lock'}
assert left == {'whole', *map(str, range(6))}, left  # nothing else
''', tmp_path)

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
