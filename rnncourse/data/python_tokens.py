"""Lines of Python as tokens with labels, from Python's own ``tokenize`` and ``ast``.

A line here is a logical one: a statement, or the head of a ``def``, ``class``, ``if`` …, which may go over several
lines of the file. A label covers a *span* of tokens, such as the five tokens of ``np.linalg.norm`` in
``np.linalg.norm(x)``. Spans do not overlap: the outermost one counts. As tags of single tokens, the first token of a
span is ``B-label``, the others are ``I-label``, and a token outside all spans is ``O``. The tags are those of Ramshaw
and Marcus (1995), arXiv cmp-lg/9505040, who wrote B only where a span follows another of its kind directly.
"""

import ast
import hashlib
import io
import tokenize
import warnings
from typing import NamedTuple

from rnncourse.data.packages import folder, read
from rnncourse.data.text import to_ascii

LABELS = {
    "module": "an imported module: `os.path` in `from os.path import join`",
    "decorator": "the name behind `@`",
    "class": "the name of a class where it is defined",
    "base": "a base class",
    "function": "the name of a function where it is defined",
    "parameter": "the name of a parameter",
    "annotation": "a type: `list[int]` in `x: list[int]`",
    "default": "a default value: `3` in `def f(x=3)`",
    "called": "what is called: `np.sqrt` in `np.sqrt(x)`",
    "argument": "a value in the brackets of a call",
    "keyword": "the name in front of it: `axis` in `f(axis=0)`",
    "target": "what is assigned to",
}
TAGS = ["O", *(f"{first}-{label}" for label in LABELS for first in "BI")]
DEFINITIONS = {"def": "function", "class": "class"}
SKIPPED = {tokenize.ENCODING, tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


class Line(NamedTuple):
    """Tokens and their tags, two lists of strings of the same length."""

    tokens: list
    tags: list


def draw(package, size, part=None, longest=40, most=50):
    """``size`` different Lines of 2 to ``longest`` tokens from an installed package without its tests. Returns a list.

    The files are read in an order that a hash of their names gives, at most ``most`` lines of each, until there are
    enough; files that Python cannot parse are left out. part: "train" takes about 70 % of the files, "validation" the
    others, None all. Raises ValueError for another part, and for a package that is not installed or too small.
    """
    if part not in (None, "train", "validation"):
        raise ValueError(f"python_tokens.draw: expected part to be 'train', 'validation' or None, got {part!r}")
    root, found = folder(package), {}
    names = (file.relative_to(root) for file in root.rglob("*.py"))
    names = [name.as_posix() for name in names if "tests" not in name.parts]
    for name in sorted(names, key=digest):
        if part is None or (digest(name) % 10 >= 7) == (part == "validation"):
            try:
                whole = label(to_ascii(read(root / name)))
            except (SyntaxError, tokenize.TokenError, ValueError, RecursionError):
                continue
            whole = {" ".join(line.tokens): line for line in whole if 2 <= len(line.tokens) <= longest}
            found |= {key: whole[key] for key in sorted(whole, key=digest)[:most]}
        if len(found) >= size:
            return list(found.values())[:size]
    raise ValueError(f"python_tokens.draw: expected at least {size} lines in {package}, got {len(found)}")


def label(program):
    """The Lines of a program, of any length. Raises SyntaxError where Python cannot parse it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in old code
        tree = ast.parse(program)
    spans, found = Spans(), []
    spans.visit(tree)
    for whole in tokens(program):
        texts, starts, tags = [token.string for token in whole], [token.start for token in whole], []
        named(texts, starts, spans.begun)
        until, inside = (0, 0), None
        for start in starts:
            if start >= until:
                inside, until = spans.begun.get(start, (None, start))
                tags.append(f"B-{inside}" if inside else "O")
            else:
                tags.append(f"I-{inside}")
        found.append(Line(texts, tags))
    return found


def named(texts, starts, begun):
    """Add what the tree gives no place for: the names behind ``def`` and ``class``, the module of ``from``."""
    first = 1 if texts[0] == "async" and len(texts) > 1 else 0
    if texts[first] in DEFINITIONS:
        begun[starts[first + 1]] = DEFINITIONS[texts[first]], end(starts[first + 1], 1)
    if texts[0] == "from" and "import" in texts:
        begun[starts[1]] = "module", starts[texts.index("import")]


def tokens(program):
    """The logical lines of a program, each a list of tokenize's tokens. An f-string is one token in every version."""
    begin, end = getattr(tokenize, "FSTRING_START", None), getattr(tokenize, "FSTRING_END", None)  # from 3.12 on
    line, found, depth = [], [], 0
    for token in tokenize.generate_tokens(io.StringIO(program).readline):
        depth += (token.type == begin) - (token.type == end)
        if token.type == begin and depth == 1 or depth == 0 and token.type not in (*SKIPPED, tokenize.NEWLINE, end):
            line.append(token)
        elif token.type == tokenize.NEWLINE and line:
            found.append(line)
            line = []
    return found


def digest(name):
    return int(hashlib.sha256(name.encode()).hexdigest(), 16)


class Spans(ast.NodeVisitor):
    """begun: where a labelled span begins, (line, column) → its label and where it ends. The outermost span counts."""

    def __init__(self):
        self.begun = {}

    def add(self, node, name, length=None):
        start = node.lineno, node.col_offset
        self.begun[start] = name, (node.end_lineno, node.end_col_offset) if length is None else end(start, length)

    def generic_visit(self, node):
        stored = isinstance(getattr(node, "ctx", None), ast.Store)
        if stored and isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
            self.add(node, "target")
        else:
            super().generic_visit(node)

    def visit_JoinedStr(self, node):
        """An f-string is one token."""

    def visit_alias(self, node):
        self.add(node, "module", len(node.name))

    def visit_ImportFrom(self, node):
        """Its module has no place in the tree; ``label`` finds it."""

    def visit_FunctionDef(self, node):
        for one in node.decorator_list:
            self.call(one, "decorator") if isinstance(one, ast.Call) else self.add(one, "decorator")
        node.decorator_list = []
        if getattr(node, "returns", None):
            self.add(node.returns, "annotation")
            node.returns = None
        for base in getattr(node, "bases", ()):
            self.add(base, "base")
        node.bases = []
        self.generic_visit(node)

    visit_AsyncFunctionDef = visit_ClassDef = visit_FunctionDef

    def visit_arguments(self, node):
        given = [*node.posonlyargs, *node.args, *node.kwonlyargs, node.vararg, node.kwarg]
        for one in filter(None, given):
            self.add(one, "parameter", len(one.arg))
            if one.annotation:
                self.add(one.annotation, "annotation")
        for one in filter(None, [*node.defaults, *node.kw_defaults]):
            self.add(one, "default")

    def visit_AnnAssign(self, node):
        self.add(node.annotation, "annotation")
        self.visit(node.target)
        if node.value:
            self.visit(node.value)

    def visit_keyword(self, node):
        if node.arg:
            self.add(node, "keyword", len(node.arg))
        self.add(node.value, "argument")

    def visit_Call(self, node):
        self.call(node, "called")

    def call(self, node, name):
        if dotted(node.func):
            self.add(node.func, name)
        elif isinstance(node.func, ast.Attribute):  # f(x).g(y): the name g in front of its brackets
            place = node.func.end_lineno, node.func.end_col_offset - len(node.func.attr)
            self.begun[place] = name, end(place, len(node.func.attr))
            self.visit(node.func.value)
        else:
            self.visit(node.func)
        for one in node.args:
            self.add(one, "argument")
            if isinstance(one, ast.GeneratorExp) and end_of(one) == end_of(node):
                del self.begun[one.lineno, one.col_offset]  # f(x for x in y): the brackets are those of the call
                self.begun[one.elt.lineno, one.elt.col_offset] = "argument", (one.end_lineno, one.end_col_offset - 1)
        for one in node.keywords:
            self.visit(one)


def dotted(node):
    return isinstance(node, ast.Name) or isinstance(node, ast.Attribute) and dotted(node.value)


def end(start, length):
    return start[0], start[1] + length


def end_of(node):
    return node.end_lineno, node.end_col_offset
