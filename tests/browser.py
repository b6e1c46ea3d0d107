"""What the tests in a browser share: Chromium, a page that notes what goes wrong in it, and a
folder served on this machine."""
import os, shutil, threading
from contextlib import contextmanager
from functools import partial
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
