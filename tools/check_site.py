"""Open every page of the built book in headless Chromium and look for what a reader would trip over.

    python tools/check_site.py                        # all pages
    python tools/check_site.py 12-simple-rnn notation # pages whose path contains one of these
    python tools/check_site.py --screenshots shots    # and save what each page looks like

Each page is loaded three times: light, dark, and as wide as a phone; its layout is also looked at in WIDTHS. A page
fails when

* it asks any other server for anything, or its own for something that is not there;
* the browser's console shows an error, or a script throws one;
* a formula is not typeset, or MathJax complains in it;
* a formula is cut off: begins left of its block, or is wider and does not scroll to its end, or leaves the column;
* code or an output is wider than its column, in a window of 1280 pixels or more;
* a picture is shrunk on a phone until its letters are too small;
* axe-core finds a serious or critical accessibility fault;
* it scrolls sideways on a phone;
* a picture does not load or says nothing to those who cannot see it;
* a link inside the book leads nowhere, be it to a page, a file or an #anchor.

Exit status: 0 all well, 1 failures, 2 nothing could be checked (no site, no browser).
"""

import argparse
import os
import shutil
import sys
import threading
import time
from collections import namedtuple
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import sync_playwright

Failure = namedtuple("Failure", "page mode what where")

NO_BROWSER = """check_site: no Chromium found. Install one:
  Debian, Ubuntu   sudo apt install chromium        (Ubuntu may call it chromium-browser)
  Fedora           sudo dnf install chromium
  macOS            brew install --cask chromium
or name the one you have:  CHROMIUM=/path/to/chrome make check-site"""

MODES = {
    # What the reader chose in the theme's own switch decides, so each mode also gets an operating system that
    # prefers the opposite: a page that listens to the system only would fail one of the two.
    "light": dict(viewport={"width": 1280, "height": 900}, color_scheme="dark"),
    "dark": dict(viewport={"width": 1280, "height": 900}, color_scheme="light"),
    "phone": dict(viewport={"width": 360, "height": 740}, color_scheme="light", is_mobile=True, has_touch=True),
}

WIDTHS = (390, 768, 1280, 1920)  # pixels: a phone, a tablet, a laptop, a large screen

THEME = {"light": "light", "dark": "dark", "phone": "light"}

# Faults that axe reports and we know to be none: {rule: [selector, …]}, with the reason beside each.
NOT_A_FAULT = {}

# Both are run in the page and return pairs [what, where].
SAY = r"""
  const found = [];
  const say = (what, element) => {
    const formula = element.matches('.math') && element.querySelector('mjx-assistive-mml');  // its letters, for us
    const html = (formula ? formula.textContent : element.outerHTML).replace(/\s+/g, ' ');
    found.push([what, html.length > 120 ? html.slice(0, 120) + '…' : html]);
  };
"""

LAYOUT = (
    r"""
() => {"""
    + SAY
    + r"""
  const box = element => element.getBoundingClientRect();
  // A displayed formula, with all that MathJax has put into it. What only screen readers see is one pixel wide.
  for (const block of document.querySelectorAll('div.math')) {
    const formula = block.querySelector('mjx-container');
    if (!formula) continue;
    const parts = [formula, ...formula.querySelectorAll('*')].filter(part =>
      !part.closest('mjx-assistive-mml') && box(part).width > 0);
    const left = () => Math.min(...parts.map(part => box(part).left));
    const right = () => Math.max(...parts.map(part => box(part).right));
    if (left() < box(block).left - 1) say('formula cut off on the left', block);
    let scroller = formula;
    const scrolls = element => /auto|scroll/.test(getComputedStyle(element).overflowX)
      && element.scrollWidth > element.clientWidth;
    while (scroller !== block && !scrolls(scroller)) scroller = scroller.parentElement;
    if (right() > box(block).right + 1) {
      scroller.scrollLeft = scrolls(scroller) ? scroller.scrollWidth : 0;
      if (right() > box(block).right + 1) say('formula cut off on the right', block);
      else if (!block.matches('[tabindex], :has([tabindex])')) say('formula does not scroll by keyboard', block);
      scroller.scrollLeft = 0;
    }
  }
  for (const formula of document.querySelectorAll('main span.math mjx-container')) {
    const block = formula.closest('p, li, td, th, dd, summary, blockquote, h1, h2, h3');
    const scrolls = /auto|scroll/.test(getComputedStyle(formula.closest('span.math')).overflowX);
    if (block && !block.closest('td, th') && !scrolls && box(formula).right > box(block).right + 1)
      say('formula in a line is wider than the column', formula.parentElement);
  }
  if (innerWidth >= 1280)
    for (const block of document.querySelectorAll('main pre'))
      if (block.scrollWidth > block.clientWidth + 1)
        say(`code wider than its column: ${block.scrollWidth} px in ${block.clientWidth}`, block);
  for (const picture of document.querySelectorAll('main .cell_output img'))
    if (picture.naturalWidth && box(picture).width < LEAST * picture.naturalWidth)
      say(`picture too small to read: ${box(picture).width} of ${picture.naturalWidth} px`, picture);
  return found;
}
""".replace("LEAST", "0.55")  # of its size: letters of 11 points are then 8 pixels high
)

