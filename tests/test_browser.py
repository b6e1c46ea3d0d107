"""Every lesson in JupyterLab and in Notebook 7, opened and run as a reader does: `make
test-browser`."""
import json, re, shutil, subprocess, sys, time
from pathlib import Path
import nbformat, pytest
from browser import open_page
from conftest import ignore, lessons, top

pytestmark = pytest.mark.browser
front_ends = dict(lab='lab/workspaces/{0}/tree/{0}.ipynb', notebook='notebooks/{0}.ipynb')
settings = {
    # Both ask the web
    '@jupyterlab/apputils-extension:notification': dict(fetchNews='false', checkForUpdates=False),
    # As dark as the reader's other windows
    '@jupyterlab/apputils-extension:themes': {'adaptive-theme': True},
    # Or cells out of sight may be left out of the page
    '@jupyterlab/notebook-extension:tracker': dict(windowingMode='none')}
badges = {'https://colab.research.google.com/assets/colab-badge.svg',
          'https://kaggle.com/static/images/open-in-kaggle.svg'}
known = {
    # The badges are on the web, and there is none here. Any other address would be named too
    *[f'{badge}: net::ERR_FAILED' for badge in badges], 'Failed to load resource: net::ERR_FAILED',
    # Notebook 7 starts: its shortcuts and its file browser ask for what is not loaded yet
    "Cannot read properties of undefined (reading 'schema')",
    "Command 'filebrowser:open-path' not registered."}

long = '07_going_deeper', '08_all_digits'

# A traceback has the one or the other, by version
failed = '[data-mime-type$=error], [data-mime-type$=stderr]'

@pytest.fixture(scope='module')
def server(tmp_path_factory, no_network):
    """JupyterLab, started as `make lab` does, on a copy of the notebooks: their folder, its
    address, its token"""
    folder = tmp_path_factory.mktemp('lab')
    shutil.copytree(top/'nbs', folder/'nbs', ignore=ignore)
    overrides = folder/'config'/'labconfig'/'default_setting_overrides.json'
    overrides.parent.mkdir(parents=True)
    overrides.write_text(json.dumps(settings))
    where = {f'JUPYTER_{d.upper()}_DIR': str(folder/d) for d in ('config', 'data', 'runtime')}
    # One thread: two, beside one other program, take ten times as long
    env = no_network | dict(IPYTHONDIR=str(folder/'ipython'), OMP_NUM_THREADS='1', **where)
    command = [Path(sys.executable).with_name('jupyter-lab'), '--allow-root', '--no-browser',
               '--port=0', 'nbs/00_pixels.ipynb']
    with open(folder/'log', 'w') as log:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log)
    try:
        for _ in range(300):
            if written := list((folder/'runtime').glob('jpserver-*.json')): break
            time.sleep(.2)
        assert written, (folder/'log').read_text()
        info = json.loads(written[0].read_text())
        yield folder/'nbs', info['url'], info['token']
    finally:
        process.terminate()
        process.wait(60)

def wait(page, done, seconds):
    "Wait until `done()`"
    for _ in range(seconds*5):
        if done(): return
        page.wait_for_timeout(200)
    pytest.fail(f'{seconds} seconds were not enough')

def choose(page, menu, item):
    page.locator('.lm-MenuBar-item', has_text=menu).first.click()
    page.locator('.lm-Menu-item', has_text=item).first.click()

def run_all(page, kernels, seconds):
    "Run all cells, and wait for the last one, or for an error, which stops them"
    # Cells that are run before the kernel listens are passed over in silence
    def is_idle(k): return k['execution_state']=='idle'
    # A page that was closed too soon leaves a kernel that starts for ever, to which nobody listens
    def ours(): return [k for k in kernels() if k['connections']]
    wait(page, lambda: any(map(is_idle, ours())), 60)
    page.locator('.jp-Notebook-ExecutionIndicator[data-status=idle]').first.wait_for()
    page.evaluate('''() => {
        const note = () => window.bars ||= document.querySelector("progress")?.outerHTML
        new MutationObserver(note).observe(document, {subtree: true, childList: true}) }''')
    choose(page, 'Run', 'Run All Cells')
    prompts,idle = page.locator('.jp-InputPrompt'),0
    prompts.filter(has_text=re.compile(r'\[[\d*]')).first.wait_for()
    def done():
        "No cell waits, and the kernel was idle for a second. (A folded cell shows no number)"
        nonlocal idle
        busy = prompts.filter(has_text='[*]').count() or not all(map(is_idle, ours()))
        idle = 0 if busy else idle+1
        return idle==5
    wait(page, done, seconds)

