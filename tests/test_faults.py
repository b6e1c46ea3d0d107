"What people run into: a stop at any moment, no home folder, no network."
import subprocess, sys
import pytest, torch
from torch import nn
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
