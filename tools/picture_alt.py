"""Sphinx extension: every picture that a cell draws says what it shows.

myst-nb writes an SVG output to a file named by its hash, and gives the `<img>` no alternative text. But an
SVG from `rnncourse` begins with a `<title>` that holds the picture's message, so the sentence is there: this
takes it from the file and puts it where a screen reader looks. A cell's own `mystnb.image.alt` metadata has
precedence, and also serves PNG pictures. A picture with neither is a warning, and that fails the build.
"""

from pathlib import Path
from xml.etree import ElementTree

from docutils import nodes
from sphinx.util import logging

logger = logging.getLogger(__name__)
TITLE = "{http://www.w3.org/2000/svg}title"


def svg_title(path):
    """Return the text of the title that is a direct child of <svg>, or "" where there is none."""
    title = ElementTree.parse(path).getroot().find(TITLE)
    return "" if title is None else " ".join("".join(title.itertext()).split())


def add_alt(app, document):
    for image in document.findall(nodes.image):
        path = Path(app.srcdir, image["uri"].lstrip("/"))
        if not image.get("alt", "").strip() and path.suffix == ".svg" and path.is_file():
            image["alt"] = svg_title(path)
        if not image.get("alt", "").strip():
            logger.warning("picture %s has no alternative text: give its SVG a <title>", path.name, location=image)


def setup(app):
    app.connect("doctree-read", add_alt)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
