"""A network of your own, for photos: what its card says, and what it says of each face.

python own_model.py models/mine-int8.tflite PHOTO …

Such a file comes from `python -m export convert`, or from anywhere else with a card that you write; docs/own-model.md
says how.
"""

import sys

import ferlite

classifier = ferlite.EmotionClassifier(sys.argv[1])
recognizer = ferlite.Recognizer(classifier)
print("labels:", ", ".join(classifier.labels))
for path in sys.argv[2:]:
    for face in recognizer(ferlite.read_image(path)):
        ranking = sorted(zip(face.probabilities, face.labels, strict=True), reverse=True)
        print(f"{path} {tuple(face.box)}:", ", ".join(f"{label} {share:.0%}" for share, label in ranking))