LOOK = (
    r"""
async notAFault => {"""
    + SAY
    + r"""
  // What is folded away is part of the page too.
  document.querySelectorAll('main details').forEach(details => { details.open = true; });
  for (const animation of document.getAnimations())
    try { animation.finish(); } catch { animation.cancel(); }  // an endless one cannot finish
  const patience = new Promise(resolve => setTimeout(resolve, 20000));
  await Promise.race([patience, Promise.all([window.MathJax?.startup?.promise, document.fonts.ready])]);

  for (const formula of document.querySelectorAll('span.math, div.math'))
    if (!formula.querySelector('mjx-container')) say('formula not typeset', formula);
  // MathJax shows an unknown macro as its red name and goes on; the copy for screen readers tells us so.
  for (const error of document.querySelectorAll('mjx-merror, mjx-assistive-mml mtext[mathcolor="red"]'))
    say('formula with an error', error.closest('.math') || error);
  const text = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (text.nextNode()) {
    const parent = text.currentNode.parentElement;
    if (parent.closest('pre, code, script, style, noscript, template, textarea, .math')) continue;
    // Pandoc's rule: no space inside the dollars, no digit after them. So "$5 or $6" is money.
    if (/\$[^\s$]([^$]*[^\s$])?\$(?!\d)|\$\$|\\\(|\\\[|\\begin\{/.test(text.currentNode.data))
      say('formula left as raw text', parent);
  }

  for (const picture of document.images) {
    const alt = (picture.getAttribute('alt') || '').trim();
    if (!alt) say('picture without alt text', picture);
    else if (/^\S*[\\/]\S*$|^\S+\.(svg|png|jpe?g|gif|webp)$|^[0-9a-f]{16,}$/i.test(alt))
      say('picture whose alt text is a path', picture);
    picture.loading = 'eager';
    await picture.decode().catch(() => say('picture that does not load', picture));
  }

  const page = document.documentElement;
  if (page.scrollWidth > page.clientWidth + 1) {
    // Not to blame: what a parent scrolls or cuts off, and the drawers that wait beside the page.
    const clipped = element => {
      for (let up = element; up && up !== document.body; up = up.parentElement) {
        const style = getComputedStyle(up);
        if (style.position === 'fixed' || (up !== element && style.overflowX !== 'visible')) return true;
      }
      return false;
    };
    const wide = [...document.querySelectorAll('main *')].filter(element =>
      element.getBoundingClientRect().right > page.clientWidth + 1 && !clipped(element));
    say(`page scrolls sideways: ${page.scrollWidth} px in ${page.clientWidth}`, wide.at(-1) || document.body);
  }

  // A chapter has thousands of coloured words of code, on which axe spends seconds. One word of each colour on
  // each background shows the same, so while axe looks, the others are plain text.
  const style = (element, name) => getComputedStyle(element)[name];
  const shown = new Set();
  const blocks = [...document.querySelectorAll('pre')].map(block => {
    const simple = block.cloneNode(true);
    const words = [...block.querySelectorAll('span')];
    const repeated = words.map(word => {
      let ground = word;
      while (ground.parentElement && style(ground, 'backgroundColor') === 'rgba(0, 0, 0, 0)')
        ground = ground.parentElement;
      const looks = `${style(word, 'color')} ${style(word, 'fontWeight')} ${style(ground, 'backgroundColor')}`;
      return !word.children.length && (shown.has(looks) || !shown.add(looks));
    });
    simple.querySelectorAll('span').forEach((word, i) => repeated[i] && word.replaceWith(word.textContent));
    simple.normalize();
    return [block, [...block.childNodes], [...simple.childNodes]];
  });
  for (const [block, , simple] of blocks) block.replaceChildren(...simple);
  // "preload" would have axe fetch style sheets by itself, from wrong addresses.
  const { violations } = await axe.run({ resultTypes: ['violations'], preload: false });
  for (const [block, whole] of blocks) block.replaceChildren(...whole);
  for (const { id, impact, nodes } of violations)
    for (const { target, failureSummary } of nodes) {
      const where = target.join(' ');
      if (['serious', 'critical'].includes(impact) && !notAFault[id]?.includes(where))
        found.push([`axe ${id} (${impact})`, `${where}  ${failureSummary.split('\n')[1].trim()}`]);
    }
  return found;
}
"""
)


