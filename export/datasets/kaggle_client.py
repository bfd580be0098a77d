"""One file by Kaggle's own client, in a process of its own: `… kaggle_client COMPETITION FILE FOLDER QUIET`.

The client logs in while it is imported, prints as it likes, ends the process where it finds no credentials and waits
without limit: none of that should reach the caller. What became of it is one line of JSON on standard output, of a
problem what kind it is, the status of Kaggle's answer and the reason; the client's progress bar is on standard error.
"""

import contextlib
import io
import json
import sys


def main() -> None:
    """Fetch the file; the exit code says nothing."""
    competition, file, folder, quiet = sys.argv[1:]
    with contextlib.redirect_stdout(io.StringIO()):
        outcome = _outcome(competition, file, folder, quiet == "quiet")
    print(json.dumps(outcome))


def _outcome(competition: str, file: str, folder: str, quiet: bool) -> dict:
    try:
        import kaggle

        kaggle.api.authenticate()
        kaggle.api.competition_download_file(competition, file, path=folder, force=True, quiet=quiet)
    except SystemExit:
        return _problem("credentials")
    except ModuleNotFoundError as error:
        return _problem("missing" if error.name == "kaggle" else "other", str(error))
    except Exception as error:
        import requests

        if isinstance(error, requests.HTTPError) and error.response is not None:
            return _problem("answer", str(error), error.response.status_code)
        return _problem("network" if isinstance(error, requests.RequestException) else "other", str(error))
    return {"problem": None}


def _problem(kind: str, reason: str = "", status: int | None = None) -> dict:
    return {"problem": kind, "status": status, "reason": " ".join(reason.split())}


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):  # the caller is interrupted too, and says so
        main()
