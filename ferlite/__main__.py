"""`python -m ferlite` is the command `ferlite`."""

import sys

from ferlite.cli import main

sys.exit(main())
