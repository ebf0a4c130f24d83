"""`vjpgen cache`."""

from __future__ import annotations

import click

from vjpgen.command_words import SETTINGS
from vjpgen.errors import OutputError

_EPILOG = """\b
  info   where the cache is, how many results it holds, and their size
  dir    where it is
  clear  delete the results; other files in the folder stay

\b
VJPGEN_CACHE names another folder; where it is set, every command uses the cache, otherwise
only 'vjpgen build' does. VJPGEN_CACHE_SIZE sets its size in megabytes.
"""


@click.command("cache", epilog=_EPILOG, context_settings=SETTINGS)
@click.argument("what", type=click.Choice(["info", "dir", "clear"]), default="info")
def command(what: str) -> None:
    """Look at the cache of results, or clear it."""
    from vjpgen.cache import default

    found = default()
    if what == "dir":
        click.echo(found.folder)
        return
    try:
        if what == "clear":
            click.echo(f"deleted {_results(found.clear())} in {found.folder}")
            return
        count, size = len(found.entries()), found.size()
    except OSError as error:
        raise OutputError(f"cannot use the cache {found.folder}: {error.strerror or error}") from None
    click.echo(f"{_results(count)}, {size / 1e6:.1f} MB of {found.limit / 1e6:g} MB, in {found.folder}")


def _results(count: int) -> str:
    return f"{count} result" if count == 1 else f"{count} results"
