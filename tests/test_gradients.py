"The slope that `backward` finds, against that of a formula."
import math
import pytest, torch
from hypothesis import given, strategies as st
from chapter4_helpers.gradients import gradient
from made_up import cases, close

pytestmark = pytest.mark.usefixtures('one_thread')

@cases(100)
@given(st.floats(-9, 9) | st.integers(-9, 9))
def test_gradient(x):
    assert type(gradient(torch.sin, x)) is float
    assert close(gradient(torch.sin, x), math.cos(x))
    assert close(gradient(lambda t: t**3 - 2*t, x), 3*x**2 - 2)
