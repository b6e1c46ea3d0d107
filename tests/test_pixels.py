"The distance of images, against NumPy."
import numpy as np, pytest, torch
from hypothesis import given, strategies as st
from chapter4_helpers.pixels import mnist_distance
from made_up import cases, close, floats, seeds, shapes, tolerance

pytestmark = pytest.mark.usefixtures('one_thread')

@cases(100)
@given(shapes, *[st.integers(1, 5)]*2, st.sampled_from(floats), seeds)
def test_mnist_distance(shape, h, w, dtype, seed):
    gen = torch.Generator().manual_seed(seed)
    a,b = (torch.randn(size, generator=gen).to(dtype) for size in ((*shape,h,w), (h,w)))
    for pair in (a,b),(b,a):
        u,v = np.broadcast_arrays(*(t.double().numpy() for t in pair))
        assert close(mnist_distance(*pair), np.abs(u-v).mean((-1,-2)), tolerance[dtype]*4)
