"What people run into: a training that is stopped at any moment, no home folder, no network, a damaged data file."
import os, random, re, shutil, signal, subprocess, sys
from pathlib import Path
import pytest, torch
from torch import nn
import chapter4_helpers
from chapter4_helpers.all import *
from chapter4_helpers.learner import Callback, Learner

pytestmark = pytest.mark.usefixtures('one_thread')

# Interrupts. Python hands one over between two lines, so that is where the tests put it.

class Interrupted:
    "In `with`, the k-th line of Python, wherever it is, is not run: a KeyboardInterrupt comes instead. `line` is the number of lines so far."
    def __init__(self, k): self.k,self.line,self.where,self.at = k,0,None,{}
    def __enter__(self):
        sys.settrace(self.trace)
        return self
    def __exit__(self, *args):
        sys.settrace(None)
        torch.set_grad_enabled(True)  # where it hits torch's `no_grad` on the way out, that stays: none of ours
    def trace(self, frame, event, arg):
        if frame.f_code is Interrupted.__exit__.__code__: return None
        if event=='return': self.at.pop(frame, None)
        # Where a loop jumps back within its line, Python 3.12 and 3.13 let what is raised here pass by a `finally` around it
        if event=='line' and (sys.version_info<(3,12) or self.at.get(frame) != frame.f_lineno):
            self.at[frame] = frame.f_lineno
            self.line += 1
            if self.line == self.k:
                self.where = f'{frame.f_code.co_qualname if sys.version_info>=(3,11) else frame.f_code.co_name}:{frame.f_lineno}'
                raise KeyboardInterrupt
        return self.trace

def moments(lines, few=200):
    "The first lines, the last ones, and some in between"
    return sorted({*range(1, 30), *random.Random(0).sample(range(1, lines+1), few), *range(lines-40, lines+1)})

def net_and_loaders():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3,4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(.1), nn.Linear(4,1))
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
        # validate_epoch looks at the outermost module only, so the others must not train where that does not
        assert net.training or modes(net)=={False}, f'some modules are left in another mode: {moment}'
        if history is None: assert not begun or k > lines-5, f'the history is lost: {moment}'  # there is none yet; it is all done
        else:
            assert [h[:3] for h in history] == [h[:3] for h in whole[:len(history)]], moment
            assert len(history)==3 or f'Interrupted in epoch {len(history)}; the history holds the epochs before it.' in out, moment
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

def test_learner_interrupted_at_any_moment(capsys):
    class Ends(Callback):
        fits = 0
        def after_fit(self): self.fits += 1
    def start(k=0):
        net,train_dl,valid_dl = net_and_loaders()
        ends,log = Ends(),[]
        learn = Learner((train_dl, valid_dl), net, metrics=batch_accuracy, cbs=ends, lr=.5)
        learn.logger = log.append
        own = list(learn.cbs)
        with Interrupted(k) as at:
            try: learn.fit(2, cbs=Callback())
            except KeyboardInterrupt: raised = True
            else: raised = False
        return learn,own,ends,log,raised,train_dl.begun,at
    start()
    whole,lines = start()[0].recorder.values,start()[-1].line
    capsys.readouterr()
    for k in moments(lines):
        learn,own,ends,log,raised,begun,at = start(k)
        out = capsys.readouterr().out
        moment = f'line {k} of {lines}, in {at.where}'
        assert is_finite(learn.model), moment
        if raised: assert not begun or ends.fits or k > lines-30, f'the interrupt came through: {moment}'
        else: assert out.startswith('Interrupted in epoch ') and ends.fits==1, moment
        assert learn.cbs == own or k==lines, f'callbacks of that fit are left: {moment}'
        values = getattr(learn.recorder, 'values', [])
        assert values == whole[:len(values)] and len(values) >= len(log)-1, moment
        learn.fit(1)
        assert len(learn.recorder.values)==1 and len(learn.recorder.losses)==len(learn.recorder.lrs)==3, moment

