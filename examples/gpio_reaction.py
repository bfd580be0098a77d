"""A robot that looks at whoever is near, and lights up when they smile.

python gpio_reaction.py [SOURCE]

A servo on GPIO 18 turns to the largest face, an LED on GPIO 17 is on while that face is happy. Needs
`pip install gpiozero` and, on a Raspberry Pi, `sudo apt install python3-lgpio`. Without any pins it can be tried by

GPIOZERO_PIN_FACTORY=mock GPIOZERO_MOCK_PIN_CLASS=mockpwmpin python gpio_reaction.py clip.mp4
"""

import sys

from gpiozero import LED, Servo

import ferlite

source = sys.argv[1] if len(sys.argv) > 1 else 0
with LED(17) as smile, Servo(18) as neck, ferlite.Pipeline(source, max_fps=10) as pipeline:
    for result in pipeline:
        if not result.faces:
            smile.off()
            continue
        face = result.faces[0]  # the largest
        smile.value = face.label == ferlite.Emotion.HAPPY
        width = result.frame.image.shape[1]
        place = 2 * (face.box.x + face.box.w / 2) / width - 1  # -1 is the left edge, 1 the right one
        neck.value = min(max(place, -1), 1)
        print(f"LED {'on' if smile.is_lit else 'off'}, servo at {neck.value:+.2f}: {face}")