def find_chromium():
    """Return the path of a Chromium or Chrome on this machine, or None."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"):
        if shutil.which(name):
            return shutil.which(name)
    for app in ("Chromium.app/Contents/MacOS/Chromium", "Google Chrome.app/Contents/MacOS/Google Chrome"):
        if Path("/Applications", app).exists():
            return str(Path("/Applications", app))
    return None


class Page(HTMLParser):
    """What one HTML file offers to link to (ids), where it links (links), and what it loads (loads)."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads, self.redirects = set(), [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = {name: value or "" for name, value in attributes}
        self.ids.update(attributes[name] for name in ("id", "name") if name in attributes)
        if tag in ("a", "area") and "href" in attributes:
            self.links.append(attributes["href"])
        if tag == "link" and attributes.get("rel") not in ("canonical", "alternate", "license"):
            self.loads.append(attributes.get("href", ""))
        if tag != "a" and "src" in attributes:
            self.loads.append(attributes["src"])
        if tag == "meta" and attributes.get("http-equiv", "").lower() == "refresh":
            self.redirects = True
            self.links.append(attributes["content"].partition("=")[2].strip(" '\""))


def check_links(site, pages):
    """Yield a Failure for every link that leads nowhere; needs no browser."""
    parsed = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    for path in pages:
        name = path.relative_to(site).as_posix()
        for link in parsed[path].loads:
            if urlsplit(link).netloc:  # also finds what a browser has not asked for yet, such as lazy pictures
                yield Failure(name, "links", "loads something from another server", link)
        for link in parsed[path].links:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https", "mailto"):
                continue
            if parts.scheme or parts.netloc:
                yield Failure(name, "links", f"link with the scheme {parts.scheme or '//'}", link)
            elif parts.path.startswith("/"):
                yield Failure(name, "links", "absolute link: wrong once the site is published in a folder", link)
            else:
                target = Path(os.path.normpath(path.parent / unquote(parts.path))) if parts.path else path
                if target.is_dir():
                    target /= "index.html"
                anchor = unquote(parts.fragment)
                if "_downloads" in target.parts and target.suffix in (".md", ".ipynb"):
                    # Sphinx offers any file that is there, but is no page, for download.
                    yield Failure(name, "links", "link to a page's source instead of its page", link)
                elif not target.is_relative_to(site) or not target.is_file():
                    yield Failure(name, "links", "link to a file that does not exist", link)
                elif anchor and target in parsed and anchor not in parsed[target].ids:
                    yield Failure(name, "links", "link to an #anchor that does not exist", link)


class Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections open: a page has some thirty files

    def log_message(self, *arguments):
        pass


def serve(site):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site)))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}/"


