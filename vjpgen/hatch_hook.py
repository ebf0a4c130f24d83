"""The build hook for hatchling.

In pyproject.toml: "vjpgen" among the requirements of the build system, and a table
[tool.hatch.build.hooks.vjpgen], which may be empty or hold `config` and `any-versions`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.plugin import hookimpl

from vjpgen.packaging import generated


class VjpgenBuildHook(BuildHookInterface[Any]):
    """Generates the modules of [tool.vjpgen] before they are packed, those that git ignores too."""

    PLUGIN_NAME = "vjpgen"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before each wheel and source distribution."""
        root, how = Path(self.root), self.config
        modules = generated(root, any_versions=how.get("any-versions", True), config=how.get("config"))
        build_data["artifacts"] += [f"/{path.relative_to(root).as_posix()}" for path in modules]


@hookimpl
def hatch_register_build_hook() -> type[VjpgenBuildHook]:
    """What hatchling asks for by the entry point."""
    return VjpgenBuildHook
