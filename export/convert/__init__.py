"""From a trained run to released files: convert, compare with the trained network, and only then put in place."""

FORMATS = ("tflite-int8", "tflite-float32", "onnx-int8", "onnx-float32")
