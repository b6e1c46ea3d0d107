"What people run into: a stop at any moment, no home folder, no network, a damaged data file."
import gc, os, random, re, shutil, signal, subprocess, sys
from pathlib import Path
import pytest, torch
from torch import nn
import chapter4_helpers
from chapter4_helpers.all import *

pytestmark = pytest.mark.usefixtures('one_thread')

# Interrupts. Python hands one over between two lines, so that is where the tests put it.

class Interrupted:
    "In `with`, a KeyboardInterrupt comes instead of the k-th line of Python; `line` counts lines"
    def __init__(self, k): self.k,self.line,self.where,self.at = k,0,None,{}
    def __enter__(self):
        gc.disable()  # when it comes is chance, and what is raised in its callbacks is lost
        sys.settrace(self.trace)
        return self
    def __exit__(self, *args):
        sys.settrace(None)
        gc.enable()
        torch.set_grad_enabled(True)  # hit on its way out, torch's `no_grad` stays: none of ours
    def trace(self, frame, event, arg):
        if frame.f_code is Interrupted.__exit__.__code__: return None
        if event=='return': self.at.pop(frame, None)
        # Where a loop jumps back within its line, Python 3.12 and 3.13 let what is raised here
        # pass by a `finally` around it
        if event=='line' and (sys.version_info<(3,12) or self.at.get(frame) != frame.f_lineno):
            self.at[frame] = frame.f_lineno
            self.line += 1
            if self.line == self.k:
                code = frame.f_code
                self.where = f'{getattr(code, "co_qualname", code.co_name)}:{frame.f_lineno}'
                raise KeyboardInterrupt
        return self.trace

def moments(lines, few=200):
    "The first lines, the last ones, and some in between"
    some = random.Random(0).sample(range(1, lines+1), few)
    return sorted({*range(1, 30), *some, *range(lines-40, lines+1)})

