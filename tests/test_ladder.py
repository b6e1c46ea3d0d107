"The ladder: its figures, its table, the file it is kept in, and `python -m chapter4_helpers`."
import contextlib, json, random, runpy, subprocess, sys
import pytest, torch
from chapter4_helpers import ladder as module
from chapter4_helpers.ladder import Rung, ladder, ladder_table, saved_ladder
from made_up import quiet

pytestmark = pytest.mark.usefixtures('one_thread')

# What the notes and the book say
notes = [None, .96, .97, .982, .99]
book = [.9511, .97, .9785, .9828, .997]

def columns(text):
    "The table as `{name of the column: its cells}`"
    rows = [[cell.strip() for cell in line.split('|')[1:-1]] for line in text.splitlines()]
    return {name: cells[1:] for name,*cells in zip(*rows, strict=True)}

def test_no_column_stands_for_another():
    one,many = Rung('a model', [.5], 12.34, .25, .75),Rung('another', [.4, .6], 1., None, .125)
    assert columns(ladder_table([one, many])) == dict(
        model=['a model', 'another'], ours=['0.5000', '0.5000 ± 0.1414'], notes=['0.25', ''],
        book=['0.75', '0.125'], seconds=['12.3', '1.0'])

@pytest.fixture
def lots(monkeypatch):
    "Models that are not trained: their accuracies are lots, drawn with each generator in use"
    def lot(*args): return random.random() + torch.rand(1).item()
    for name in '_pixel_similarity', '_trained', '_resnet': monkeypatch.setattr(module, name, lot)

def test_seeds(lots):
    def accuracies(seeds): return [r.accuracies for r in quiet(ladder, seeds=seeds)]
    def wanted(seed):
        torch.manual_seed(seed); random.seed(seed)
        return random.random() + torch.rand(1).item()
    first = accuracies(3)
    assert [len(a) for a in first] == [1, 3, 3, 3, 3]  # nothing is random in the first
    assert first == accuracies(3) and [a[:1] for a in first] == accuracies(1)
    # Where weights are drawn before, the lots come after them
    assert first[-1] == [wanted(seed) for seed in range(3)]
    assert all(len({*a}) == 3 for a in first[1:])

def test_seconds_are_of_one_run(lots, monkeypatch):
    ticks = iter(range(0, 100, 6))
    monkeypatch.setattr(module.time, 'perf_counter', lambda: next(ticks))
    assert [r.seconds for r in quiet(ladder, seeds=3)] == [6, 2, 2, 2, 2]

def test_models_in_order(lots):
    whole,quick = quiet(ladder),quiet(ladder, quick=True)
    assert [r.model for r in quick] == [r.model for r in whole[:-1]]
    assert [r.model for r in whole] == [r.model for r in saved_ladder()]
    assert [r.notes for r in whole] == notes and [r.book for r in whole] == book

def test_the_models_and_how_each_is_trained(monkeypatch):
    calls = []
    def note(model, params, *rates): calls.append((model, [*params], rates)); return .5
    monkeypatch.setattr(module, '_trained', note)
    quiet(ladder, quick=True)
    (by_hand,start,_),(line,small_start,_),(net,_,_) = calls
    assert [rates for *_,rates in calls] == [(1., 20), (.1, 20), (.1, 40)]
    sizes = [[1,784], [1]], [[30,784], [30], [1,30], [1]]
    assert tuple([list(p.shape) for p in m.parameters()] for m in (line,net)) == sizes
    weights,bias = start
    assert weights.shape == (784,1) and bias.shape == (1,) and .9 < weights.std() < 1.1
    x = torch.randn(5, 784)
    assert torch.equal(by_hand(x), x@weights + bias)
    assert type(line) is torch.nn.Linear and small_start[0].std() < .1
    assert [type(m).__name__ for m in net] == ['Linear', 'ReLU', 'Linear']
    for model,params,_ in calls[1:]:
        assert all(p is q for p,q in zip(params, model.parameters(), strict=True))

def test_what_the_ladder_asks_of_fastai(monkeypatch):
    import fastai.vision.all as fastai
    calls = []
    class Learn:
        recorder = type('', (), dict(values=[[.1, .2], [.3, .4], [.5, .99]]))
        def no_logging(self): return contextlib.nullcontext(calls.append('quiet'))
        def fit_one_cycle(self, *args): calls.append(args)
    def vision_learner(*args, **kwargs): calls.append((args, kwargs)); return Learn()
    monkeypatch.setattr(module, 'mnist_folder', lambda: 'the folder')
    monkeypatch.setattr(fastai.ImageDataLoaders, 'from_folder', lambda path: f'loaders of {path}')
    monkeypatch.setattr(fastai, 'vision_learner', vision_learner)
    assert module._resnet() == .99
    settings = dict(pretrained=False, loss_func=fastai.F.cross_entropy, metrics=fastai.accuracy)
    assert calls == [(('loaders of the folder', fastai.resnet18), settings), 'quiet', (1, .1)]

# The command

@pytest.fixture
def main(monkeypatch, capsys):
    "Run the command with `args`; its exit status, what it prints and what it says besides"
    def _run(*args):
        monkeypatch.setattr(sys, 'argv', ['chapter4_helpers', *map(str, args)])
        code = 0
        try: runpy.run_module('chapter4_helpers', run_name='__main__')
        except SystemExit as e: code = e.code
        return code, *capsys.readouterr()
    return _run

def test_command(lots, main, tmp_path):
    file = tmp_path/'ladder.json'
    code,out,_ = main('--seeds', 2, '--out', file)
    rungs = [Rung(**r) for r in json.loads(file.read_text('utf-8'))]
    assert code==0 and ladder_table(rungs).strip() == out.strip()
    assert [r[:2] for r in rungs] == [r[:2] for r in quiet(ladder, seeds=2)]
    assert columns(main('--quick')[1])['model'] == [r.model for r in saved_ladder()[:-1]]
    code,out,err = main('--seeds', 0)
    assert (code, out) == (1, '') and err.startswith('seeds')

@pytest.mark.parametrize('place', ['missing/file', '.', 'a file/file'])
def test_command_looks_at_the_place_first(main, monkeypatch, tmp_path, place):
    (tmp_path/'a file').touch()
    monkeypatch.setattr(module, 'ladder', lambda *args: pytest.fail('trained in vain'))
    code,out,err = main('--quick', '--out', tmp_path/place)
    assert (code, out) == (2, '') and f'cannot write {tmp_path/place}' in err

def test_table_is_not_lost_with_the_file(lots, main, monkeypatch, tmp_path):
    def full(*args, **kwargs): raise OSError('no space left')
    monkeypatch.setattr(module.json, 'dumps', full)
    code,out,err = main('--quick', '--out', tmp_path/'file')
    assert code == 1 and len(columns(out)['ours']) == 4 and err.endswith('no space left\n')

def test_help_needs_no_torch():
    run = ("import runpy, sys; sys.modules['torch'] = None; sys.argv[1:] = ['--help']; "
           "runpy.run_module('chapter4_helpers', run_name='__main__')")
    done = subprocess.run([sys.executable, '-c', run], capture_output=True, text=True)
    assert done.returncode == 0 and '--seeds' in done.stdout, done.stderr

def test_stop_button(main, monkeypatch):
    def stopped(*args): raise KeyboardInterrupt
    monkeypatch.setattr(module, 'ladder', stopped)
    code,out,err = main('--quick')
    assert (code, out) == (130, '') and 'Interrupted: no table' in err
