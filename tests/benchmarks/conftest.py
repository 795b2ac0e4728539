"""What the tests of benchmarks/ share. Each file is named after its program: test_cpu_cells.py tests cpu_cells.py."""

import importlib
import json
import os
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def name(request):
    """The name of the program that this file tests."""
    return request.path.stem.removeprefix("test_")


def load(root, name):
    """A module of benchmarks/; what it does to the environment is undone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", dict(os.environ))
        patch.syspath_prepend(root / "benchmarks")
        return importlib.import_module(name)


@pytest.fixture(scope="module")
def program(root, name):
    """The program as a module."""
    return load(root, name)


@pytest.fixture(scope="module")
def common(root):
    """What the programs share."""
    return load(root, "common")


@pytest.fixture(scope="module")
def run(root, name):
    """run(argument, …, VARIABLE=value, …): the program in a process of its own; every warning is an error."""

    def run(*arguments, **environment):
        path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
        command = [sys.executable, "-W", "error", root / "benchmarks" / f"{name}.py", *arguments]
        environment = os.environ | {"PYTHONPATH": path} | environment
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    return run


@pytest.fixture(scope="module")
def run_quick(run):
    """run_quick(out, argument, …): what --quick prints, as lines, and the report that it writes to ``out``."""

    def run_quick(out, *arguments):
        done = run("--quick", "--out", out, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines(), json.loads(out.read_text(encoding="utf-8"))

    return run_quick


def untimed(report):
    """The rows of a report without their seconds, which no two runs share."""
    return [{name: value for name, value in row.items() if name != "seconds"} for row in report["rows"]]


@pytest.fixture(scope="module")
def check_resumes(run_quick):
    """check_resumes(out, whole, at): a row that stands in ``out`` is kept as it is; the missing last one is run again.

    whole: the report of a whole run; at: the row that gets a rate that no run would write. Returns what is printed.
    """

    def check(out, whole, at):
        marked = whole | {"rows": whole["rows"][:-1]}
        marked["rows"][at]["rate"] = 7
        out.write_text(json.dumps(marked), encoding="utf-8")
        printed, again = run_quick(out)
        assert len(printed) == 1 and again["rows"][at]["rate"] == 7
        assert untimed(again)[at + 1 :] == untimed(whole)[at + 1 :]
        return printed

    return check
