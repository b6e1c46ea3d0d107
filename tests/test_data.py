"""MNIST as it comes out of the packaged file, and as a folder of few images, against that file.
What can go wrong with the folder is in test_folder.py."""
import errno
import numpy as np, pytest, torch
from hypothesis import given, strategies as st
from PIL import Image
from chapter4_helpers import data
from chapter4_helpers.data import mnist, mnist_folder, mnist_sample
from made_up import cases

whole = data._read_npz()

@cases(5)
@given(st.lists(st.integers(0, 9), min_size=1, unique=True))
def test_some_digits(digits):
    some = [t.numpy() for t in mnist(digits)]
    for (xs,ys),(all_x,all_y) in zip((some[:2], some[2:]), (whole[:2], whole[2:])):
        assert ys.dtype==np.int64 and xs.dtype==np.uint8
        rows = [i for d in digits for i in sorted(np.flatnonzero(all_y==d), key='{}.png'.format)]
        assert np.array_equal(xs, all_x[rows]) and np.array_equal(ys, all_y[rows])

def test_dtypes_and_targets():
    s = mnist_sample()
    dtypes = torch.uint8, torch.int64, torch.float32, torch.int64
    for d,kinds in (mnist(), dtypes[:2]),(s, dtypes[2:]): assert [t.dtype for t in d] == [*kinds]*2
    for y in s.train_y,s.valid_y: assert (y[0].item(), y[-1].item()) == (1, 0)  # a three, a seven

@pytest.mark.parametrize('digits', [None, (3,)], ids=str)
def test_what_is_changed_in_one_copy_is_not_in_the_next(digits):
    before = [t.clone() for t in mnist(digits)]
    for t in mnist(digits): t.zero_()
    assert all(map(torch.equal, mnist(digits), before))

def test_the_file_is_read_once(monkeypatch):
    mnist()
    monkeypatch.delattr(data.Path, 'read_bytes')
    mnist(), mnist_sample()

# The folder

@pytest.fixture
def few(monkeypatch):
    "As if the data file held a hundredth of its images"
    some = data.MNIST(*(a[:n] for a,n in zip(whole, (600,600,100,100))))
    monkeypatch.setattr(data, '_read_npz', lambda: some)
    return some

@pytest.mark.parametrize('digits', [(3,7), (7,3), (0,), range(10)], ids=str)
def test_the_folder_holds_each_image_under_its_name(few, tmp_path, monkeypatch, digits):
    for name in 'HOME','USERPROFILE': monkeypatch.setenv(name, str(tmp_path))
    dest = mnist_folder(digits, dest='~/new/deep/mnist')
    images = {f'{part}/{y}/{i}.png': x
              for part,xs,ys in (('train', *few[:2]), ('valid', *few[2:]))
              for i,(x,y) in enumerate(zip(xs, ys)) if y in digits}
    found = {p.relative_to(dest).as_posix(): np.asarray(Image.open(p)) for p in dest.rglob('*.png')}
    assert dest == tmp_path/'new'/'deep'/'mnist' and found.keys() == images.keys()
    assert all(np.array_equal(found[name], x) for name,x in images.items())
    header,*rows = (dest/'labels.csv').read_text().split('\n')
    labels = {name: str(sorted(digits).index(int(name.split('/')[1]))) for name in images}
    assert header == 'name,label' and rows.pop() == '' and len(rows) == len(images)
    assert dict(row.split(',') for row in rows) == labels
    names = [row.split(',')[0] for row in rows]
    def place(name):
        part,digit,file = name.split('/')
        return part, list(digits).index(int(digit)), file
    assert names == sorted(names, key=place)
    assert sorted(p.name for p in dest.parent.iterdir()) == ['.mnist.lock', 'mnist']

@pytest.mark.filterwarnings('ignore:.*torch.jit.script')
@pytest.mark.parametrize('digits,name', [
    ((7,3), 'mnist_sample'), ((3,), 'mnist_3'), ((8,1), 'mnist_18')])
def test_by_default_the_folder_is_where_fastai_looks(few, tmp_path, monkeypatch, digits, name):
    from fastai.data import external
    monkeypatch.setattr(external, 'fastai_path', lambda kind: tmp_path/kind)
    assert mnist_folder(digits) == tmp_path/'data'/name
    assert {p.name for p in (tmp_path/'data'/name/'train').iterdir()} == set(map(str, digits))

def test_an_empty_folder_is_filled_and_a_full_one_left(few, tmp_path, monkeypatch):
    (tmp_path/'mnist').mkdir()
    (tmp_path/'.mnist.new'/'train'/'3').mkdir(parents=True)  # of a writer that was killed
    dest = mnist_folder(dest=tmp_path/'mnist')
    assert (dest/'labels.csv').exists() and not (tmp_path/'.mnist.new').exists()
    def write(*args): raise AssertionError('written again')
    monkeypatch.setattr(data, '_write_folder', write)
    assert mnist_folder(dest=dest) == dest

def test_another_writer_was_first(few, tmp_path, monkeypatch):
    # It came after the first look at the folder, and before the lock was free
    first,there = mnist_folder(dest=tmp_path/'first'),data._is_there
    looks = iter([False])
    monkeypatch.setattr(data, '_is_there', lambda dest: next(looks, there(dest)))
    def write(*args): raise AssertionError('written again')
    monkeypatch.setattr(data, '_write_folder', write)
    assert mnist_folder(dest=first) == first

def test_what_the_system_says_is_in_the_error(few, tmp_path, monkeypatch):
    def refuse(error):
        def fail(new, images):
            new.mkdir()
            raise error
        monkeypatch.setattr(data, '_write_folder', fail)
        with pytest.raises(OSError) as e: mnist_folder(dest=tmp_path/'mnist')
        assert e.value.__cause__ is error
        assert [p.name for p in tmp_path.iterdir()] == ['.mnist.lock']
        return e.value
    full = refuse(OSError(errno.ENOSPC, 'No space'))
    assert full.errno == errno.ENOSPC and f'{tmp_path/"mnist"} (No space)' in str(full)
    assert 'FASTAI_HOME' in str(full)
    assert '(just so)' in str(refuse(OSError('just so')))

def test_the_home_folder_that_fastai_cannot_make(few, tmp_path, monkeypatch):
    from fastai.data import external
    def fail(kind): raise PermissionError(errno.EACCES, 'Permission denied', '/nowhere')
    monkeypatch.setattr(external, 'fastai_path', fail)
    with pytest.raises(PermissionError, match='/nowhere'): mnist_folder()
