"""Dates in words, in five languages: true pairs for translation, as many as there are days, without a download.

The formats come from Unicode's CLDR (https://cldr.unicode.org), which the library Babel carries: "long" is written as
in 3 March 2031, "full" has the weekday, too. A date decides its part: no date of the training set is in the test set.
"""

import datetime
import zlib

from rnncourse.checks import check_sizes

LANGUAGES = ("en", "fr", "de", "zh", "ja")
STYLES = ("long", "full")
PARTS = {"train": range(80), "validation": range(80, 90), "test": range(90, 100)}
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def write(date, language, style):
    """A date as CLDR writes it: write(datetime.date(2031, 3, 3), "fr", "full") is "lundi 3 mars 2031".

    Raises ValueError for a language outside LANGUAGES and a style outside STYLES.
    """
    from babel.dates import format_date  # here: only the chapters with dates need it

    if language not in LANGUAGES or style not in STYLES:
        raise ValueError(
            f"dates.write: expected one of {', '.join(LANGUAGES)} and one of {', '.join(STYLES)}, "
            f"got {language!r} and {style!r}"
        )
    return format_date(date, style, locale=language)


def part_of(date):
    """The part of a date: 80, 10 and 10 in a hundred dates are "train", "validation" and "test"."""
    place = zlib.crc32(date.isoformat().encode()) % 100
    return next(part for part, places in PARTS.items() if place in places)


def draw(rng, N, first, last, part):
    """N different dates of one part, drawn with equal chances from the years ``first`` to ``last``, both included.

    rng: a NumPy generator. Raises ValueError for another part, for years outside 1 … 9999 or in the wrong order, and
    where the years do not have N dates of this part.
    """
    check_sizes("dates.draw", N=N, first=first, last=last)
    if part not in PARTS or not first <= last <= datetime.MAXYEAR:
        raise ValueError(
            f"dates.draw: expected part to be one of {', '.join(PARTS)} and first <= last <= {datetime.MAXYEAR}, "
            f"got {part!r}, {first} and {last}"
        )
    start, stop = datetime.date(first, 1, 1).toordinal(), datetime.date(last, 12, 31).toordinal() + 1
    found = []
    for day in start + rng.permutation(stop - start):
        date = datetime.date.fromordinal(int(day))
        if part_of(date) == part:
            found.append(date)
            if len(found) == N:
                return found
    raise ValueError(f"dates.draw: expected at most {len(found)} dates of {part!r} from {first} to {last}, got N={N}")


def mistype(text, rng):
    """The text with one typing error in a letter from a to z: replaced, left out, doubled, or exchanged with the next.

    A digit is left as it is: a wrong digit would be another date. A text without such a letter stays as it is.
    """
    places = [k for k, letter in enumerate(text) if letter.lower() in LETTERS]
    if not places:
        return text
    k = int(rng.choice(places))
    other = LETTERS[int(rng.integers(len(LETTERS)))]
    neighbours = [text[k + 1], text[k]] if k + 1 in places else [text[k]] * 2
    middle = [other, "", text[k] * 2, "".join(neighbours)][int(rng.integers(4))]
    return text[:k] + middle + text[k + (2 if middle == "".join(neighbours) and k + 1 in places else 1) :]
