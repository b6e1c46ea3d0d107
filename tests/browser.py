"""What the tests in a browser share: Chromium, a page that notes what goes wrong in it, a folder
served on this machine, and a frame in which scripts run and nothing else is allowed."""
import json, os, shutil, threading
from contextlib import contextmanager
from functools import partial
from html import escape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
import pytest

@pytest.fixture(scope='session')
def chromium():
    "The Chromium of this machine, or else Playwright's"
    missing = "Playwright is missing: pip install -e '.[browser]'"
    api = pytest.importorskip('playwright.sync_api', reason=missing)
    with api.sync_playwright() as playwright:
        names = 'chromium', 'chromium-browser', 'google-chrome'
        path = next(filter(None, map(shutil.which, names)), None)
        if not path and not Path(playwright.chromium.executable_path).exists():
            give_up = pytest.fail if 'CI' in os.environ else pytest.skip
            give_up('no Chromium on this machine: install it, or run `playwright install chromium`')
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()

@contextmanager
def open_page(chromium, url, width=1280, **kwargs):
    "The page at `url`, with no network but this machine, and the list of what goes wrong in it"
    context,wrong = chromium.new_context(viewport=dict(width=width, height=844), **kwargs),[]
    here = 'http://127.0.0.1:', 'http://localhost:', 'data:', 'blob:'
    context.route(lambda url: not url.startswith(here), lambda r: r.abort())
    page = context.new_page()
    page.on('console', lambda m: m.type=='error' and wrong.append(m.text))
    page.on('pageerror', lambda e: wrong.append(str(e)))
    page.on('requestfailed', lambda r: wrong.append(f'{r.url}: {r.failure}'))
    page.on('response', lambda r: r.status>=400 and wrong.append(f'{r.url}: {r.status}'))
    page.goto(url)
    yield page,wrong
    context.close()

class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args): pass

@contextmanager
def serve(folder):
    "The address at which `folder` can be read"
    with ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}/'
        server.shutdown()

def sandboxed(html, policy=''):
    """A page with `html` in a frame that may run the scripts in itself, and nothing else: nothing
    can be loaded, and `localStorage` raises an error. Colab and VS Code show outputs so."""
    policy = ("default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
              f'img-src data:; {policy}')
    meta = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
    inner = escape(f'<!doctype html>{meta}<title>inside</title>{html}')
    return ('<!doctype html><link rel="icon" href="data:,"><title>outside</title><iframe '
            f'sandbox="allow-scripts" width="900" height="800" srcdoc="{inner}"></iframe>')

def as_in_vs_code(outputs):
    """The same, with HTML that comes late: no script in it runs until it is made anew, and that
    is taken away again at once."""
    texts = json.dumps(outputs).replace('<', '\\u003c')
    return sandboxed('''<body><script>
        const trust = {createHTML: text => text, createScript: text => text}
        const policy = trustedTypes.createPolicy('notebook', trust)
        for (const text of %s) {
            const place = document.createElement('div')
            place.innerHTML = policy.createHTML(text)
            document.body.append(place)
            for (const {type, text} of place.querySelectorAll('script')) {
                const script = document.createElement('script')
                Object.assign(script, {type, text: policy.createScript(text)})
                place.append(script)
                script.remove()
            }
        }</script>''' % texts, "require-trusted-types-for 'script'")
