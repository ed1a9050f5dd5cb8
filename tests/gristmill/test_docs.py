"""The docs are held to the code: every setting, every name in the environment, every command and option."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from graphs.models.presets import PRESETS
from gristmill.cli import main
from gristmill.settings import SETTINGS
from tests.gristmill.door import REPOSITORY

ROOMS = ("artifacts", "kernel_gateway", "notebooks", "graphs", "panel_app", "gristmill")


def commands(command: click.Command, path: tuple[str, ...] = ("gristmill",)) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield " ".join(path), command
    if not isinstance(command, click.Group):
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from commands(found, (*path, name))


def test_every_setting_is_in_the_table_with_its_default_and_its_purpose() -> None:
    rows = [line for line in (REPOSITORY / "docs" / "settings.md").read_text().splitlines() if line.startswith("| `")]
    told = {row.split("|")[1].strip(" `"): row for row in rows}
    assert list(told)[: len(SETTINGS)] == [s.env for s in SETTINGS], "the same settings in the same order"
    for setting in SETTINGS:
        assert f"| {setting.default or 'not set'} | {setting.help} |" in told[setting.env]


def test_every_name_that_the_code_reads_from_the_environment_is_documented() -> None:
    docs = (REPOSITORY / "docs" / "settings.md").read_text() + (REPOSITORY / "docs" / "models.md").read_text()
    known = set(re.findall(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b|(?<=`)[A-Z]+(?=`)", docs))
    for room in ROOMS:
        for path in (REPOSITORY / room).rglob("*.py"):
            source = path.read_text()
            names = set(re.findall(r"GRISTMILL_[A-Z_]+", source))
            names |= set(re.findall(r"""environ(?:\.get\(|\[)["']([A-Z][A-Z0-9_]+)["']""", source))
            unknown = {n for n in names if n not in known and n not in ("PATH", "HOME")}
            assert not unknown, f"{path.relative_to(REPOSITORY)} reads {sorted(unknown)}, which no page tells of"
    for preset in PRESETS.values():
        assert {*preset.key_names, preset.url_name} <= known, preset.name


@pytest.mark.parametrize(("name", "command"), list(commands(main)))
def test_every_command_and_option_is_documented(name: str, command: click.Command) -> None:
    lines = [line for line in (REPOSITORY / "docs" / "commands.md").read_text().splitlines() if f"`{name}" in line]
    assert lines, f"docs/commands.md does not tell of {name}"
    told = " ".join(lines)
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            for option in parameter.opts:
                assert f"`{option}" in told, f"{name} {option}"
    assert command.help, f"{name} has no help"


def test_every_command_of_the_docs_exists() -> None:
    known = {name for name, _ in commands(main)}
    told = re.findall(
        r"^\| `(gristmill [a-z ]+?)(?: [A-Z-].*?)?`", (REPOSITORY / "docs" / "commands.md").read_text(), re.M
    )
    assert told
    assert set(told) == known


def test_the_line_in_the_list_of_commands_is_true_to_the_command() -> None:
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        assert command.name == name
