"What the notebook says about checkpoints and restarts, where it would take too long to see there."
import os, re, shlex, signal, subprocess, sys, threading
from contextlib import contextmanager
from pathlib import Path
import nbformat, pytest, torch
from conftest import top

cells = nbformat.read(top/'nbs'/'11_many_machines.ipynb', 4).cells
env = os.environ | dict(OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='',
                        TORCH_DISABLE_SHARE_RDZV_TCP_STORE='1')
# as `torchrun`, wherever PATH leads
torchrun = f'{shlex.quote(sys.executable)} -m torch.distributed.run'
two = f'{torchrun} --standalone --nproc-per-node 2 '
restarting = two + '--max-restarts 3 go_on.py '

@pytest.fixture
def folder(tmp_path):
    "A folder with the notebook's scripts"
    for c in cells:
        if c.source.startswith('%%writefile '):
            first,code = c.source.split('\n', 1)
            (tmp_path/first.split()[1]).write_text(code)
    return tmp_path

def edit(path, old, new):
    code = path.read_text()
    assert code.count(old)==1, f'{path.name} has changed'
    path.write_text(code.replace(old, new))

@contextmanager
def ended(runs, after=300):
    "End the launchers in `runs`, and so their workers, at the latest after these seconds"
    def end():
        for r in runs: r.terminate()
    timer = threading.Timer(after, end)
    timer.start()
    try: yield
    finally:
        timer.cancel()
        end()
        for r in runs: r.wait(60)

def start(line, cwd, out=subprocess.PIPE):
    return subprocess.Popen(shlex.split(line), cwd=cwd, env=env, text=True, stdout=out,
                            stderr=subprocess.STDOUT)

def workers(said):
    "The processes of a line such as `processes 12 13 from step 0`, and the step"
    if found := re.fullmatch(r'processes ([\d ]+) from step (\d+)\n', said):
        return [int(i) for i in found[1].split()],int(found[2])

def watch(line, cwd, strike={}):
    "Run `line`, and at each step of `strike` signal a rank; return the steps it started from"
    strike,starts,said = dict(strike),[],''
    run = start(line, cwd)
    with ended([run]):
        for text in run.stdout:
            said += text
            if found := workers(text):
                ids = found[0]
                starts.append(found[1])
            step = re.fullmatch(r'step (\d+)\n', text)
            if step and int(step[1]) in strike:
                rank,sign = strike.pop(int(step[1]))
                os.kill(ids[rank], sign)
        assert run.wait()==0, said
    assert not strike
    return starts

def weights(path): return torch.load(path, weights_only=True)
def difference(a, b):
    a,b = weights(a),weights(b)
    assert list(a)==list(b)
    return max((a[k]-b[k]).abs().max().item() for k in a)

# Checkpoints

writer = '''
import os, signal, time
from pathlib import Path
import torch
from accelerate import Accelerator
import go_on

accelerator,net,place = Accelerator(cpu=True),torch.nn.Linear(300,300),go_on.Place()
model,opt = accelerator.prepare(net, torch.optim.SGD(net.parameters(), .1))
accelerator.register_for_checkpointing(place)

def save(folder):
    place.steps += 1
    with torch.no_grad(): net.weight.fill_(place.steps)
    opt.param_groups[0]['lr'] = float(place.steps)
    go_on.save(accelerator, folder, place.steps)

def keep_saving(folder):
    while True: save(folder)

def begin(name):
    "A folder with a checkpoint"
    folder = Path(name)
    folder.mkdir()
    place.steps = 0
    save(folder)
    return folder

def fork(f, *args):
    "A copy of this process that runs `f`"
    if pid := os.fork(): return pid
    try: f(*args)
    finally: os._exit(1)

def check(folder):
    "The newest checkpoint is whole, and all of it is from the same step"
    newest = go_on.checkpoints(folder)[-1]
    accelerator.load_state(newest)
    assert (net.weight==place.steps).all(), newest
    assert place.steps==int(newest.name)==opt.param_groups[0]['lr'], newest
'''

linux = pytest.mark.skipif(sys.platform != 'linux', reason='needs `fork`')

@linux
def test_killed_at_50_moments(folder, python):
    (folder/'moments.py').write_text(writer + '''
folder,start = begin('timed'),time.perf_counter()
for _ in range(10): save(folder)
period,unfinished = (time.perf_counter()-start)/10,0
for i in range(50):
    folder = begin(f'run_{i}')
    pid = fork(keep_saving, folder)
    time.sleep((1+i/50)*period)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    unfinished += (folder/'new').exists()
    check(folder)
print(unfinished)
''')
    # Enough of them were killed while they wrote
    assert int(python('moments.py', cwd=folder, env=env)) > 10

