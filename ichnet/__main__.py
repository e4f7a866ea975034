"""``python -m ichnet`` is the command ``ichnet``."""

from ichnet.cli import main

raise SystemExit(main())
