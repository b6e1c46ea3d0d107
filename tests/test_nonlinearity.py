"The network of two layers, against NumPy, and what 12 says of its training."
import sys
import numpy as np, pytest, torch
from hypothesis import given, strategies as st
from torch import nn
from chapter4_helpers.nonlinearity import simple_net
from conftest import top
from made_up import cases, close, seeds

sys.path.insert(0, str(top/'benchmarks'))
from race import from_notebook

pytestmark = pytest.mark.usefixtures('one_thread')

@cases(50)
@given(*[st.integers(1, 9)]*4, seeds)
def test_simple_net(n, n_in, n_hidden, n_out, seed):
    torch.manual_seed(seed)
    net,x = simple_net(n_in, n_hidden, n_out),torch.randn(n, n_in)
    w1,b1,w2,b2 = (p.detach().numpy() for p in net.parameters())
    assert w1.shape==(n_hidden,n_in) and w2.shape==(n_out,n_hidden)
    assert close(net(x), np.maximum(x.numpy()@w1.T + b1, 0)@w2.T + b2)

def test_by_default_it_is_the_chapters_network():
    net = simple_net()
    assert type(net) is nn.Sequential and [p.shape[0] for p in net.parameters()] == [30, 30, 1, 1]
    assert sum(p.numel() for p in net.parameters()) == 23_581

@pytest.mark.slow
def test_ten_times_as_many_steps_help_the_first_start_only():
    nb = from_notebook('12_what_networks_can_say', 'wave', 'x', 'xs', 'ys', 'squared_error',
                       'fit', 'random_net', 'largest_error')
    few,many = ([nb['largest_error'](nb['fit'](nb['random_net'](seed), steps))
                 for seed in range(3)] for steps in (4000, 40_000))
    assert close(few, [.75,.97,.95], .06) and close(many, [.37,1.04,.96], .06)
