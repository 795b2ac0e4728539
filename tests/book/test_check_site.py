"""tools/check_site.py finds what it is there to find: each bad page has one fault, and is caught for it."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

PATH = Path(__file__).parent.parent.parent / "tools" / "check_site.py"
spec = importlib.util.spec_from_file_location("check_site", PATH)
check_site = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_site)

PAGE = """<!doctype html>
<html lang="en"><head><title>A page</title><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">{head}</head>
<body><main><h1>A page</h1>{body}</main></body></html>"""

PICTURE = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"

GOOD = f"""<p id="here">It costs $5 or $6, and <code>$x$</code> is code.</p> <a href="#here">here</a>
<a href="sub/">there</a> <a href="https://example.org/">elsewhere</a>
<img src="{PICTURE}" alt="loss falls / step"><pre tabindex="0" style="overflow: auto">{"wide " * 20}</pre>
<div class="math" style="overflow: auto">
<mjx-container tabindex="0" style="display: block; width: 2000px">x</mjx-container></div>"""


def formula(block, inside="", width=2000):
    """A displayed formula as MathJax leaves it: a block with these styles, in it a wide container."""
    inside = f"display: block; flex: none; width: {width}px; {inside}"
    return f"<div class='math' style='{block}'><mjx-container style='{inside}'>E = mc</mjx-container></div>"


WIDE_PICTURE = "<svg xmlns='http://www.w3.org/2000/svg' width='2000' height='9'/>"

# name of the page: (what stands in its body, the mode that finds the fault, what is said, where)
BAD = {
    "request": ("<script>fetch('https://example.org/')</script>", "light", "another server", "example.org"),
    "lazy": (
        "<iframe src='//example.org/' title='x' loading='lazy'></iframe>",
        "links",
        "another server",
        "//e",
    ),
    "preconnect": (
        "<link rel='preconnect' href='https://example.org'>",
        "links",
        "another server",
        "example",
    ),
    "missing": (f"<img src='none.png' alt='a curve'>{GOOD}", "light", "answer 404", "none.png"),
    "console": ("<script>console.error('oh dear')</script>", "light", "console error", "oh dear"),
    "script": ("<script>undefinedFunction()</script>", "light", "script error", "undefinedFunction"),
    "formula": ("<span class='math'>\\(x^2\\)</span>", "light", "not typeset", "x^2"),
    "dollars": ("<p>Let $x_t$ be</p>", "light", "raw text", "x_t"),
    "brackets": ("<p>Let \\(x_t\\) be</p>", "light", "raw text", "x_t"),
    "merror": ("<mjx-merror>oops</mjx-merror>", "light", "formula with an error", "oops"),
    "grey": ("<p style='color: #bbb; background: #fff'>grey</p>", "dark", "axe color-contrast", "p"),
    "folded": (
        "<details><summary>s</summary><button></button></details>",
        "light",
        "axe button-name",
        "button",
    ),
    "wide": (
        "<p id='wide' style='width: 600px'>wide</p>",
        "phone",
        "scrolls sideways: 608 px in 360",
        "wide",
    ),
    "noalt": (f"<img src=\"{PICTURE}\" alt=''>", "light", "without alt", "img"),
    "pathalt": (f'<img src="{PICTURE}" alt="_images/07ce4e.svg">', "light", "is a path", "07ce4e"),
    "brokenpicture": (
        "<img src='data:image/svg+xml,<svg' alt='a curve'>",
        "light",
        "does not load",
        "a curve",
    ),
    "link": ("<a href='none.html'>x</a>", "links", "file that does not exist", "none.html"),
    "anchor": ("<a href='sub/index.html#none'>x</a>", "links", "#anchor that does not exist", "#none"),
    "ownanchor": ("<a href='#none'>x</a>", "links", "#anchor that does not exist", "#none"),
    "absolute": ("<a href='/good.html'>x</a>", "links", "absolute", "/good.html"),
    "outside": ("<a href='../../etc/passwd'>x</a>", "links", "file that does not exist", "passwd"),
    "source": ("<a href='_downloads/0/11-why.md'>x</a>", "links", "instead of its page", "11-why.md"),
    "scheme": ("<a href='file:///etc/passwd'>x</a>", "links", "scheme file", "passwd"),
    # Sphinx's own layout, which hides the left end; then a block that hides the right one.
    "cutleft": (
        formula("display: flex; flex-direction: row-reverse; overflow: hidden"),
        "light",
        "formula cut off on the left (window 1920",
        "row-reverse",
    ),
    "cutright": (formula("overflow: hidden"), "light", "formula cut off on the right (window 1280", "E = mc"),
    "cutonphone": (formula("overflow: hidden", width=400), "light", "cut off on the right (window 390", "E = mc"),
    "nokeyboard": (formula("overflow: auto"), "light", "does not scroll by keyboard (window 768", "E = mc"),
    "inline": (
        "<p>Let <span class='math'><mjx-container style='display: inline-block; width: 500px'>x</mjx-container></span>",
        "light",
        "formula in a line is wider than the column (window 390",
        "x",
    ),
    "code": (
        f"<pre tabindex='0' style='overflow: auto'>{'w' * 250}</pre>",
        "light",
        "code wider than its column",
        "www",
    ),
    "small": (
        '<div class="cell_output"><img style="width: 390px" alt="a curve" src="data:image/svg+xml,'
        f'{WIDE_PICTURE}"></div>',
        "light",
        "picture too small to read: 390 of 2000 px (window 390",
        "a curve",
    ),
    "theme": ("<script>document.documentElement.dataset.theme = 'light'</script>", "dark", "switch", "dark"),
}


def write(folder, pages):
    (folder / "sub").mkdir()
    (folder / "sub" / "index.html").write_text(PAGE.format(head="", body=GOOD.replace("sub/", "../good.html")))
    (folder / "good.html").write_text(PAGE.format(head="", body=GOOD))
    for name, (body, *_) in pages.items():
        (folder / f"{name}.html").write_text(PAGE.format(head="", body=body))
    return folder


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What the browser finds in all pages together."""
    chromium = check_site.find_chromium()
    if chromium is None:
        pytest.skip("no Chromium on this machine: tools/check_site.py says how to get one")
    pages = {name: page for name, page in BAD.items() if page[1] != "links"}
    site = write(tmp_path_factory.mktemp("site"), pages)
    return check_site.check_site(site, chromium=chromium, report=lambda *arguments, **options: None)


