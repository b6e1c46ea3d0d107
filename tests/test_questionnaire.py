"The questionnaire: the sections it names exist, the answers it shows are right, and its buttons work."
import re, sys
import nbformat, pytest
from nbclient import NotebookClient
from conftest import top

def read(name): return nbformat.read(top/'nbs'/f'{name}.ipynb', 4)

def headings(name):
    return {h.strip() for c in read(name).cells if c.cell_type=='markdown' for h in re.findall(r'(?m)^#+ (.+)', c.source)}

@pytest.fixture
def quiz(tmp_path, monkeypatch):
    "Every question, as `number: (text, answer)`, and the names of the notebook after it was run unanswered"
    monkeypatch.chdir(tmp_path)
    cells,names,texts = read('10_questionnaire').cells,{},{}
    for c in cells:
        if c.cell_type=='code' and not c.source.startswith('#| hide'): exec(c.source, names)
        elif m := re.search(r'(?s)### (\d+)\. (.+?)<details>(.+)</details>', c.source): texts[int(m[1])] = m[2],m[3]
    assert list(texts) == list(range(1, 38)) and names['state'] == {} and list(tmp_path.iterdir()) == []
    return texts,names

def test_sections_exist(quiz):
    for n,q in quiz[1]['questions'].items(): assert q['section'] in headings(q['notebook']), n

def test_shown_answers_are_right(quiz):
    texts,names = quiz
    for n,(text,shown) in texts.items():
        kind,options = (names['questions'][n][k] for k in ('kind', 'options'))
        listed = ''.join(re.findall(r'(?m)^- \*\*(\w)\.\*\*', shown if kind=='points' else text))
        if kind=='code':
            exec(code := re.search(r'(?s)```python\n(.+?)```', shown)[1], names)
            names['check'](n, names[re.match(r'def (\w+)', code)[1]], *names['asked'][n])
        elif kind=='points': names['explain'](n, 'in my own words', listed)
        else:
            bold = re.search(r'\*\*(.+?)\*\*', shown)[1]
            names['answer'](n, *re.findall(r'\d+(?:\.\d+)?' if kind=='numbers' else r'\b[a-g]\b', bold))
        assert names['is_right'](n), n
        if kind not in ('code', 'numbers'): assert listed == options, n

def test_without_ipywidgets(quiz, monkeypatch):
    monkeypatch.setitem(sys.modules, 'ipywidgets', None)
    _,names = quiz
    monkeypatch.setitem(sys.modules, 'google.colab', sys)
    assert not names['live']()
    names['answer'](1, ''); names['answer'](1, 'c')
    assert names['is_right'](1)

def test_buttons(tmp_path):
    nb = read('10_questionnaire')
    client = NotebookClient(nb, kernel_name='python3', resources=dict(metadata=dict(path=str(tmp_path))))
    def run(source):
        nb.cells.append(nbformat.v4.new_code_cell(source))
        return client.execute_cell(nb.cells[-1], len(nb.cells)-1).outputs
    def has_widgets(cell): return any('application/vnd.jupyter.widget-view+json' in o.get('data', {}) for o in cell.outputs)
    with client.setup_kernel():
        client.kc.allow_stdin = True  # as where a person sits in front
        for i,c in enumerate(list(nb.cells)): client.execute_cell(c, i)
        shown = [c.source for c in nb.cells if c.cell_type=='code' and has_widgets(c)]
        assert len(shown) == 27 and all(re.match('answer|explain', s) for s in shown)

        box,said = {},{}
        for n in (1, 7, 14, 24, 2):
            said[n] = run(f'box{n} = ask({n})')
            assert said[n][1].data['text/plain'] == 'Open.'
            box[n] = f'box{n}.children'
        def press(n, source):
            "What stands under the buttons of question `n` after `source`"
            assert run(source) == []
            return said[n][1].data['text/markdown']
        def tick(n, row, boxes):
            return press(n, f'*boxes,button = {box[n]}[{row}].children\nfor i,b in enumerate(boxes): b.value = i in {boxes}\nbutton.click()')
        assert press(1, f'{box[1]}[0].value = "a"').startswith('**Not a.** Read again: [00_pixels, An image is a tensor](')
        assert press(1, f'{box[1]}[0].value = "c"') == '**Right.** 1 of 37 right, 36 open.'
        assert press(7, f'{box[7]}[0].value = "0.2"') == 'Still open: question 7 wants 2 numbers.'
        assert press(7, f'{box[7]}[0].value = "0.2 0.4"').startswith('**Right.**')
        assert press(14, f'{box[14]}[0].value = "b d c a f e g"').startswith('**Right.**')
        assert tick(24, 0, [0, 2]).startswith('**Not ac.**')
        assert tick(24, 0, [0, 2, 4]).startswith('**Right.**')
        run(f'{box[2]}[0].value = "mine"')
        assert tick(2, 1, []).startswith('**0 of 3 points.** Missing: a, b, c.')
        assert tick(2, 1, [0]).startswith('**1 of 3 points.** Missing: b, c.')
        assert run('state[2], progress()')[0].data['text/plain'] == "({'given': 'a', 'words': 'mine'}, '4 of 37 right, 1 wrong, 32 open')"
        run('save(); state.clear(); resume()')
        again = run('again = ask(2).children')
        assert again[1].data['text/markdown'].startswith('**1 of 3 points.** Missing: b, c.')
        assert run('again[0].value, [b.value for b in again[1].children[:3]]')[0].data['text/plain'] == "('mine', [True, False, False])"
