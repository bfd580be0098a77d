"""Several cameras at once, their results in one place.

python several_cameras.py SOURCE SOURCE …

Each camera has a pipeline of its own, whose threads drop what is old; a thread for each puts the results into one
queue. A camera that fails ends its own pipeline only.
"""

import sys
from queue import Queue
from threading import Thread

import ferlite

Item = tuple[str, ferlite.FrameResult | None]


def watch(source: str, results: Queue[Item]) -> None:
    try:
        with ferlite.Pipeline(source, max_fps=5) as pipeline:
            for result in pipeline:
                results.put((source, result))
    except ferlite.FerliteError as error:
        print(error, file=sys.stderr)
    results.put((source, None))


sources = sys.argv[1:] or ["0"]
results: Queue[Item] = Queue(maxsize=2 * len(sources))  # bounded: who reads too slowly gets fewer, not older ones
for source in sources:
    Thread(target=watch, args=(source, results), daemon=True).start()
running = len(sources)
while running:
    source, result = results.get()
    if result is None:
        running -= 1
        print(f"{source}: ended")
    else:
        print(f"{source}: {', '.join(map(str, result.faces)) or 'no face'}")
