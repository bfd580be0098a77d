"""The emotions in front of a camera, in five lines.

python five_lines.py [SOURCE]     SOURCE: camera number, stream, video file, folder of pictures (default: camera 0)
"""

import sys

import ferlite

source = sys.argv[1] if len(sys.argv) > 1 else 0
with ferlite.Pipeline(source) as pipeline:
    for result in pipeline:
        print(*result.faces)
