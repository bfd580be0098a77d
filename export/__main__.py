"""`python -m export`: train, convert, evaluate."""

import sys

try:
    from export.cli import main
except ModuleNotFoundError as error:
    if error.name not in ("numpy", "cv2", "tqdm"):
        raise
    sys.exit(
        f"export: {error.name} is not installed for {sys.executable}; where install.sh has set up .venv/, "
        "`. .venv/bin/activate` chooses the Python that has it; else install the extra: pip install -e '.[export]'"
    )

sys.exit(main())
