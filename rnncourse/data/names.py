"""Names of countries, languages and cities in eighteen European languages: short texts of very different lengths.

The names come from Unicode's CLDR (https://cldr.unicode.org), which the library Babel carries. A name that two of the
languages write alike is left out: each text that stays has one right answer.
"""

import functools
import unicodedata
import zlib
from typing import NamedTuple

from rnncourse.checks import check_sizes

LANGUAGES = "cs da de en es et fi fr hu is it lt nl pl pt ro sv tr".split()
PARTS = {"train": range(70), "validation": range(70, 85), "test": range(85, 100)}


class Names(NamedTuple):
    """Texts and their labels, equally many; a label is the place of the text's language in LANGUAGES."""

    texts: list
    labels: list


def names(part, longest=None):
    """The names of one part, "train", "validation" or "test": 70, 15 and 15 in a hundred of all countries and so on.

    What is named decides about the part: all names of Norway lie in the same one, and so do German and Swiss German;
    but Norway and Norwegian may be apart, and so may the names of a city that one language spells like a country.
    longest: leave out texts with more characters. The same call gives the same names in the same order, for one version
    of Babel.
    Raises ValueError for another part, and a ``longest`` that is no whole number of at least 1.
    """
    if part not in PARTS:
        raise ValueError(f"names.names: expected part to be one of {', '.join(map(repr, PARTS))}, got {part!r}")
    if longest is not None:
        check_sizes("names.names", longest=longest)
    found = [
        (text, label)
        for text, label, what in everything()
        if zlib.crc32(what.encode()) % 100 in PARTS[part] and (longest is None or len(text) <= longest)
    ]
    return Names([text for text, _ in found], [label for _, label in found])


@functools.cache
def everything():
    """(text, label, what is named) for each text that one language alone has, sorted by text."""
    from babel import Locale  # here: only the chapters with names need it

    labels, things = {}, {}
    for label, language in enumerate(LANGUAGES):
        locale = Locale.parse(language)
        cities = {zone: words.get("city") for zone, words in locale.time_zones.items()}
        countries = {code: name for code, name in locale.territories.items() if code.isalpha()}  # no continents: 019
        for kind, table in (("country", countries), ("language", locale.languages), ("city", cities)):
            for code, text in table.items():
                if text:
                    text = unicodedata.normalize("NFC", text)
                    labels.setdefault(text, set()).add(label)
                    things.setdefault(text, f"{kind} {code.split('_')[0] if kind == 'language' else code}")
    return sorted((text, *labels[text], things[text]) for text in labels if len(labels[text]) == 1)
