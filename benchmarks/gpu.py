"""What a graphics card makes of the ladder and the race. Every function takes the device, so that
the CPU can stand in for it in a test."""
from statistics import mean
import time

import torch, torch.nn.functional as F
from torch.optim.lr_scheduler import OneCycleLR

from chapter4_helpers.data import mnist_sample
from chapter4_helpers.loss import class_accuracy, mnist_loss
from chapter4_helpers.minibatches import TensorDataLoader, validate_epoch
from chapter4_helpers.optimizer import BasicOptim, train_epoch
from race import images, notebook
from timing import digits, in_turn, middle, spread, table
from training import lr, models, raw_by_rows

def wait(device):
    "Until `device` has done all that was asked of it"
    if device.type=='cuda': torch.cuda.synchronize()

class Graph:
    """A step of training for batches of one size: recorded as a CUDA graph, then replayed as a
    whole. On a CPU it just runs."""
    def __init__(self, net, opt, loss_func, xb, yb):
        self.xb,self.yb = xb.clone(),yb.clone()
        def step():
            opt.zero_grad()
            self.loss = loss_func(net(self.xb), self.yb)
            self.loss.backward()
            opt.step()
        self.replay = self._record(step, net, opt) if xb.device.type=='cuda' else step

    def _record(self, step, net, opt):
        before = {k: v.clone() for k,v in net.state_dict().items()}
        side = torch.cuda.Stream()  # what PyTorch sets up in the first steps must not be recorded
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3): step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        opt.zero_grad()
        with torch.cuda.graph(graph): step()
        net.load_state_dict(before)  # undo the first steps, in the same memory
        for state in getattr(opt, 'state', {}).values():
            for t in state.values(): t.zero_()
        return graph.replay

    def __call__(self, xb, yb):
        self.xb.copy_(xb)
        self.yb.copy_(yb)
        self.replay()

