"""What tests with made-up inputs share: inputs, what comes out by plain NumPy, how to compare.

The inputs are the same in each run. `CASES=5000 pytest tests/test_loss.py` tries new ones."""
import io, os, random, sys, tempfile
from contextlib import redirect_stdout
import numpy as np, torch
from hypothesis import settings, strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

set_hypothesis_home_dir(tempfile.mkdtemp())  # or it leaves a folder in the repository

def cases(n):
    "Try a test with `n` inputs, or as many as the environment asks for"
    return settings(max_examples=int(os.environ.get('CASES', n)), database=None, deadline=None,
                    derandomize='CASES' not in os.environ)

seeds = st.integers(0, 2**32-1)
shapes = st.lists(st.integers(1, 4), max_size=3).map(tuple)
floats = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
wholes = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]
tolerance = {torch.float16: 4e-3, torch.bfloat16: 3e-2, torch.float32: 1e-5, torch.float64: 1e-12}

def close(a, b, tol=1e-5):
    "Of one shape, and nowhere further apart than `tol`, times their size where that is above 1?"
    def array(v): return v.detach().double() if isinstance(v, torch.Tensor) else v
    a,b = (np.asarray(array(v), dtype=float) for v in (a,b))
    return a.shape==b.shape and bool(np.all(np.abs(a-b) <= tol*np.maximum(1, np.abs(b))))

def quiet(f, *args, **kwargs):
    "What `f` returns, and nothing of what it prints"
    with redirect_stdout(io.StringIO()): return f(*args, **kwargs)

# A linear model, by the formulas

@st.composite
def linear_case(draw, dtype=torch.float64):
    "Inputs, targets, weights and bias"
    n,k,gen = draw(st.integers(1, 12)),draw(st.integers(1, 6)),torch.Generator()
    gen.manual_seed(draw(seeds))
    def randn(*size): return torch.randn(size, generator=gen, dtype=dtype)
    return randn(n,k), (randn(n,1) > 0).long(), randn(k,1), randn(1)

@st.composite
def cut(draw, n):
    "Places at which to cut `n` rows into batches"
    return [0, *sorted(draw(st.sets(st.integers(1, n-1)) if n>1 else st.just(set()))), n]

def as_numpy(batches): return [tuple(t.double().numpy() for t in batch) for batch in batches]

def loss_and_grads(x, y, w, b):
    "Of `mnist_loss` of a linear model: the loss, its gradients for `w` and for `b`"
    p = 1/(1+np.exp(-(x@w + b)))
    d = np.where(y==1, -1, 1)*p*(1-p)/len(x)
    return np.where(y==1, 1-p, p).mean(), x.T@d, d.sum(0)

def plain_epoch(batches, w, b, lr):
    "The mean loss of an epoch of SGD, and the weights and bias after it"
    total = 0
    for x,y in batches:
        loss,dw,db = loss_and_grads(x, y, w, b)
        w,b,total = w-lr*dw, b-lr*db, total+loss*len(x)
    return total/sum(len(x) for x,_ in batches), w, b

# Interrupts. Python hands one over between two lines, so that is where the tests put it.

class Interrupted:
    "In `with`, a KeyboardInterrupt comes instead of the k-th line of the package; `line` counts"
    def __init__(self, k): self.k,self.line,self.at = k,0,{}
    def __enter__(self):
        sys.settrace(self.trace)
        return self
    def __exit__(self, *args):
        sys.settrace(None)
        self.at.clear()  # or the frames, and all that is in them, would live on
    def trace(self, frame, event, arg):
        if 'chapter4_helpers' not in frame.f_code.co_filename: return None
        # A loop within one line comes several times; Python 3.12 and 3.13 let what is raised
        # where it jumps back pass by a `finally` around it
        if event=='line' and self.at.get(frame) != frame.f_lineno:
            self.at[frame] = frame.f_lineno
            self.line += 1
            if self.line == self.k: raise KeyboardInterrupt
        return self.trace

def moments(lines, few=100):
    "The first lines, the last ones, and some in between"
    some = random.Random(0).sample(range(1, lines+1), min(few, lines))
    return sorted({*range(1, min(20, lines)), *some, *range(max(1, lines-20), lines+1)})
