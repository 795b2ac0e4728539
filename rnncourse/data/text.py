"""Real text that is on every machine that runs this course, and your own.

``prose()`` is the documentation of scikit-learn (its docstrings), ``code()`` its source, both read from the
installed package (BSD licence). The lock file pins scikit-learn, so the text is the same under every Python;
under another version of scikit-learn it is another text. Each is split into train, validation and test by
file, so that no file is torn; what scikit-learn repeats from file to file (a parameter described twenty times
in the same words) stands on both sides.
"""

import ast
import hashlib
import inspect
import re
import unicodedata
import warnings
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnncourse.checks import check_sizes

CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")  # no tab, no new line or page: these stand in texts
ADVICE = "save the file as UTF-8, or say its encoding, for example encoding='utf-16'"


class Corpus(NamedTuple):
    """Three texts that share no file."""

    train: str
    validation: str
    test: str


class Vocabulary:
    """Symbols numbered from 0 in the order of ``symbols``: text ⇄ array of integers.

    Raises ValueError if ``symbols`` is empty, names a symbol twice or has one of several characters.
    """

    def __init__(self, symbols):
        symbols = list(symbols)
        if any(len(symbol) != 1 for symbol in symbols):
            raise ValueError(f"Vocabulary: expected symbols of one character, got {symbols}")
        self.symbols = "".join(symbols)
        self.index = {symbol: i for i, symbol in enumerate(self.symbols)}
        if not self.symbols or len(self.index) < len(self.symbols):
            raise ValueError(f"Vocabulary: expected symbols, each once, got {self.symbols!r}")

    def __len__(self):
        return len(self.symbols)

    def __repr__(self):
        return f"Vocabulary({self.symbols!r})"

    def encode(self, text):
        """The number of each character: str of length N → int64 array (N,).

        Raises ValueError that names the characters outside the vocabulary and where the first one stands.
        """
        strange = sorted(set(text) - set(self.index))
        if strange:
            shown = ", ".join(f"{c!r} (U+{ord(c):04X})" for c in strange[:5])
            more = f" and {len(strange) - 5} more" if len(strange) > 5 else ""
            raise ValueError(
                f"Vocabulary.encode: expected only the {len(self)} symbols of the vocabulary, "
                f"got {shown}{more}, the first at position {min(text.index(c) for c in strange)}"
            )
        return np.fromiter((self.index[c] for c in text), np.int64, len(text))

    def decode(self, indices):
        """The characters of these numbers: integers (N,) → str.

        Raises ValueError for numbers that are not integers or lie outside 0 … k−1.
        """
        indices = np.asarray(indices)
        if indices.size and not (indices.dtype.kind in "iu" and 0 <= indices.min() and indices.max() < len(self)):
            raise ValueError(f"Vocabulary.decode: expected integers in 0 … {len(self) - 1}, got {indices}")
        return "".join(self.symbols[i] for i in indices.ravel())


ASCII = Vocabulary("\n" + "".join(map(chr, range(32, 127))))
"""Newline and the 95 printable ASCII characters: fixed before any text is seen, as a vocabulary has to be."""


def prose():
    """scikit-learn's docstrings, about 3 million characters. Returns a Corpus of ``ASCII`` symbols."""
    return by_file({name: to_ascii("\n\n".join(docstrings(source))) for name, source in sources().items()})


def code():
    """scikit-learn's source, about 7 million characters. Returns a Corpus of ``ASCII`` symbols."""
    return by_file({name: to_ascii(source) for name, source in sources().items()})


def origin():
    """Where ``prose`` and ``code`` come from, for a caption: package and version."""
    return f"scikit-learn {version('scikit-learn')}"


def load(path, vocabulary=None, encoding=None, shortest=1):
    """Your own text: a file, cut 80 : 10 : 10 in its order, or a folder of .txt files, split by file.

    vocabulary: if given, every character must be in it. encoding: what the files are written in, as "utf-16" or
    "latin-1"; None means UTF-8, and what looks like another encoding is refused. shortest: how many characters each of
    the three parts must have. Returns a Corpus.
    Raises FileNotFoundError for a path that is not there, and ValueError, which names the file, for a folder
    without .txt files, an empty text, bytes of another encoding, characters outside the vocabulary, or too
    little text (too few files) for three parts of that length.
    """
    check_sizes("text.load", shortest=shortest)
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"text.load: expected a text file or a folder of .txt files, found nothing at {path}")
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() == ".txt" and not file.is_dir())
    if not files:
        raise ValueError(f"text.load: expected .txt files in the folder {path}, found none")
    base = path if path.is_dir() else path.parent  # so that the split is the same wherever the folder lies
    texts = {file.relative_to(base).as_posix(): read(file, vocabulary, encoding) for file in files}
    if len(texts) > 1:
        return by_file(texts, shortest)
    (text,) = texts.values()
    a, b = int(0.8 * len(text)), int(0.9 * len(text))
    return check_split(Corpus(text[:a], text[a:b], text[b:]), f"{path}, of {len(text)} characters,", shortest)


