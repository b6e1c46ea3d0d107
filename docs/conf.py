"""What Sphinx is told about the site. build.py makes the pages and calls it; what a person edits is
in settings.ini."""
import sys
from html import escape
from pathlib import Path
from myst_nb.sphinx_ import HideCodeCellNode

sys.path.insert(0, str(Path(__file__).parents[1]/'tools'))
from settings import settings

project = html_title = settings.repo
author = settings.author
html_baseurl = settings.site
extensions = ['myst_nb']
myst_heading_anchors = 4
nb_execution_mode = 'off'  # the outputs are those saved in the notebooks
nb_render_markdown_format = 'myst'
nb_ipywidgets_js = {}  # a page has no kernel for widgets, and their scripts come from other hosts
linkcheck_anchors_ignore_for_url = ['https://github.com/']  # it makes a page's anchors by script
linkcheck_retries,linkcheck_timeout = 3,30
html_theme = 'sphinx_book_theme'
html_context = dict(default_mode='auto')  # light or dark as the reader's system is
html_static_path,html_css_files = ['static'],['site.css']
html_use_index = html_copy_source = html_show_sphinx = html_show_copyright = False
html_theme_options = dict(
    repository_url=settings.github, repository_branch=settings.branch, path_to_docs='nbs',
    use_repository_button=True, use_download_button=False, home_page_in_toc=True,
    launch_buttons=dict(colab_url='https://colab.research.google.com'),
    navbar_persistent=[])  # the search has its place in the menu and beside the buttons

def lone_button(app, pagename, templatename, context, doctree):
    "Put a button that would be alone in its menu into the header; Colab has no notebook to play"
    def lone(button): return button['buttons'][0] if len(button.get('buttons', []))==1 else button
    buttons = [b for b in context.get('header_buttons', [])
               if (pagename, b.get('label')) != ('play', 'launch-buttons')]
    context['header_buttons'] = [lone(b) for b in buttons]

def visit_fold(self, node):
    "Say what folds, open if that is exported"
    title = escape(node['prompt_show'])
    opened = ' open' if title.startswith('Exported') else ''
    self.body.append(f'<details class="admonition hide {" ".join(node["classes"])}"{opened}>\n'
                     f'<summary><p class="admonition-title">{title}</p></summary>\n')
def depart_fold(self, node): self.body.append('</details>\n')

def setup(app):
    app.connect('html-page-context', lone_button, priority=1000)  # after the theme made the buttons
    app.add_node(HideCodeCellNode, override=True, html=(visit_fold, depart_fold))
