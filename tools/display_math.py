r"""Sphinx extension: a displayed formula reaches MathJax as it was written.

Sphinx wraps every formula with a line break in `split`, for authors who write a bare `a \\ b`. But MathJax
refuses a `\tag` inside `split`, and our chapters number equations by `\tag`, because Colab and GitHub know no
other way. So `$$…$$` is passed through unchanged: what works there works in the book.
"""

from docutils import nodes


def pass_through(app, document):
    for formula in document.findall(nodes.math_block):
        if not formula.get("nowrap"):
            formula.children = [nodes.Text(rf"\[{formula.astext()}\]")]
            formula["nowrap"] = True


def setup(app):
    app.connect("doctree-read", pass_through)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