def check_page(tab, mode, origin, name):
    """Load one page in one mode; return its Failures."""
    seen = []

    def note(what, where):
        seen.append(Failure(name, mode, what, where))

    def on_request(request):
        if not request.url.startswith((origin, "data:", "blob:")):
            note("request to another server", request.url)

    def on_failed(request):
        if request.url.startswith(origin):
            note(f"request failed ({request.failure})", request.url)

    def on_response(response):
        if response.status >= 400:
            note(f"answer {response.status}", response.url)

    def on_console(message):
        # A failed request also shows here, without its address; on_response and on_failed name it.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            note("console error", message.text)

    listeners = {
        "request": on_request,
        "requestfailed": on_failed,
        "response": on_response,
        "console": on_console,
        "pageerror": lambda error: note("script error", str(error)),
    }
    for event, listener in listeners.items():
        tab.on(event, listener)
    try:
        tab.goto(urljoin(origin, quote(name)), wait_until="load")
        theme = tab.evaluate("document.documentElement.dataset.theme || null")
        if theme not in (THEME[mode], None):  # a page without the theme has no switch
            note("the theme's switch does not work", f"wanted {THEME[mode]}, got {theme}")
        for what, where in tab.evaluate(LOOK, NOT_A_FAULT):
            note(what, where)
        if mode == "light":
            for width in WIDTHS:
                tab.set_viewport_size({"width": width, "height": 900})
                tab.wait_for_timeout(100)  # the page's own script makes room for wide formulas
                for what, where in tab.evaluate(LAYOUT):
                    note(f"{what} (window {width} px wide)", where)
            tab.set_viewport_size(MODES[mode]["viewport"])
    except PlaywrightError as error:  # a page that hangs or crashes must not hide the others
        note("could not be checked", error.message.splitlines()[0])
    finally:
        for event, listener in listeners.items():
            tab.remove_listener(event, listener)
    return list(dict.fromkeys(seen))


def check_site(site, names=(), screenshots=None, chromium=None, report=print):
    """Check the pages of a built site whose path contains one of names; return the list of Failures."""
    site = Path(site).resolve()
    # _static holds the theme's templates, which are no pages.
    pages = [path for path in sorted(site.rglob("*.html")) if path.relative_to(site).parts[0] != "_static"]
    if names:
        pages = [path for path in pages if any(name in path.relative_to(site).as_posix() for name in names)]
    if not pages:
        raise ValueError(f"no page in {site} matches {', '.join(names) or '*.html'}")

    failures = list(check_links(site, pages))
    server, origin = serve(site)
    # Nothing but this server can be reached: a foreign request is seen, and fails.
    only_here = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--disable-sync"]
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=[only_here, *quiet])
            tabs = {}
            for mode, settings in MODES.items():
                context = browser.new_context(reduced_motion="reduce", **settings)
                context.add_init_script(Axe().axe_script)
                context.add_init_script(f"localStorage.mode = localStorage.theme = '{THEME[mode]}'")
                tabs[mode] = context.new_page()
            for path in pages:
                if Page(path.read_text(encoding="utf-8")).redirects:
                    continue  # it only sends the reader on, and where to has been checked
                name, start = path.relative_to(site).as_posix(), time.perf_counter()
                for mode, tab in tabs.items():
                    failures += check_page(tab, mode, origin, name)
                    if screenshots:
                        shot = f"{name.removesuffix('.html').replace('/', '-')}.{mode}.png"
                        tab.screenshot(path=Path(screenshots, shot), full_page=True)
                count = sum(failure.page == name for failure in failures)
                verdict = f"{count} failures" if count else "ok"
                report(f"{name:45} {time.perf_counter() - start:5.1f} s  {verdict}", flush=True)
            browser.close()
    finally:
        server.shutdown()
        server.server_close()
    return failures


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", help="check only pages whose path contains one of these")
    parser.add_argument("--site", default="_build/html", type=Path, help="the built site (default: %(default)s)")
    parser.add_argument("--screenshots", metavar="DIR", type=Path, help="save each page, in each mode, as PNG")
    options = parser.parse_args(arguments)

    if not options.site.is_dir():
        print(f"check_site: there is no {options.site}: run `make book` first", file=sys.stderr)
        return 2
    chromium = find_chromium()
    if chromium is None:
        print(NO_BROWSER, file=sys.stderr)
        return 2
    start = time.perf_counter()
    try:
        failures = check_site(options.site, options.pages, options.screenshots, chromium)
    except ValueError as error:
        print(f"check_site: {error}", file=sys.stderr)
        return 2
    for page in dict.fromkeys(failure.page for failure in failures):
        print(f"\n{page}")
        for failure in failures:
            if failure.page == page:
                print(f"  {failure.mode:6} {failure.what}\n         {' '.join(failure.where.split())}")
    print(f"\ncheck_site: {len(failures)} failures ({time.perf_counter() - start:.1f} s)")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
