"Gradient descent, against scalar loops."
import pytest, torch
from hypothesis import given, strategies as st
from chapter4_helpers.descent import descend
from made_up import cases, close

pytestmark = pytest.mark.usefixtures('one_thread')

starts = st.lists(st.floats(-9, 9), min_size=1, max_size=4)

@cases(100)
@given(starts, st.floats(1e-3, 3), st.integers(1, 30))
def test_descend(start, lr, steps):
    start = torch.tensor(start, dtype=torch.float64)
    before,path = start.clone(),descend(lambda p: (p**2).sum(), start, lr, steps)
    x = start.tolist()
    for p,loss in path:
        assert type(loss) is float and not p.requires_grad
        assert close(p, x, 1e-6) and close(loss, sum(v*v for v in x), 1e-6)
        x = [v - lr*2*v for v in x]
    assert len(path)==steps+1 and torch.equal(start, before) and not start.requires_grad

def test_params_that_are_trained_elsewhere_stay_as_they_are():
    x = torch.tensor(3., requires_grad=True)
    descend(lambda p: p**2, x, .1, 3)
    assert x.requires_grad and x.grad is None and x.item()==3

def test_no_other_tensor_gets_a_gradient():
    w = torch.tensor(2., requires_grad=True)
    descend(lambda p: (w*p)**2, torch.tensor(3.), .1, 3)
    assert w.grad is None