def net_and_loaders():
    torch.manual_seed(0)
    layers = nn.Linear(3,4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(.1), nn.Linear(4,1)
    net = nn.Sequential(*layers)
    x = torch.randn(12,3)
    y = (x[:,:1] > 0).long()
    return net, Watched(x, y, 4, shuffle=True), Watched(x, y, 6)

class Watched(TensorDataLoader):
    "Knows how often it was begun and how often it came to its end"
    begun = ended = 0
    def __iter__(self):
        self.begun += 1
        yield from super().__iter__()
        self.ended += 1

def is_finite(net): return all(p.isfinite().all() for p in net.parameters())
def modes(net): return {m.training for m in net.modules()}

def test_train_model_interrupted_at_any_moment(capsys):
    def start(k=0, epochs=3):
        net,train_dl,valid_dl = net_and_loaders()
        opt = BasicOptim(net.parameters(), .5)
        def train(n=epochs): return train_model(net, train_dl, valid_dl, opt, n)
        with Interrupted(k) as at:
            try: history = train()
            except KeyboardInterrupt: history = None
        return net,train,train_dl.begun,history,at
    start()  # imports fastprogress, and fills caches
    *_,whole,at = start()
    lines = at.line
    assert len(whole)==3
    capsys.readouterr()
    for k in moments(lines):
        net,train,begun,history,at = start(k)
        out = capsys.readouterr().out
        moment = f'line {k} of {lines}, in {at.where}'
        assert at.where and is_finite(net), moment
        # validate_epoch looks at the outermost module only, so where that does not train,
        # the others must not, either
        assert net.training or modes(net)=={False}, f'modules are in different modes: {moment}'
        if history is None:  # there is none yet, or all is done
            assert not begun or k > lines-5, f'the history is lost: {moment}'
        else:
            assert [h[:3] for h in history] == [h[:3] for h in whole[:len(history)]], moment
            says = f'Interrupted in epoch {len(history)}'
            assert len(history)==3 or says in out, moment
        assert len(train(1))==1 and is_finite(net) and modes(net)=={True}, moment
        capsys.readouterr()

def test_validate_epoch_interrupted_at_any_moment():
    net,_,valid_dl = net_and_loaders()
    def run(k):
        net.train()
        valid_dl.ended = 0
        with Interrupted(k) as at:
            try: validate_epoch(net, valid_dl)
            except KeyboardInterrupt: pass
        return at
    run(0)
    lines = run(0).line
    for k in range(1, lines+1):
        at = run(k)
        # At its end it sets the mode again, module by module; what interrupts that stops there
        assert modes(net)=={True} or valid_dl.ended, f'line {k} of {lines}, in {at.where}'

@pytest.mark.skipif(os.name=='nt', reason='signals are sent otherwise')
def test_train_model_and_a_real_signal(tmp_path):
    # The child says when it trains; then the stop button is pressed, at random moments
    code = '''
import sys, torch
from torch import nn
from chapter4_helpers.all import *
torch.manual_seed(0)
model,x = simple_net(),torch.rand(2000, 784)
dl = TensorDataLoader(x, (x[:,:1]>.5).long(), 64, shuffle=True)
class Telling(TensorDataLoader):
    def __iter__(self):
        print('going', file=sys.stderr, flush=True)
        yield from super().__iter__()
opt = BasicOptim(model.parameters(), .1)
for _ in range(5):
    history = train_model(model, Telling(dl.x, dl.y, 64), dl, opt, 100_000)
    assert [h.epoch for h in history] == list(range(len(history))) and model.training
    assert all(p.isfinite().all() for p in model.parameters())
    print('stopped', file=sys.stderr, flush=True)
'''
    moment = random.Random(0)
    child = subprocess.Popen([sys.executable, '-c', code], cwd=tmp_path, text=True,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        for _ in range(5):
            assert child.stderr.readline() == 'going\n'
            try: child.wait(timeout=moment.uniform(0, .2))
            except subprocess.TimeoutExpired: child.send_signal(signal.SIGINT)
            while (line := child.stderr.readline()) == 'going\n': pass
            assert line == 'stopped\n', line + child.stderr.read()
        assert child.wait() == 0, child.stderr.read()
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

def test_no_home_for_the_folder(bare, tmp_path):
    run = '''
import sys
from chapter4_helpers.data import mnist_folder
try: mnist_folder()
except OSError as e: print(e)
mnist_folder((1,), dest=sys.argv[1])'''
    done = run_python('-c', run, tmp_path/'dest', cwd=tmp_path, env=bare)
    assert done.returncode==0, done.stderr
    where = f'could not write the image folder {tmp_path}/file/home'
    assert re.search(f'{where}.*`dest` names another place', done.stdout), done.stdout
    assert (tmp_path/'dest'/'labels.csv').exists()

@pytest.mark.parametrize('says', ['is missing', 'is damaged'])
def test_no_data_file(tmp_path, no_network, says):
    # What counts as damaged is in test_checks.py; here, all that reads the file says so
    package = tmp_path/'chapter4_helpers'
    ignore = shutil.ignore_patterns('__pycache__')
    shutil.copytree(Path(chapter4_helpers.__file__).parent, package, ignore=ignore)
    if says=='is missing': (package/'mnist.npz').unlink()
    else: (package/'mnist.npz').write_text('<html>')
    run = '''
import runpy, sys
from chapter4_helpers import data
for f in data.mnist, data.mnist_sample, lambda: data.mnist_folder(dest='folder'):
    try: f()
    except (ValueError, FileNotFoundError) as e: assert 'Install the package again' in str(e)
    else: raise AssertionError(f)
sys.argv[1:] = ['--quick']
runpy.run_module('chapter4_helpers', run_name='__main__')'''
    env = no_network | dict(PYTHONPATH=os.pathsep.join([str(tmp_path), no_network['PYTHONPATH']]))
    env.pop('PYTHONSAFEPATH', None)  # it would hide the damaged copy
    done = run_python('-c', run, cwd=tmp_path, env=env)
    assert (done.returncode, done.stdout) == (1, '') and not (tmp_path/'folder').exists()
    assert says in done.stderr and 'Install the package again' in done.stderr, done.stderr
    assert 'Traceback' not in done.stderr, done.stderr

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
