"""Small texts of three kinds from packages that every installation of this course has, each split by file or by key.

``python`` is the source of a package, ``headers`` are C++ headers of PyTorch, ``names`` are names and units in a human
language, from Unicode's CLDR in Babel. Another version of a package is another text.
"""

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from babel import localedata

from rnncourse.checks import check_sizes
from rnncourse.data.text import to_ascii

KINDS = (
    "languages",
    "scripts",
    "territories",
    "currency_names",
    "currency_names_plural",
    "unit_patterns",
    "meta_zones",
)


class Halves(NamedTuple):
    """Two texts that share no file and no key; validation texts are taken from the first."""

    train: str
    test: str


def python(package):
    """The Python files of an installed package, without its tests, in ASCII. Returns Halves, split by file.

    Raises ValueError for a package that is not installed or too small.
    """
    root = folder(package)
    found = (f for f in root.rglob("*.py") if "tests" not in f.relative_to(root).parts)
    return by_name({f.relative_to(root).as_posix(): to_ascii(read(f)) for f in found}, package)


def headers(library="c10"):
    """The C++ headers of one of the libraries that PyTorch brings, in ASCII. Returns Halves, split by file.

    Raises ValueError for a library that PyTorch does not bring.
    """
    root = folder("torch") / "include" / library
    files = {f.relative_to(root).as_posix(): to_ascii(read(f)) for f in root.rglob("*.h")}
    return by_name(files, f"torch/include/{library}")


def names(language, symbols):
    """Names of languages, countries, currencies, units and time zones, one a line. Returns Halves, split by key.

    language: as in "pl"; symbols: lines with other characters are left out. The lines of one key, such as the plurals
    of one currency, stay together, and a line that stands under several keys is kept once.
    Raises ValueError for a language that CLDR does not know.
    """
    if not (isinstance(language, str) and localedata.exists(language)):
        raise ValueError(f"packages.names: expected a language that CLDR knows, got {language!r}")
    data = localedata.LocaleDataDict(localedata.load(language))
    seen, found = set(), {}
    for kind in KINDS:
        for key in sorted(data[kind]):
            name = key.split("/")[-1]
            lines = [line.replace("{0}", "3") for line in strings(data[kind][key])]
            lines = [x for x in lines if len(x) > 3 and set(x) <= set(symbols)]
            lines = [x for x in dict.fromkeys(lines) if not (x in seen or seen.add(x))]
            group = name if kind.startswith("currency") else f"{kind} {name}"
            found[group] = found.get(group, "") + "".join(f"{line}\n" for line in lines)
    return by_name(found, f"CLDR's names in {language}", join="")


def draw(text, size, rng, piece=500):
    """``size`` characters of a text: pieces of ``piece`` characters in a row, each from a random place, joined.

    Pieces from many places tell more of a text than one long piece of one file. Raises ValueError where the text is
    shorter than ``size``, and for a size that pieces do not fill.
    """
    check_sizes("packages.draw", size=size, piece=piece)
    if len(text) < size or size % piece:
        raise ValueError(
            f"packages.draw: expected a size of whole pieces of {piece} characters, at most {len(text)}, got {size}"
        )
    places = rng.choice(len(text) // piece, size // piece, replace=False)
    return "".join(text[piece * place : piece * (place + 1)] for place in places)


def folder(package):
    """Where an installed package lies; it is found, not imported."""
    spec = find_spec(package)
    if spec is None or not spec.origin:
        raise ValueError(f"packages: expected an installed package, got {package!r}")
    return Path(spec.origin).parent


def read(file):
    return file.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n")


def strings(entry):
    """All strings in nested dictionaries, in the order of their keys."""
    if isinstance(entry, str):
        return [entry]
    if not hasattr(entry, "items"):
        return []
    return [line for key in sorted(entry, key=str) for line in strings(entry[key])]


def by_name(texts, where, join="\n\n"):
    """Split name → text into 70 : 30 by a hash of the name, in an order that depends on the names alone."""

    def place(name):
        return int(hashlib.sha256(name.encode()).hexdigest(), 16)

    parts = [], []
    for name in sorted(texts, key=place):
        if texts[name]:
            parts[place(name) % 10 >= 7].append(texts[name])
    if not all(parts):
        raise ValueError(f"packages: expected texts for two parts in {where}, got {len(texts)} in all")
    return Halves(*(join.join(part) for part in parts))