def animation_plays(page):
    animation = page.locator('.animation')
    def changes(act):
        before = animation.locator('img').get_attribute('src')
        act()
        moved = 'before => document.querySelector(".animation img").src != before'
        page.wait_for_function(moved, arg=before)
    changes(animation.get_by_role('button', name='Play', exact=True).click)
    animation.get_by_role('button', name='Pause', exact=True).click()
    changes(lambda: animation.get_by_role('slider').fill('0'))

def questions_answer(page):
    def cell(n):
        source = page.locator('.cm-content', has_text=re.compile(rf'(answer|explain|check)\({n},'))
        return page.locator('.jp-CodeCell', has=source).first
    def write(n, source, told):
        cell(n).locator('.cm-content').click()
        page.keyboard.press('Control+a')
        page.keyboard.insert_text(source)
        page.keyboard.press('Shift+Enter')
        cell(n).locator('.jp-OutputArea').filter(has_text=told).first.wait_for()
    write(1, "answer(1, 'c')", 'Right. 1 of 37 right')
    write(2, "explain(2, 'mine', points='a')", '1 of 3 points. Missing: b, c.')
    relu = 'def relu(x): return x.clamp(min=0)\nx = torch.tensor([-1., 2.])\n'
    write(34, f'{relu}check(34, relu, (x, x.relu()), plot=(-2,2))', 'Right. 2 of 37 right')
    cell(34).locator('.jp-OutputArea img').wait_for()
    if '/lab/' in page.url:  # Notebook 7 opens another tab of the browser each time
        write(5, "answer(5, 'b')", 'Not b.')
        for _ in range(2):
            cell(5).locator('.jp-OutputArea a').filter(has_text='00_pixels, Rank and shape').click()
            page.locator('h1', has_text='Pixels').first.wait_for()
            page.locator('.lm-TabBar-tab', has_text='10_questionnaire.ipynb').click()
        page.locator('.lm-TabBar-tab', has_text='00_pixels.ipynb').click()
        page.wait_for_function('''[...document.querySelectorAll("h2")].some(h => {
            const is_it = h.textContent.startsWith("Rank and shape")
            const top = is_it ? h.getBoundingClientRect().top : -1
            return top > 0 && top < innerHeight/2 })''')

def bars_were_seen(page): assert page.evaluate('window.bars')

acts = {'02_learning_rate': animation_plays, '05_optimizer': bars_were_seen,
        '10_questionnaire': questions_answer}

def takes_minutes(front_end, name):
    # The two front ends draw a page by the same code, so the longer notebooks are read in one
    other = '06_nonlinearity', '09_learner', '11_many_machines'
    return name in long or front_end=='notebook' and name in other

@pytest.mark.parametrize('front_end,path', [
    pytest.param(f, p, id=f'{f}-{p.stem}', marks=[pytest.mark.slow]*takes_minutes(f, p.stem))
    for f in front_ends for p in lessons])
def test_notebook(front_end, path, server, chromium):
    folder,url,token = server
    copy = shutil.copy(path, folder)
    address = f'{url}{front_ends[front_end].format(path.stem)}?token={token}'
    with open_page(chromium, address) as (page,wrong):
        def kernels(): return page.request.get(f'{url}api/kernels').json()
        def saved(): return [c for c in nbformat.read(copy, 4).cells if c.cell_type=='code']
        # Without HTML, since a progress bar that is gone leaves an empty one
        def kinds(cells):
            return [[o.get('name') or sorted(o.data) for o in c.outputs
                     if 'text/html' not in o.get('data', {})] for c in cells]
        run_all(page, kernels, 1200 if path.stem in long else 300)
        assert page.locator(failed).all_text_contents() == []
        assert page.evaluate('''[...document.querySelectorAll("progress")]
            .filter(p => p.value < p.max).map(p => p.outerHTML)''') == []
        assert page.evaluate('''[...document.querySelectorAll(".jp-OutputArea img")]
            .every(i => i.complete && i.naturalWidth)''')
        choose(page, 'File', 'Save Notebook')
        wait(page, lambda: all(c.execution_count for c in saved()), 30)
        committed = [c for c in nbformat.read(path, 4).cells if c.cell_type=='code']
        if path.stem != '10_questionnaire': assert kinds(saved()) == kinds(committed)
        if act := acts.get(path.stem): act(page)
        assert [w for w in wrong if w not in known] == []
        headers = dict(Authorization=f'token {token}')
        for k in kernels(): page.request.delete(f'{url}api/kernels/{k["id"]}', headers=headers)
