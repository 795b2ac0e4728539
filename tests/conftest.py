"""What all tests share."""

from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)  # also for a bare `pytest`, which does not come through the Makefile

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


def pytest_generate_tests(metafunc):
    """A test that asks for `chapter` runs once for every chapter's text."""
    if "chapter" in metafunc.fixturenames:
        chapters = sorted((ROOT / "book").glob("[0-9]*.md"))
        metafunc.parametrize("chapter", chapters, ids=[chapter.stem for chapter in chapters])


def pytest_collection_modifyitems(items):
    """Hand out the slowest file first; then the other worker never waits for it at the end."""
    items.sort(key=lambda item: item.path.name != "test_outside.py")
