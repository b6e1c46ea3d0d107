"What 11_many_machines says of checkpoints and order, where it would take too long to see there."
import os, sys
import nbformat, pytest, torch
from conftest import top

env = os.environ | dict(OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='')

@pytest.fixture
def folder(tmp_path):
    "A folder with the notebook's scripts"
    for c in nbformat.read(top/'nbs'/'11_many_machines.ipynb', 4).cells:
        if c.source.startswith('%%writefile '):
            first,code = c.source.split('\n', 1)
            (tmp_path/first.split()[1]).write_text(code)
    return tmp_path

saving = '''
import os, signal, sys
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

def begin(name):
    "A folder with a checkpoint"
    folder = Path(name)
    folder.mkdir()
    place.steps = 0
    save(folder)
    return folder
'''

@pytest.mark.skipif(sys.platform != 'linux', reason='needs `fork`')
def test_killed_before_each_touch_of_the_disk(folder, python):
    (folder/'moments.py').write_text(saving + '''
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
    pid = os.fork()
    if not pid: die_before(i, folder)
    status = os.waitpid(pid, 0)[1]
    newest = go_on.checkpoints(folder)[-1]  # is whole, and all of it from the same step
    accelerator.load_state(newest)
    assert (net.weight==place.steps).all(), newest
    assert place.steps==int(newest.name)==opt.param_groups[0]['lr'], newest
    if status==0: break
    killed.add((len(go_on.checkpoints(folder)), (folder/'new').exists()))
# before, while it is written, before the old one is deleted
assert killed=={(1,False), (1,True), (2,False)}, killed
assert 10 < i < 199
''')
    python('moments.py', cwd=folder, env=env)

def test_same_order_other_noise(folder, python):
    (folder/'order.py').write_text('''
import torch
from torch.utils.data import Dataset
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
    found.append(torch.cat(list(run.train_dl)).tolist())
    assert found[-1]==run.train_dl.dataset.seen  # it reads no row that it does not take
took = torch.cat([run.accelerator.gather_for_metrics(b) for b in run.valid_dl])
assert took.tolist()==list(range(2038))  # each row once
torch.save((found, torch.rand(3).tolist()), f'rank_{run.accelerator.process_index}')
''')
    two = '-m torch.distributed.run --standalone --nproc-per-node 2'.split()
    python(*two, 'order.py', cwd=folder, env=env)
    (first,noise),(second,other) = (torch.load(folder/f'rank_{r}', weights_only=True)
                                    for r in (0,1))
    assert noise != other
    for epoch,(a,b) in enumerate(zip(first, second)):
        order = torch.randperm(12396, generator=torch.Generator().manual_seed(epoch))[:48*256]
        assert a==order.view(48,2,128)[:,0].flatten().tolist()
        assert b==order.view(48,2,128)[:,1].flatten().tolist()