@linux
def test_killed_before_each_touch_of_the_disk(folder, python):
    (folder/'moments.py').write_text(writer + '''
import sys
touches = 'open', 'os.mkdir', 'os.rename', 'os.remove', 'os.rmdir'
def die_before(i, folder):
    def count(event, args):
        nonlocal i
        i -= event in touches
        if i < 0: os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(count)
    save(folder)
    os._exit(0)

killed = set()
for i in range(200):
    folder = begin(f'run_{i}')
    status = os.waitpid(fork(die_before, i, folder), 0)[1]
    check(folder)
    if status==0: break
    killed.add((len(go_on.checkpoints(folder)), (folder/'new').exists()))
# before, while it is written, before the old one is deleted
assert killed=={(1,False), (1,True), (2,False)}, killed
print(i)
''')
    assert 10 < int(python('moments.py', cwd=folder, env=env)) < 199

def test_on_the_disk_before_it_has_its_name(folder, python):
    (folder/'flushed.py').write_text(writer + '''
did,sync,rename,rmtree = [],os.fsync,Path.rename,go_on.shutil.rmtree
def number(path): return os.stat(path).st_ino
def note(name, f, what=lambda *args: None):
    def noted(*args, **kwargs):
        did.append((name, what(*args)))
        return f(*args, **kwargs)
    return noted

folder = begin('run')
os.fsync = note('flush', sync, lambda f: os.fstat(f).st_ino)
Path.rename = note('rename', rename)
go_on.shutil.rmtree = note('delete', rmtree)
save(folder)
new = go_on.checkpoints(folder)[-1]
parts = [number(path) for path in new.iterdir()]
assert len(parts)==4, sorted(new.iterdir())
assert did[0][0]=='delete'  # what an earlier one may have left
assert sorted(did[1:5])==sorted(('flush', n) for n in parts)
assert did[5:]==[('flush', number(new)), ('rename', None), ('flush', number(folder)),
                 ('delete', None)]
''')
    python('flushed.py', cwd=folder, env=env)

# Order and noise

def test_same_order_other_noise(folder, python):
    (folder/'order.py').write_text('''
import torch
from torch.utils.data import Dataset
from chapter4_helpers.minibatches import TensorDataLoader
import train

class Noted(Dataset):
    def __init__(self, x, y): self.n,self.seen = len(x),[]
    def __len__(self): return self.n
    def __getitem__(self, i):
        self.seen.append(i)
        return i

train.TensorDataset = Noted
run = train.set_up(3)
found = []
for epoch in range(2):
    run.train_dl.dataset.seen.clear()
    took = torch.cat(list(run.train_dl)).tolist()
    assert took==run.train_dl.dataset.seen  # it reads no row that it does not take
    found.append(took)
drawn = torch.rand(3).tolist()
took = torch.cat([run.accelerator.gather_for_metrics(b) for b in run.valid_dl])
assert took.tolist()==list(range(2038))  # each row once
dl = TensorDataLoader(torch.rand(3,2), torch.rand(3,1))
assert run.accelerator.prepare(dl) is dl
torch.save((found, drawn), f'rank_{run.accelerator.process_index}')
''')
    python(*shlex.split(two)[1:], 'order.py', cwd=folder, env=env)
    (first,noise),(second,other) = (torch.load(folder/f'rank_{r}', weights_only=True)
                                    for r in (0,1))
    assert noise != other
    for epoch,(a,b) in enumerate(zip(first, second)):
        order = torch.randperm(12396, generator=torch.Generator().manual_seed(epoch))[:48*256]
        assert a==order.view(48,2,128)[:,0].flatten().tolist()
        assert b==order.view(48,2,128)[:,1].flatten().tolist()

# What the settings are for

@pytest.mark.slow
def test_without_cpu_each_is_alone(folder, python):
    edit(folder/'train.py', 'cpu=not torch.cuda.is_available()', 'cpu=False')
    said = python(*shlex.split(two)[1:], 'train.py', 'two.pt', cwd=folder, env=env)
    assert said.count('workers: 1')==2

