"""A trained network as it runs on the device: the same layers at a fixed batch."""

import keras


def deploy(model: keras.Model, batch: int | None = 1) -> keras.Model:
    """The same network on (batch, h, w, c). A fixed batch keeps shape arithmetic out of the converted graph."""
    inputs = keras.Input(batch_shape=(batch, *model.input_shape[1:]), name="image")
    twin = keras.models.clone_model(model, input_tensors=inputs)
    twin.set_weights(model.get_weights())
    return twin