def whole(t, bs): return t[:len(t)//bs*bs]  # as many rows as make whole batches

def graph_epoch(net, x, y, bs, device):
    "An epoch of plain SGD by replay"
    step = Graph(net, BasicOptim(net.parameters(), lr), mnist_loss, x[:bs], y[:bs])
    dl = TensorDataLoader(whole(x, bs), whole(y, bs), bs, shuffle=True)
    def epoch():
        for xb,yb in dl: step(xb, yb)
        wait(device)
    return epoch

def graph_race(make_net, x, y, bs, lr, loss_func, seed, device):
    "`race` of the notebook by replay: the network, and its seconds, without those of the recording"
    torch.manual_seed(seed)
    net = make_net().to(device)
    lr_tensor = torch.tensor(lr, device=device)
    on_card = device.type=='cuda'
    opt = torch.optim.Adam(net.parameters(), lr_tensor, betas=(.7,.9), capturable=on_card)
    dl = TensorDataLoader(whole(x, bs), whole(y, bs), bs, shuffle=True)
    # It changes the learning rate, a tensor, in place
    schedule = OneCycleLR(opt, lr, len(dl), cycle_momentum=False)
    step = Graph(net, opt, loss_func, x[:bs], y[:bs])
    wait(device)
    start = time.perf_counter()
    for xb,yb in dl:
        step(xb, yb)
        schedule.step()
    wait(device)
    return net,time.perf_counter()-start

def busy(epoch, device):
    "The share of an epoch's time in which the chip computes, as text"
    if device.type != 'cuda': return ''
    from torch.profiler import ProfilerActivity, profile
    start = time.perf_counter()
    epoch()
    wait(device)
    seconds = time.perf_counter()-start
    with profile(activities=[ProfilerActivity.CUDA]) as p: epoch()
    return f'{100*sum(e.self_device_time_total for e in p.key_averages())/1e6/seconds:.0f}%'

def ladder(device, quick):
    "Table: an epoch over threes and sevens"
    on_cpu = mnist_sample()
    x,y = [t[:512].to(device) if quick else t.to(device) for t in on_cpu[:2]]
    def ours(make, x, y, compiled=False):
        net = make().to(x.device)
        opt,dl = BasicOptim(net.parameters(), lr),TensorDataLoader(x, y, 256, shuffle=True)
        call = torch.compile(net, mode='reduce-overhead') if compiled else net
        return lambda: train_epoch(call, dl, opt)
    rows = []
    for model,make in models.items():
        params = list(make().to(device).parameters())
        def raw():
            raw_by_rows(x, y, params, 256)
            wait(device)
        graph = graph_epoch(make().to(device), x, y, 256, device)
        ways = {'ours': ours(make, x, y), 'raw loop, rows': raw, 'CUDA graph': graph}
        if device.type=='cuda':
            ways |= {'ours, torch.compile': ours(make, x, y, True),
                     'ours, on the CPU': ours(make, *on_cpu[:2])}
        runs = in_turn(ways, 2 if quick else 15, 1 if quick else 3)
        rows += [[model, k, middle(r)*1e3, spread(r, 1e3), middle(r)/middle(runs['ours']),
                  '' if 'CPU' in k else busy(ways[k], device)] for k,r in runs.items()]
    return table(['model', 'way', 'ms, median', 'quartiles', 'times ours', 'chip computes'], rows)

def batch_sizes(device, quick, nb, x, y):
    "Table: batch size against images per second, for `fast_net`"
    ways = {}
    for bs in (64, 128) if quick else (64, 256, 1024, 4096, 16384):
        a,b = whole(x, bs),whole(y, bs)
        def ours(net, dl, opt): return lambda: train_epoch(net, dl, opt, F.cross_entropy)
        net = nb['fast_net']().to(device)
        dl,opt = TensorDataLoader(a, b, bs, shuffle=True),BasicOptim(net.parameters(), .01)
        ways[bs,'ours'] = ours(net, dl, opt),len(a)
        net = nb['fast_net']().to(device)
        step = Graph(net, BasicOptim(net.parameters(), .01), F.cross_entropy, a[:bs], b[:bs])
        def replayed(step, dl):
            def epoch():
                for xb,yb in dl: step(xb, yb)
                wait(device)
            return epoch
        ways[bs,'CUDA graph'] = replayed(step, TensorDataLoader(a, b, bs, shuffle=True)),len(a)
    runs = in_turn({k: epoch for k,(epoch,_) in ways.items()}, 2 if quick else 7)
    rows = [[f'{bs:,}', way, ways[bs,way][1]/middle(r), busy(ways[bs,way][0], device)]
            for (bs,way),r in runs.items()]
    return table(['batch', 'way', 'images per second, median', 'chip computes'], rows)

def race(device, quick, nb, x, y, test_x, test_y):
    "Table: the race"
    test = TensorDataLoader(test_x, test_y, bs=1000)
    def on(make): return lambda: make().to(device)
    def loader(shuffle): return TensorDataLoader(x, y, bs=256, shuffle=shuffle)
    bs = 100 if quick else 250  # both divide the number of images
    smoothed,far = nb['smoothed'],1 if quick else nb['far_epochs']
    moved = nb['Shifted'](loader(True))
    def by_loop(name, dl, epochs, lr, *loss):
        return lambda seed: nb['race'](on(nb[name]), dl(), epochs, lr, seed, *loss)
    def by_graph(name, lr, loss):
        return lambda seed: graph_race(nb[name], x, y, bs, lr, loss, seed, device)
    ways = {('published', 1): by_loop('published', lambda: loader(False), 1, .01),
            ('fast_net', 1): by_loop('fast_net', lambda: loader(True), 1, .02, smoothed),
            ('far_net, images moved', far): by_loop('far_net', lambda: moved, far, .015, smoothed),
            ('fast_net, CUDA graph', 1): by_graph('fast_net', .02, smoothed),
            ('published, CUDA graph', 1): by_graph('published', .01, F.cross_entropy)}
    # The race's own seconds: they leave out making the network and recording the graph
    runs = {k: [] for k in ways}
    for seed in range(-1, 2 if quick else 7):
        for k,f in ways.items():
            net,seconds = f(seed)
            if seed >= 0: runs[k].append((seconds, validate_epoch(net, test, class_accuracy)))
    rows = []
    for (name,epochs),r in runs.items():
        seconds = sorted(s for s,_ in r)
        rows.append([name, f'{epochs}', seconds[len(r)//2],
                     f'{digits(seconds[0])} to {digits(seconds[-1])}',
                     f'{mean(a for _,a in r):.4f}'])
    return table(['network', 'epochs', 's, median', 'least and most', 'test accuracy'], rows)

def gpu(quick=False, device='cuda'):
    "On a graphics card"
    if device=='cuda' and not torch.cuda.is_available():
        raise OSError('PyTorch finds no CUDA device here')
    device,nb = torch.device(device),notebook()
    x,y,test_x,test_y = images(nb, 500 if quick else None, device)
    on_card = device.type=='cuda'
    name = torch.cuda.get_device_name() if on_card else 'the CPU, in place of a graphics card'
    return f'''
Measured on {name}, with all data on it before the clock starts.

An epoch over threes and sevens, batches of 256. *CUDA graph* records the whole step once and replays it; *torch.compile* is its mode `reduce-overhead`. The last column is the time of the kernels over that of the epoch.

{ladder(device, quick)}

`fast_net` on ten digits at growing batches:

{batch_sizes(device, quick, nb, x, y)}

The race; each run has another seed. The reference on a card is 99% in 0.76 s, on a GTX 1660 Ti. A graph takes batches of one size only, so those races run with batches of 250 instead of 256, and shuffle.

{race(device, quick, nb, x, y, test_x, test_y)}
'''  # noqa: E501
