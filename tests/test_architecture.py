"""The layout and the direction of imports of DESIGN.md, and the sizes that may only get tighter."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("audio", "models", "rag", "server")
MEASURED = (*PACKAGES, "benchmarks")

ALLOWED = {
    "audio": {"audio"},
    "rag": {"rag"},
    "models": {"models", "audio"},
    "server": {"server", "models", "rag", "audio"},
}

LONGEST_FILE_LINES = 350
LONGEST_FUNCTION_LINES = 60
P90_FUNCTION_LINES = 30
MEDIAN_FUNCTION_LINES = 8

CATCHES_EVERYTHING = {"server/session.py", "server/stage.py"}
READS_ENVIRONMENT = {"server/settings.py", "server/cli.py"}


def sources(packages: tuple[str, ...]) -> list[Path]:
    return sorted(path for name in packages for path in (ROOT / name).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the function without its docstring."""
    first = node.body[0]
    has_docstring = ast.get_docstring(node) is not None
    documented = (first.end_lineno or 0) - first.lineno + 1 if has_docstring else 0
    return (node.end_lineno or 0) - node.lineno + 1 - documented


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_go_in_one_direction(package: str) -> None:
    """Audio <- models <- server -> rag; nothing imports server."""
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources((package,))
        for name in imported(path)
        if name in {*PACKAGES, "benchmarks", "tests"} - ALLOWED[package]
    }
    assert not wrong


def test_pure_signal_code_knows_no_asyncio() -> None:
    """audio/ has no event loop and rag/ has none either."""
    loops = {
        str(path.relative_to(ROOT))
        for path in sources(("audio", "rag"))
        if "asyncio" in set(imported(path))
    }
    assert not loops


@pytest.mark.parametrize("path", sources(MEASURED), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_says_what_it_is_for_and_is_one_idea(path: Path) -> None:
    """A module docstring first, and no more than 350 non-blank lines."""
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), "the file's first line says what it is for"
    assert sum(1 for line in text.splitlines() if line.strip()) <= LONGEST_FILE_LINES


def test_functions_are_short() -> None:
    """Median, 90th percentile and maximum of the lines of all functions."""
    found = {
        f"{path.relative_to(ROOT)}:{node.name}": length(node)
        for path in sources(MEASURED)
        for node in functions(path)
    }
    lengths = sorted(found.values())
    assert statistics.median(lengths) <= MEDIAN_FUNCTION_LINES
    assert lengths[int(len(lengths) * 0.9)] <= P90_FUNCTION_LINES
    assert {name for name, lines in found.items() if lines > LONGEST_FUNCTION_LINES} == set()


def test_only_the_session_and_the_stage_catch_everything() -> None:
    """`except Exception` stands at the two borders only."""
    wide = {
        str(path.relative_to(ROOT))
        for path in sources(PACKAGES)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception"))
    }
    assert wide <= CATCHES_EVERYTHING


def test_only_the_settings_read_the_environment() -> None:
    """server/cli.py may set OpenMP's variables before libraries start; it reads none."""
    readers = {
        str(path.relative_to(ROOT))
        for path in sources(PACKAGES)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    }
    assert readers <= READS_ENVIRONMENT


def test_no_index_address_is_committed() -> None:
    """Pinned versions with hashes, but no host of a registry."""
    named = [path.name for path in (ROOT / "requirements").iterdir() if "://" in path.read_text()]
    assert not named
    locks = [*ROOT.glob("examples/**/package-lock.json"), *ROOT.glob("tests/**/package-lock.json")]
    locks = [path for path in locks if "node_modules" not in path.parts]
    assert locks
    for path in locks:
        assert "://" not in path.read_text(), f"{path} names a host"
        assert path.read_text().count('"integrity": "sha512-') >= path.read_text().count(
            '"node_modules/'
        )
    for path in (ROOT / "requirements").glob("*.txt"):
        pins = [line for line in path.read_text().splitlines() if "==" in line and line[0] != " "]
        assert pins
        assert path.read_text().count("--hash=sha256:") >= len(pins)
