"""`python -m export evaluate-detector`."""

import argparse
from pathlib import Path

from export.cli.options import WithDefaults
from export.errors import RunError

DATA_HELP = (
    "a folder with images/, boxes.csv and split.csv, or in the form of WIDER FACE, of YOLO (images/, labels/) or of VOC"
)


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "evaluate-detector",
        help="measure face detectors side by side on pictures with boxes",
        formatter_class=WithDefaults,
        description="Recall, false boxes, landmarks and time of face detectors, as JSON, Markdown, a plot and sheets "
        "of what each of them got wrong. Settings are chosen on the validation split.",
    )
    parser.add_argument(
        "detectors",
        nargs="*",
        default=["haar", "ferlite"],
        metavar="NAME[=FILE]",
        help="haar, yunet=FILE, ferlite, ferlite=FILE",
    )
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help=DATA_HELP)
    parser.add_argument("--split", choices=("training", "validation"), default="validation", help="which pictures")
    parser.add_argument(
        "--min-face", type=float, default=0.0625, metavar="PART", help="what the detectors are asked for: 20 in 320"
    )
    parser.add_argument("--overlap", type=float, default=0.5, metavar="PART", help="from which a face counts as found")
    parser.add_argument("--output", type=Path, default=Path("detectors"), metavar="STEM", help="what files begin with")
    parser.set_defaults(command=_evaluate)


def _evaluate(options: argparse.Namespace) -> None:
    import cv2

    from export.datasets import faces
    from export.detector import evaluate, report
    from ferlite.device import OPENCV, versions

    if not 0 < options.overlap < 1:
        raise RunError(f"overlap is {options.overlap}; it has to be above 0 and below 1")
    cv2.setNumThreads(1)
    candidates = [evaluate.candidate(text, options.min_face) for text in options.detectors]
    found = faces.read(options.data)
    pictures = found.validation if options.split == "validation" else found.training
    results = evaluate.evaluate(pictures, candidates, options.overlap)
    about = {
        "pictures": f"{len(pictures)} of {found.name}, {options.split}",
        "smallest face asked for": f"{options.min_face:g} of the longer side",
        "a face is found from an overlap of": f"{options.overlap:g}",
        "on": ", ".join(f"{name} {version}" for name, version in versions("numpy", *OPENCV, "ai-edge-litert").items()),
    }
    print(report.as_markdown(results, about))
    for path in report.write(results, about, options.output):
        print(path)