def test_lr_find_interrupted(capsys):
    for at in 0, 1, 5:
        class Interrupt(Callback):
            steps = 0
            def before_step(self):
                self.steps += 1
                if self.steps > at: raise KeyboardInterrupt
        net,train_dl,valid_dl = net_and_loaders()
        before = [p.detach().clone() for p in net.parameters()]
        learn = Learner((train_dl, valid_dl), net, cbs=Interrupt())
        try: learn.lr_find(show_plot=False)
        except (KeyboardInterrupt, ValueError) as e: assert at==0 and (isinstance(e, KeyboardInterrupt) or 'no step' in str(e))
        assert all(torch.equal(*pair) for pair in zip(before, net.parameters())) and len(learn.cbs)==3

@pytest.mark.skipif(not hasattr(signal, 'SIGINT') or os.name=='nt', reason='signals are sent otherwise')
def test_train_model_and_a_real_signal(tmp_path):
    # The child says when its first batch is trained; then the stop button is pressed, at random moments
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
    assert [h.epoch for h in history] == list(range(len(history))) and all(p.isfinite().all() for p in model.parameters()) and model.training
    print('stopped', file=sys.stderr, flush=True)
'''
    moment = random.Random(0)
    child = subprocess.Popen([sys.executable, '-c', code], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
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
    "The environment of a process that has no network, and a home folder that is not there and cannot be made"
    (tmp_path/'file').touch()
    gone = 'FASTAI_HOME', 'XDG_CONFIG_HOME', 'XDG_CACHE_HOME', 'XDG_DATA_HOME', 'MPLCONFIGDIR'
    return {k: v for k,v in no_network.items() if k not in gone} | dict(HOME=str(tmp_path/'file'/'home'))

def test_no_home_no_network(bare, tmp_path):
    done = subprocess.run([sys.executable, '-m', 'chapter4_helpers', '--quick'], cwd=tmp_path, env=bare, capture_output=True, text=True)
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
    done = subprocess.run([sys.executable, '-c', run, tmp_path/'dest'], cwd=tmp_path, env=bare, capture_output=True, text=True)
    assert done.returncode==0, done.stderr
    assert re.search(f'could not write the image folder {tmp_path}/file/home.*`dest` names another place', done.stdout), done.stdout
    assert (tmp_path/'dest'/'labels.csv').exists()

@pytest.mark.parametrize('says,change', [('is missing', lambda raw: None), ('is damaged: its 0 bytes', lambda raw: b''),
    ('is damaged: its 5,000,000 bytes', lambda raw: raw[:5_000_000]), ('is damaged', lambda raw: raw[:-1] + bytes([raw[-1]^1])),
    ('is damaged: its 11,490,524 bytes', lambda raw: raw + b'0'), ('is damaged', lambda raw: b'<html>' + raw[6:])])
def test_damaged_data_file(tmp_path, no_network, says, change):
    package = Path(shutil.copytree(Path(chapter4_helpers.__file__).parent, tmp_path/'chapter4_helpers', ignore=shutil.ignore_patterns('__pycache__')))
    raw = change((package/'mnist.npz').read_bytes())
    (package/'mnist.npz').unlink()
    if raw is not None: (package/'mnist.npz').write_bytes(raw)
    run = '''
import runpy, sys
from chapter4_helpers import data
for f in data.mnist, data.mnist_sample, lambda: data.mnist_folder(dest='folder'):
    try: f()
    except (ValueError, FileNotFoundError) as e: assert 'Install the package again: pip install' in str(e)
    else: raise AssertionError(f)
sys.argv[1:] = ['--quick']
runpy.run_module('chapter4_helpers', run_name='__main__')'''
    # `-P`, if it is set, would hide the damaged copy
    env = {k: v for k,v in no_network.items() if k != 'PYTHONSAFEPATH'} | dict(PYTHONPATH=os.pathsep.join([str(tmp_path), no_network['PYTHONPATH']]))
    done = subprocess.run([sys.executable, '-c', run], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode==1 and says in done.stderr and 'Install the package again' in done.stderr and 'Traceback' not in done.stderr, done.stderr
    assert done.stdout=='' and not (tmp_path/'folder').exists()

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
