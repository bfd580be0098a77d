"""`python -m export`: train, convert, evaluate."""

import sys

from export.cli import main

sys.exit(main())
