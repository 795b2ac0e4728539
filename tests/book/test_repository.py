"""What is written in several places agrees: the address, versions, dependencies, licences, workflows."""

import re
import subprocess
import sys
import tomllib

import jupytext
import nbformat
import pytest
import yaml
from packaging.requirements import Requirement

import rnncourse

# The name of a package to pip, where conda-forge calls it otherwise.
CONDA_NAMES = {"bokeh_sampledata": "bokeh-sampledata", "pytorch": "torch"}


@pytest.fixture(scope="module")
def pyproject(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def project(pyproject):
    return pyproject["project"]


@pytest.fixture(scope="module")
def address(project):
    return project["urls"]["Repository"]


@pytest.fixture(scope="module")
def lock(root):
    """Every pin of requirements.lock as {name: version}."""
    pins = {}
    for line in (root / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            requirement = Requirement(line)
            (pin,) = requirement.specifier
            assert pin.operator == "==", line
            assert requirement.name not in pins, f"{requirement.name} is pinned twice"
            pins[requirement.name] = pin.version
    return pins


def pages(root):
    """Every file that a reader sees, as (name, text)."""
    for name in ["README.md", "CONTRIBUTING.md", "CITATION.cff", "_config.yml", "environment.yml"]:
        yield name, (root / name).read_text(encoding="utf-8")
    for path in sorted((root / "book").glob("*.md")):
        yield path.name, path.read_text(encoding="utf-8")
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        yield path.name, "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)


def test_one_address(root, address):
    owner_and_name = address.removeprefix("https://github.com/")
    for name, text in pages(root):
        for mention in re.findall(r"github(?:\.com)?/([\w.-]+/rnncourse)\b", text):
            assert mention == owner_and_name, f"{name} names {mention}; pyproject.toml says {owner_and_name}"


def test_the_address_is_where_it_is_needed(root, address):
    assert yaml.safe_load((root / "_config.yml").read_text())["repository"]["url"] == address
    assert yaml.safe_load((root / "CITATION.cff").read_text())["repository-code"] == address
    assert address in (root / "README.md").read_text(encoding="utf-8")


def setup_cell(book):
    return next(cell.source for cell in book.cells if cell.cell_type == "code")


def test_setup_cell_installs_from_the_repository(chapter, address):
    setup = setup_cell(jupytext.read(chapter))
    assert re.search(rf"pip install .*git\+{re.escape(address)}(?![\w/-])", setup), (
        f"the setup cell of {chapter.name} must install git+{address}"
    )


def test_setup_cell_is_the_same_in_every_chapter(chapter, root):
    first = sorted((root / "book").glob("[0-9]*.md"))[0]
    setups = [setup_cell(jupytext.read(path)) for path in (chapter, first)]
    assert setups[0] == setups[1], f"differs from {first.name}"


def bare_names(text):
    """What `pip install` is told to fetch by a bare name, which anybody could have registered."""
    for arguments in re.findall(r"\bpip\W+install\b([^\n`]*)", text):
        before = ""
        for word in re.findall(r'"[^"]*"|\'[^\']*\'|[^\s,]+', arguments):
            word = word.strip("\"'()[]")
            if word[:1].isalpha() and "git+" not in word and before not in {"-c", "-r", "-e"}:
                yield word
            before = word


@pytest.mark.parametrize(
    "text, names",
    [
        ("%pip install -q git+https://example.org/a", []),
        ('%pip install "rnncourse @ git+https://example.org/a"', []),
        ('`pip install -c requirements.lock -e ".[book]"` and so on', []),
        ("!pip install -q rnncourse", ["rnncourse"]),
        ('[sys.executable, "-m", "pip", "install", "rnncourse"]', ["rnncourse"]),
    ],
)
def test_bare_names_are_found(text, names):
    assert list(bare_names(text)) == names


def test_nothing_is_installed_by_a_bare_name(root):
    for name, text in pages(root):
        assert not list(bare_names(text)), name


def test_lock_satisfies_pyproject(project, lock):
    wanted = project["dependencies"] + sum(project["optional-dependencies"].values(), [])
    for requirement in map(Requirement, wanted):
        assert lock[requirement.name] in requirement.specifier, f"{requirement}: run `make lock`"


def test_lock_names_no_index(root):
    text = (root / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text and "--" not in text


def test_lock_has_the_torch_of_the_saved_outputs(pyproject, lock):
    assert pyproject["tool"]["uv"]["constraint-dependencies"] == [f"torch=={lock['torch']}"]


def test_environment_yml_is_pyproject_for_conda(root, project):
    environment = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))
    *packages, last = environment["dependencies"]
    assert last == {"pip": ["-e ."]}
    packages = [re.sub(r"^[\w-]+", lambda name: CONDA_NAMES.get(name[0], name[0]), text) for text in packages]
    wanted = ["pip", f"python{project['requires-python']}"]
    wanted += project["dependencies"] + project["optional-dependencies"]["lab"]
    wanted = [text for text in wanted if not text.startswith("nervaluate")]  # conda-forge may lack it: pip brings it
    assert sorted(packages) == sorted(wanted)


def test_versions_agree(root, project):
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    assert rnncourse.__version__ == project["version"] == citation["version"]


@pytest.mark.parametrize(
    "schema, pattern",
    [("github-workflows", ".github/workflows/*.yml"), ("citation-file-format", "CITATION.cff")],
)
def test_published_schemas(root, schema, pattern):
    files = sorted(root.glob(pattern))
    assert files, pattern
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *files]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
