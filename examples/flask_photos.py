"""Photos in, faces out, over HTTP, with Flask.

pip install flask; python flask_photos.py; curl --data-binary @photo.jpg http://127.0.0.1:5000/faces

Flask's own server is for trying; `pip install waitress; waitress-serve --port 5000 flask_photos:app` is for serving.
"""

import os

os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = "50000000"  # before OpenCV is imported: a small file can hold a huge picture

from flask import Flask, request

import ferlite

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 20_000_000  # bytes
recognizer = ferlite.Recognizer()  # one for all: threads that share it take turns


@app.post("/faces")
def faces() -> tuple[dict[str, object], int]:
    try:
        image = ferlite.decode_image(request.get_data())
    except ferlite.ImageError as error:
        return {"error": str(error)}, 400
    return {"faces": [face.as_dict() for face in recognizer(image)]}, 200


if __name__ == "__main__":
    app.run()