def has(failures, name, mode, what, where):
    return any(
        failure.page == f"{name}.html" and failure.mode == mode and what in failure.what and where in failure.where
        for failure in failures
    )


@pytest.mark.parametrize("name", [name for name in BAD if BAD[name][1] != "links"])
def test_the_browser_catches(seen, name):
    assert has(seen, name, *BAD[name][1:])


def test_a_good_page_passes(seen):
    assert not [failure for failure in seen if failure.page in ("good.html", "sub/index.html")]


@pytest.mark.parametrize("name", [name for name in BAD if BAD[name][1] == "links"])
def test_the_link_check_catches(tmp_path, name):
    site = write(tmp_path, {name: BAD[name]})
    failures = list(check_site.check_links(site, [site / f"{name}.html", site / "good.html"]))
    assert len(failures) == 1 and has(failures, name, *BAD[name][1:])


def test_a_page_that_only_redirects_must_lead_somewhere(tmp_path):
    redirect = "<meta http-equiv='refresh' content='0; url=none/index.html'>"
    (tmp_path / "index.html").write_text(PAGE.format(head=redirect, body=""))
    (failure,) = check_site.check_links(tmp_path, [tmp_path / "index.html"])
    assert failure.where == "none/index.html"


def run(*arguments, cwd, **environment):
    command = [sys.executable, str(PATH), *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


def test_without_a_site_it_names_the_command_that_builds_one(tmp_path):
    result = run(cwd=tmp_path)
    assert result.returncode == 2 and "make book" in result.stderr


def test_without_a_browser_it_says_how_to_get_one(tmp_path):
    (tmp_path / "_build" / "html").mkdir(parents=True)
    result = run(cwd=tmp_path, CHROMIUM="/nowhere/chromium")
    assert result.returncode == 2 and "apt install chromium" in result.stderr and "CHROMIUM=" in result.stderr


def test_an_unknown_page_is_no_success(tmp_path):
    (tmp_path / "index.html").write_text(PAGE.format(head="", body=""))
    with pytest.raises(ValueError, match="no page in .* matches 99-none"):
        check_site.check_site(tmp_path, ["99-none"])
