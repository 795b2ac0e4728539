"""The names of countries, languages and cities: one language each, split by what is named, the same every time."""

import unicodedata

import pytest
from babel import Locale

from rnncourse.data import names
from rnncourse.data.names import LANGUAGES, PARTS

ALL = {part: names.names(part) for part in PARTS}


def test_parts():
    sizes = {part: len(found.texts) for part, found in ALL.items()}
    assert min(sizes.values()) > 1000 and sizes["train"] > 0.6 * sum(sizes.values())
    texts = [text for found in ALL.values() for text in found.texts]
    assert len(set(texts)) == len(texts)
    for found in ALL.values():
        assert len(found.texts) == len(found.labels) and found.texts == sorted(found.texts)
        assert set(found.labels) == set(range(len(LANGUAGES)))
        assert all(text and unicodedata.is_normalized("NFC", text) for text in found.texts)


def test_again():
    before = names.names("test")
    names.everything.cache_clear()
    assert names.names("test") == before


def test_each_text_belongs_to_its_language_alone():
    """Written down a second time: every name that a locale has for a country, a language or a city."""
    known = {}
    for language in LANGUAGES:
        locale = Locale.parse(language)
        cities = [zone["city"] for zone in locale.time_zones.values() if "city" in zone]
        countries = [name for code, name in locale.territories.items() if not code.isdigit()]
        known[language] = {
            unicodedata.normalize("NFC", text) for text in [*cities, *countries, *locale.languages.values()]
        }
    for found in ALL.values():
        for text, label in zip(*found, strict=True):
            assert [language for language in LANGUAGES if text in known[language]] == [LANGUAGES[label]]


def test_what_is_named_lies_in_one_part():
    for what in (("territories", "NO"), ("territories", "HU"), ("languages", "nl"), ("languages", "hu")):
        texts = {getattr(Locale.parse(language), what[0])[what[1]] for language in LANGUAGES}
        assert sum(bool(texts & set(found.texts)) for found in ALL.values()) == 1
    german = {Locale.parse(language).languages.get(code) for language in LANGUAGES for code in ("de", "de_AT")}
    assert sum(bool(german & set(found.texts)) for found in ALL.values()) == 1


def test_longest():
    short = names.names("train", longest=6)
    assert max(map(len, short.texts)) == 6
    assert short.texts == [text for text in ALL["train"].texts if len(text) <= 6]


def test_what_is_refused():
    with pytest.raises(
        ValueError, match="^names.names: expected part to be one of 'train', 'validation', 'test', got 1"
    ):
        names.names(1)
    with pytest.raises(ValueError, match="^names.names: expected longest to be an integer of at least 1, got 0"):
        names.names("test", longest=0)