def read(file, vocabulary, encoding):
    """The text of one file, decoded and checked."""
    try:
        text = file.read_text(encoding=encoding or "utf-8").removeprefix("\ufeff")  # an editor's byte order mark
    except UnicodeError as error:
        got = str(error)
        if isinstance(error, UnicodeDecodeError):
            got = f"the byte 0x{error.object[error.start]:02X} at position {error.start}"
        raise ValueError(f"text.load: expected {encoding or 'UTF-8'} text in {file}, got {got}; {ADVICE}") from error
    except LookupError as error:
        raise ValueError(f"text.load: expected an encoding that Python knows, got {encoding!r}") from error
    if not text.strip():
        raise ValueError(f"text.load: expected text in {file}, got an empty file")
    strange = None if encoding else CONTROL.search(text)
    if strange:  # UTF-16 without a byte order mark is full of them
        got = f"the control character U+{ord(strange[0]):04X} at position {strange.start()}"
        raise ValueError(f"text.load: expected UTF-8 text in {file}, got {got}; {ADVICE}")
    if encoding is None and is_utf7(text):
        raise ValueError(f"text.load: expected UTF-8 text in {file}, got what looks like UTF-7; {ADVICE}")
    if vocabulary is not None:
        try:
            vocabulary.encode(text)
        except ValueError as error:
            raise ValueError(f"text.load: in {file}: {error}") from None
    return text


def is_utf7(text):
    """ASCII in which every + begins characters written in base 64, as +AOk- stands for é; +- stands for + itself."""
    if not text.isascii() or not re.search(r"\+[A-Za-z0-9+/]{3}", text):
        return False
    try:
        return not text.encode().decode("utf-7").isascii()
    except UnicodeError:
        return False


def by_file(texts, shortest=1):
    """Split name → text into 80 : 10 : 10 by a hash of the name: a new file never moves an old one."""
    parts = ([], [], [])
    for name, text in sorted(texts.items()):
        if text:
            lot = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 10
            parts[max(lot - 7, 0)].append(text)
    where = f"{len(texts)} files, dealt out by a hash of their names (joined to one, it is cut in order),"
    return check_split(Corpus(*("\n\n".join(part) for part in parts)), where, shortest)


def check_split(corpus, where, shortest=1):
    """The Corpus itself, if each part has at least ``shortest`` characters."""
    short = [f"{len(text)} for {name}" for name, text in corpus._asdict().items() if len(text) < shortest]
    if short:
        raise ValueError(
            f"text: expected enough text in {where} for a split 80 : 10 : 10, at least {shortest} characters in each "
            f"part, got {', '.join(short)}"
        )
    return corpus


def sources():
    """Path → text of scikit-learn's modules, without its tests, its copies of other packages, and the one
    file that differs between operating systems. The package is found, not imported."""
    root = Path(find_spec("sklearn").origin).parent
    files = (f for f in root.rglob("*.py") if not {"tests", "externals"} & set(f.relative_to(root).parts))
    found = {f.relative_to(root).as_posix(): f.read_text(encoding="utf-8") for f in files}
    found.pop("_distributor_init.py", None)
    return found


def docstrings(source):
    """The docstrings of a module, its classes and functions, in the order in which they stand."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about backslashes in other people's strings; the kind depends on the Python
        tree = ast.parse(source)
    nodes = (n for n in ast.walk(tree) if isinstance(n, ast.Module | ast.ClassDef | ast.FunctionDef))
    nodes = sorted(nodes, key=lambda n: getattr(n, "lineno", 0))
    return [inspect.cleandoc(d) for d in (ast.get_docstring(n, clean=False) for n in nodes) if d]


def to_ascii(text):
    """ö → o, and ? for the few symbols (∑, ∞, …) that have no ASCII letter inside them."""
    text = text.expandtabs(4)
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[^\n -~]", "?", text)
