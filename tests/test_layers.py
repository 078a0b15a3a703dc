"""The direction of imports: each layer sees only what stands below it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

RANKS = {
    "cli": 7,
    "service": 6,
    "api": 5,
    "relay": 5,
    "delivery": 4,
    "store": 3,
    "platforms": 2,
    "logs": 2,
    "config": 1,
    "domain": 1,
    "metrics": 1,
}
"""How high each layer of ``pushserver`` stands; ``actors`` stands below all of them."""

PURE = ("pushserver/delivery/course.py", "pushserver/delivery/coordinator.py")
"""Decisions, which know no threads."""


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports_of(path: Path) -> Iterator[str]:
    """The full names that a module imports, those inside functions included; the package's own as well."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer_of(path: Path) -> str:
    return path.relative_to(ROOT / "pushserver").parts[0].removesuffix(".py")


def imported_layers(path: Path) -> set[str]:
    parts = [name.split(".") for name in imports_of(path)]
    names = {name[1] for name in parts if name[0] == "pushserver" and len(name) > 1}
    return {name for name in names if not name.startswith("__")}


def may_import(layer: str, other: str) -> bool:
    if layer in {other, "__init__"}:
        return True
    if "sandbox" in {layer, other}:
        return layer in {"cli", "service"}
    if (layer, other) in {("config", "domain"), ("metrics", "domain")}:
        return True
    return RANKS[other] < RANKS[layer]


def test_every_part_of_pushserver_has_its_place() -> None:
    known = {*RANKS, "sandbox", "__init__", "__main__"}
    assert {layer_of(path) for path in modules("pushserver")} <= known


@pytest.mark.parametrize("path", modules("pushserver"), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_stands_below_it(path: Path) -> None:
    layer = layer_of(path)
    if layer == "__main__":
        layer = "cli"
    wrong = {other for other in imported_layers(path) if not may_import(layer, other)}
    assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}, which does not stand below {layer}"


@pytest.mark.parametrize("path", modules("actors"), ids=lambda path: path.name)
def test_the_runtime_knows_nothing_of_pushing(path: Path) -> None:
    assert not [name for name in imports_of(path) if name.split(".")[0] == "pushserver"]


@pytest.mark.parametrize("path", modules("pushserver/sandbox"), ids=lambda path: path.name)
def test_the_sandbox_stands_by_itself(path: Path) -> None:
    outside = [
        name
        for name in imports_of(path)
        if name.split(".")[0] == "actors" or (name.startswith("pushserver") and ".sandbox" not in name)
    ]
    assert not outside


@pytest.mark.parametrize("path", modules("pushserver/domain"), ids=lambda path: path.name)
def test_the_vocabulary_imports_nothing_of_ours(path: Path) -> None:
    assert imported_layers(path) <= {"domain"}
    assert not [name for name in imports_of(path) if name.split(".")[0] == "actors"]


@pytest.mark.parametrize("path", PURE)
def test_decisions_know_no_threads(path: str) -> None:
    forbidden = {"threading", "pykka", "actors", "queue", "time", "multiprocessing"}
    assert not forbidden & {name.split(".")[0] for name in imports_of(ROOT / path)}


def test_a_wrong_direction_would_be_noticed() -> None:
    assert not may_import("domain", "config")
    assert not may_import("platforms", "store")
    assert not may_import("api", "relay")
    assert not may_import("delivery", "sandbox")
    assert may_import("cli", "sandbox")
    assert may_import("service", "delivery")