@pytest.mark.slow
def test_without_split_batches(folder, python):
    edit(folder/'train.py', 'split_batches=True', 'split_batches=False')
    (folder/'whole.py').write_text('''
import train
run = train.set_up(1)
xb,yb = next(iter(run.train_dl))
train.step(run, xb, yb)
print(len(xb), run.sched.scheduler.last_epoch)
''')
    assert python(*shlex.split(two)[1:], 'whole.py', cwd=folder, env=env).splitlines()==['256 2']*2

@pytest.mark.slow
def test_fp16_on_a_cpu_keeps_32_bits(folder, python):
    for file,precision in (('fp16.pt', 'fp16'), ('whole.pt', 'no')):
        python('train.py', file, precision, cwd=folder, env=env)
    assert difference(folder/'fp16.pt', folder/'whole.pt') == 0

@pytest.mark.slow
def test_mixed_precision_on_two(folder, python):
    python(*shlex.split(two)[1:], 'train.py', 'half.pt', 'bf16', cwd=folder, env=env)
    python('train.py', 'whole.pt', cwd=folder, env=env)
    assert 1e-4 < difference(folder/'half.pt', folder/'whole.pt') < .2

# Restarts

@pytest.mark.slow
def test_other_noise_ends_elsewhere(folder):
    # So in the notebook the random states are what brings a killed run to the same weights
    edit(folder/'go_on.py', 'epochs=8', 'epochs=2')
    watch(restarting + 'undisturbed', folder)
    load = 'run.accelerator.load_state(newest)'
    forget = '(newest/f"random_states_{run.accelerator.process_index}.pkl").unlink()'
    edit(folder/'go_on.py', load, f'{forget}; {load}')
    assert watch(restarting + 'killed', folder, {60: (1, signal.SIGKILL)})[1] >= 60
    assert difference(folder/'killed'/'net.pt', folder/'undisturbed'/'net.pt') > 1e-4

@pytest.mark.slow
def test_silent_worker(folder):
    edit(folder/'train.py', 'seconds=60', 'seconds=20')
    watch(restarting + 'undisturbed', folder)
    # The launcher waits for half a minute before it kills one that does not listen
    assert watch(restarting + 'silent', folder, {60: (1, signal.SIGSTOP)})[1] >= 60
    assert difference(folder/'silent'/'net.pt', folder/'undisturbed'/'net.pt')==0

def unplug(launcher, ids):
    "Kill a launcher and those of the workers `ids` that are its own, all at once"
    own = [pid for pid in ids if int(Path(f'/proc/{pid}/stat').read_text().split()[3])==launcher]
    assert len(own)==1
    for pid in (launcher, *own): os.kill(pid, signal.SIGKILL)

@linux
@pytest.mark.slow
def test_a_machine_joins_and_leaves(folder, python):
    text = '\n'.join(c.source for c in cells if c.cell_type=='markdown')
    setting = 'TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1'
    [line] = re.findall(r'(?m)^    export %s\n    (torchrun(?:.*\\\n)*.*)' % setting, text)
    name,value = setting.split('=')
    assert env[name] == value
    # The store by which they meet is here, so that its port is ours, and either may go
    store = torch.distributed.TCPStore('127.0.0.1', 0, is_master=True, wait_for_workers=False)
    conf = 'c10d --rdzv-conf is_host=0,keep_alive_interval=1,last_call_timeout=2'
    for old,new in (('torchrun', torchrun), ('10.0.0.1:29500', f'127.0.0.1:{store.port}'),
                    ('per-node 4', 'per-node 1'), (' \\\n', ' '), ('c10d', conf)):
        assert old in line
        line = line.replace(old, new)
    edit(folder/'go_on.py', 'epochs=8', 'epochs=60')
    seen,said,strike_at = [],'',None
    runs = [start(line + ' 0', folder)]  # of two machines each says the same
    with ended(runs):
        for text in runs[0].stdout:
            said += text
            if found := workers(text):
                seen.append(found)
                if len(seen)==1: runs.append(start(line + ' 0', folder, subprocess.DEVNULL))
                if len(seen)==2: strike_at = found[1]+100
            if text==f'step {strike_at}\n' and len(seen)==2: unplug(runs[1].pid, seen[1][0])
        assert runs[0].wait()==0, said
    assert [len(ids) for ids,_ in seen]==[1,2,1], said
    assert 0==seen[0][1] < seen[1][1] < strike_at <= seen[2][1]
    python('go_on.py', 'alone', '0', cwd=folder, env=env)
    assert difference(folder/'run'/'net.pt', folder/'alone'/'net.pt') < 1e-3
