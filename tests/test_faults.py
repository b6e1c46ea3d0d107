"What people run into: a stop at any moment, no home folder, no network, a damaged data file."
import os, shutil, signal, subprocess, sys
from pathlib import Path
import pytest, torch
from torch import nn
import chapter4_helpers
from chapter4_helpers.all import *
from made_up import Interrupted, moments

pytestmark = pytest.mark.usefixtures('one_thread')

# Interrupts

def net_and_loaders():
    torch.manual_seed(0)
    layers = nn.Linear(3,4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(.1), nn.Linear(4,1)
    net = nn.Sequential(*layers)
    x = torch.randn(12,3)
    y = (x[:,:1] > 0).long()
    return net, TensorDataLoader(x, y, 4, shuffle=True), TensorDataLoader(x, y, 6)

def is_finite(net): return all(p.isfinite().all() for p in net.parameters())
def modes(net): return {m.training for m in net.modules()}

def test_train_model_interrupted_at_any_line(capsys):
    def start(k=0):
        net,train_dl,valid_dl = net_and_loaders()
        opt = BasicOptim(net.parameters(), .5)
        def train(n): return train_model(net, train_dl, valid_dl, opt, n)
        with Interrupted(k) as at:
            try: history = train(3)
            except KeyboardInterrupt: history = None
        return net,train,history,at.line
    start()  # imports fastprogress, and fills caches
    *_,whole,lines = start()
    capsys.readouterr()
    for k in moments(lines):
        net,train,history,_ = start(k)
        out = capsys.readouterr().out
        moment = f'line {k} of {lines}'
        if history is None: assert k < 20 or k > lines-5, f'the history is lost: {moment}'
        else:
            assert [h[:3] for h in history] == [h[:3] for h in whole[:len(history)]], moment
            assert len(history)==3 or f'epoch {len(history)}' in out, moment
        assert len(train(1))==1 and is_finite(net) and modes(net)=={True}, moment
        capsys.readouterr()

@pytest.mark.skipif(os.name=='nt', reason='signals are sent otherwise')
def test_train_model_and_a_real_signal(tmp_path):
    code = '''
import sys, torch
from chapter4_helpers.all import *
model,x = simple_net(),torch.rand(2000, 784)
class Telling(TensorDataLoader):
    def __iter__(self):
        print('going', file=sys.stderr, flush=True)
        yield from super().__iter__()
dl = Telling(x, (x[:,:1]>.5).long(), 64)
history = train_model(model, dl, dl, BasicOptim(model.parameters(), .1), 100_000)
assert [h.epoch for h in history] == list(range(len(history))) and model.training
print('stopped', file=sys.stderr)
'''
    child = subprocess.Popen([sys.executable, '-c', code], cwd=tmp_path, text=True,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        assert child.stderr.readline() == 'going\n'
        child.send_signal(signal.SIGINT)
        said = child.communicate(timeout=60)[1]
        assert child.returncode == 0 and said.endswith('stopped\n'), said
    finally: child.kill()

# Surroundings

@pytest.fixture
def bare(no_network, tmp_path):
    "The environment of a process without a network, whose home folder cannot be made"
    (tmp_path/'file').touch()
    gone = 'FASTAI_HOME', 'XDG_CONFIG_HOME', 'XDG_CACHE_HOME', 'XDG_DATA_HOME', 'MPLCONFIGDIR'
    kept = {k: v for k,v in no_network.items() if k not in gone}
    return kept | dict(HOME=str(tmp_path/'file'/'home'))

def run_python(*args, **kwargs):
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, **kwargs)

def test_no_home_no_network(bare, tmp_path):
    done = run_python('-m', 'chapter4_helpers', '--quick', cwd=tmp_path, env=bare)
    assert done.returncode==0, done.stderr
    rows = [[c.strip() for c in line.split('|')[1:-1]] for line in done.stdout.splitlines()]
    assert [len(r) for r in rows] == [5]*6 and all(.94 < float(r[1]) < 1 for r in rows[2:])
    assert 'Traceback' not in done.stderr and 'Error' not in done.stderr

def test_a_damaged_data_file(tmp_path, no_network):
    # What counts as damaged is in test_checks.py; here, all that reads the file says so
    package = tmp_path/'chapter4_helpers'
    ignore = shutil.ignore_patterns('__pycache__')
    shutil.copytree(Path(chapter4_helpers.__file__).parent, package, ignore=ignore)
    (package/'mnist.npz').write_text('<html>')
    run = '''
import runpy, sys
from chapter4_helpers import data
for f in data.mnist, data.mnist_sample, lambda: data.mnist_folder(dest='folder'):
    try: f()
    except (ValueError, FileNotFoundError) as e: assert 'pip install' in str(e)
    else: raise AssertionError(f)
sys.argv[1:] = ['--quick']
runpy.run_module('chapter4_helpers', run_name='__main__')'''
    env = no_network | dict(PYTHONPATH=os.pathsep.join([str(tmp_path), no_network['PYTHONPATH']]))
    env.pop('PYTHONSAFEPATH', None)  # it would hide the damaged copy
    done = run_python('-c', run, cwd=tmp_path, env=env)
    assert (done.returncode, done.stdout) == (1, '') and not (tmp_path/'folder').exists()
    assert 'pip install' in done.stderr and 'Traceback' not in done.stderr, done.stderr

def test_no_module_opens_a_socket(python, no_network):
    # Stronger than no network: no socket is made at all
    python('-c', '''
import socket
def refuse(*args, **kwargs): raise OSError('no socket in this test')
socket.socket.__init__ = socket.create_connection = socket.getaddrinfo = refuse
from chapter4_helpers.all import *
from chapter4_helpers.learner import Learner
d = mnist_sample()
dl = TensorDataLoader(d.valid_x, d.valid_y, shuffle=True)
model = simple_net()
train_model(model, dl, dl, BasicOptim(model.parameters(), .1), 1)
Learner((dl, dl), model).fit(1, .1)
mnist_folder((1,))''', env=no_network)
