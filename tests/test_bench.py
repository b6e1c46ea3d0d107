"""The benchmarks run, at small settings, and write RESULTS.md whole or not at all. Nothing timed is
asserted."""
import re, sys
import nbformat, pytest, torch
from conftest import top

sys.path.insert(0, str(top/'benchmarks'))
import run, timing

parts = ['growth']

@pytest.fixture
def calls(monkeypatch):
    "Sections that take no time: each gives a table with the number of calls so far"
    calls = []
    def section(name):
        def f(quick):
            calls.append(name)
            if name=='gpu': raise OSError('no card')
            return timing.table(['name', 'call'], [[name, f'{len(calls)}']])
        return f
    def load(module):
        ours = {function: name for name,(_,m,function) in run.sections.items() if m==module}
        return type('', (), {function: section(name) for function,name in ours.items()})
    monkeypatch.setattr(run, 'import_module', load)
    monkeypatch.setattr(run, 'draw', lambda texts, path: path.write_bytes(b''))
    return calls

def bench(monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', ['run.py', *map(str, args)])
    with pytest.raises(SystemExit) as e: run.main()
    return e.value.code

def test_quick(python, tmp_path):
    out = python(top/'benchmarks'/'run.py', *parts, '--quick', '--out', tmp_path)
    texts = run.read(tmp_path/'RESULTS.md')
    for name in parts:
        assert timing.read_table(texts[name]) and texts[name] in out, name
    assert texts['gpu'] == run.no_run['gpu']
    assert {p.name for p in tmp_path.iterdir()} == {'RESULTS.md', 'results.png'}

def test_every_way_learns():
    import training
    data = [torch.cat([t[:1000], t[-1000:]]) for t in training.mnist_sample()]
    for make in training.models.values():
        for name,(epoch,net) in training.ways(make, data, 64, True).items():
            for _ in range(3): epoch()
            params = list(net.parameters())
            assert training.raw_accuracy(*data[2:], params) > .9, name

def test_a_section_replaces_only_itself(calls, monkeypatch, tmp_path):
    assert bench(monkeypatch, '--out', tmp_path) == 0
    before = run.read(tmp_path/'RESULTS.md')
    assert bench(monkeypatch, 'race', '--out', tmp_path) == 0
    after = run.read(tmp_path/'RESULTS.md')
    assert [name for name in run.sections if before[name] != after[name]] == ['race']
    assert '| race | 8 |' in after['race'] and after['gpu'] == run.no_run['gpu']
    assert bench(monkeypatch, 'gpu', '--out', tmp_path) == 1
    assert run.read(tmp_path/'RESULTS.md') == after

def test_whole_or_not_at_all(calls, monkeypatch, tmp_path):
    bench(monkeypatch, '--out', tmp_path)
    before = (tmp_path/'RESULTS.md').read_text()
    def interrupted(*args): raise KeyboardInterrupt
    monkeypatch.setattr(run, 'draw', interrupted)
    monkeypatch.setattr(sys, 'argv', ['run.py', 'race', '--out', str(tmp_path)])
    with pytest.raises(KeyboardInterrupt): run.main()
    assert (tmp_path/'RESULTS.md').read_text() == before
    assert {p.name for p in tmp_path.iterdir()} == {'RESULTS.md', 'results.png'}

def test_what_08_says_of_the_race():
    cells = nbformat.read(top/'nbs'/'08_all_digits.ipynb', 4).cells
    said = next(c.source for c in cells if '| network | memory |' in c.source)
    text = run.read(top/'benchmarks'/'RESULTS.md')['race']
    results = timing.read_table(text)
    rows = {(r['network'].split(',')[0], r['memory']): r for r in results}
    for r in timing.read_table(said):
        measured = rows[r['network'], r['memory']]
        accuracy = f'{measured["test accuracy"]} ± {measured["standard deviation"]}'
        assert (r['seconds'], r['accuracy']) == (measured['s, median'], accuracy)
        assert float(measured['runs']) >= 10
    ratios = '`fast_net` takes (.*) times that, and `far_net` (.*) times'
    fast,far = re.search(ratios, text).groups()
    assert f'99.04% in {fast} of' in said and f'99.5% in {float(far):.1f} times' in said
    assert float(fast) <= .5 and float(far) <= 5
    accs = {name: run.number(r['test accuracy']) for (name,_),r in rows.items()}
    assert accs['fast_net'] > .9904 and accs['far_net'] > .995
