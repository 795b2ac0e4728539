"""Show the package's own code inside a chapter, so that what you read is what runs."""

import inspect
import re
import textwrap

from IPython.display import Markdown


def source(obj):
    """The source of a function, class or module, its path in the repository above it, in the theme's colours.

    Decorators and docstring are shown: they hold the shapes. Lines of docstrings and comments that are longer than the
    book's column are broken, and code stays as it is. Raises TypeError for what has no Python source.
    """
    inner = inspect.unwrap(getattr(obj, "fn", obj))  # where Triton's kernels keep the function
    module = inspect.getmodule(inner).__name__ if inspect.getmodule(inner) else ""
    if not module.startswith("rnncourse"):
        raise TypeError(f"show.source: expected a function, class or module of rnncourse, got {obj!r}")
    path = module.replace(".", "/") + ("/__init__.py" if hasattr(inner, "__path__") else ".py")
    return Markdown(f"`{path}`\n\n```python\n{narrow(inspect.getsource(inner).strip())}\n```")


def narrow(code, width=88):
    """The code with the lines of its docstrings and whole-line comments broken where they are longer than ``width``."""
    lines, text = [], False
    for line in code.split("\n"):
        quotes = line.count('"""')
        if len(line) > width and (text or quotes or line.lstrip().startswith("#")):
            margin = re.match(r"\s*(# )?", line)[0]
            line = textwrap.fill(line, width, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False)
        lines.append(line)
        text ^= quotes == 1
    return "\n".join(lines)
