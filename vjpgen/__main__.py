"""`python -m vjpgen` is the command."""

from __future__ import annotations

from vjpgen.cli import main

if __name__ == "__main__":
    main()
