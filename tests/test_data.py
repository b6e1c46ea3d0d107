"MNIST as it comes out of the packaged file, against that file. The folder is in test_folder.py."
import hashlib
import numpy as np, pytest, torch
from hypothesis import given, strategies as st
from chapter4_helpers import data
from chapter4_helpers.data import mnist, mnist_sample
from made_up import cases

whole = data._read_npz()

@cases(100)
@given(st.lists(st.integers(0, 9), max_size=60), st.permutations(range(10)), st.integers(1, 10))
def test_rows_come_in_the_order_of_file_names(labels, digits, n):
    labels,digits = np.array(labels, np.uint8),digits[:n]
    def names(d): return sorted(f'{i}.png' for i,y in enumerate(labels) if y==d)
    wanted = [int(name[:-4]) for d in digits for name in names(d)]
    assert data._rows(labels, digits).tolist() == wanted

@cases(5)
@given(st.lists(st.integers(0, 9), min_size=1, unique=True))
def test_some_digits(digits):
    some = [t.numpy() for t in mnist(digits)]
    for (xs,ys),(all_x,all_y) in zip((some[:2], some[2:]), (whole[:2], whole[2:])):
        assert ys.dtype==np.int64 and xs.dtype==np.uint8
        assert [d for i,d in enumerate(ys) if i==0 or ys[i-1]!=d] == digits  # digit by digit
        for d in digits: assert sorted(map(bytes, xs[ys==d])) == sorted(map(bytes, all_x[all_y==d]))

def test_all_digits_are_the_original_files():
    # The sums are those of the four files by LeCun, Cortes and Burges, without their headers
    d = mnist()
    assert [t.dtype for t in d] == [torch.uint8, torch.int64]*2
    images,labels,valid_images,valid_labels = (t.numpy().astype(np.uint8) for t in d)
    headers = [(2051,60000,28,28), (2049,60000), (2051,10000,28,28), (2049,10000)]
    def file_of(header, a): return np.array(header, '>i4').tobytes() + a.tobytes()
    sums = [hashlib.md5(file_of(*pair)).hexdigest()
            for pair in zip(headers, (images, labels, valid_images, valid_labels))]
    assert sums == ['6bbc9ace898e44ae57da46a324031adb', 'a25bea736e30d166cdddb491f175f624',
                    '2646ac647ad5339dbf082846283269ea', '27ae3e4e09519cfbb04c329615203637']

def test_mnist_sample():
    s,d = mnist_sample(),mnist((3,7))
    assert [list(t.shape) for t in s] == [[12396,784], [12396,1], [2038,784], [2038,1]]
    assert [t.dtype for t in s] == [torch.float32, torch.int64]*2
    assert (s.train_y[0].item(), s.train_y[-1].item()) == (1, 0)  # a three, a seven
    for x,y,images,labels in (*s[:2], *d[:2]),(*s[2:], *d[2:]):
        assert torch.equal(x, images.view(-1,784)/255) and torch.equal(y[:,0]==1, labels==3)
        assert x.min()==0 and x.max()==1 and {*y[:,0].tolist()} == {0,1}

def test_what_is_changed_in_one_copy_is_not_in_the_next():
    d = mnist((3,))
    d.train_x.zero_()
    assert mnist((3,)).train_x.max() == 255

@pytest.mark.parametrize('digits', [[3,7], {3,7}, range(3,8,4), np.array([3,7])], ids=str)
def test_digits_in_any_form(digits):
    assert torch.equal(mnist(digits).valid_y, mnist((3,7)).valid_y)
