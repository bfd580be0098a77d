"""The trial of an engine, `python -m ferlite.interpreters ENGINE WEIGHTS`: fails or dies where the engine does."""

import sys
from pathlib import Path

from ferlite import interpreters
from ferlite.errors import EngineError, ModelError


def main() -> None:
    engine, weights = sys.argv[1:]
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # dying is an answer here, not worth a core file
    try:
        interpreters.load(Path(weights), backend=engine)
    except ModelError:
        pass  # the engine works: its refusal is for the caller to hear
    except EngineError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
