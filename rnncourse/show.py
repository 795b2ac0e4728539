"""Show the package's own code inside a chapter, so that what you read is what runs."""

import inspect

from IPython.display import Markdown


def source(obj):
    """The source of a function, class or module, its path in the repository above it, in the theme's colours.

    Decorators and docstring are shown: they hold the shapes. Raises TypeError for what has no Python source.
    """
    inner = inspect.unwrap(getattr(obj, "fn", obj))  # where Triton's kernels keep the function
    module = inspect.getmodule(inner).__name__ if inspect.getmodule(inner) else ""
    if not module.startswith("rnncourse"):
        raise TypeError(f"show.source: expected a function, class or module of rnncourse, got {obj!r}")
    path = module.replace(".", "/") + ("/__init__.py" if hasattr(inner, "__path__") else ".py")
    return Markdown(f"`{path}`\n\n```python\n{inspect.getsource(inner).strip()}\n```")
