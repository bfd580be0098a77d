"""Face crops → probabilities of the emotions, for any network that comes with a card."""

from collections.abc import Sequence
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from ferlite import cards, interpreters
from ferlite.errors import ImageError, ModelError, SettingError
from ferlite.images import cut_out, recolor, resize
from ferlite.locks import ForkSafeLock
from ferlite.types import Detection, Image


class EmotionClassifier:
    """The emotion on a face.

    `model` is the path of a weights file with its card, or the name of a bundled model; the bundled default without.
    `backend` is an engine out of `ferlite.interpreters.BACKENDS`, used as it is, or "auto": the first that works here;
    the attribute `backend` names the one in use. Threads that share one take turns. Raises ModelError for a model that
    is missing, damaged or unlike its card, EngineError where no engine works, SettingError for other arguments.

    A model is not trusted: under "auto" one that is new here is run in a process of its own first, with limits of time
    and memory. One that fails on a face later raises ModelError there; no NaN is ever returned.
    """

    def __init__(self, model: str | PathLike[str] | None = None, threads: int = 1, backend: str = "auto") -> None:
        if threads < 1:
            raise SettingError(f"threads is {threads}; it has to be 1 or more")
        self.card = cards.find(model)
        self.backend = interpreters.choose(self.card.weights, backend)
        self._interpreter = interpreters.load(self.card.weights, threads, self.backend)
        tensor = self._interpreter.input
        if tensor.shape != self.card.shape:
            raise ModelError(f"{self.card.weights}: takes {tensor.shape}, its card says {self.card.shape}")
        self._values = tensor.table(*self.card.range)
        self._lock = ForkSafeLock()  # engines mix up what several threads give them
        face = recolor(np.zeros((self.card.height, self.card.width), np.uint8), self.card.color)
        self._predict([face])

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes, in the order of `predict`'s columns."""
        return self.card.labels

    def predict(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Faces (n, h, w) grey or (n, h, w, 3) BGR, uint8 → probabilities (n, labels) float32.

        Faces of another size or colour than the network's are converted. Raises ImageError for other arrays.
        """
        if not isinstance(crops, np.ndarray) or crops.dtype != np.uint8:
            kind = crops.dtype if isinstance(crops, np.ndarray) else type(crops).__name__
            raise ImageError(f"crops have to be a uint8 array with values 0…255, not {kind}")
        if crops.ndim == 3 and crops.shape[2] in (1, 3, 4):
            raise ImageError(f"{crops.shape} looks like one face; several are expected: give crop[None]")
        if crops.ndim not in (3, 4) or (crops.ndim == 4 and crops.shape[3] not in (1, 3)):
            raise ImageError(f"crops have to be (n, h, w) grey or (n, h, w, 3) BGR, not {crops.shape}")
        if 0 in crops.shape[1:]:
            raise ImageError(f"the crops are empty: shape {crops.shape}")
        if crops.ndim == 4 and crops.shape[3] == 1:
            crops = crops[..., 0]
        size = (self.card.height, self.card.width)
        faces = (resize(recolor(np.ascontiguousarray(crop), self.card.color), size) for crop in crops)
        return self._predict(list(faces))

    def predict_faces(self, image: Image, faces: Sequence[Detection]) -> NDArray[np.float32]:
        """The detected faces of an image BGR (h, w, 3) or grey (h, w), uint8 → probabilities (n, labels) float32.

        Faces with landmarks are turned upright before.
        """
        card = self.card
        size = (card.height, card.width)
        return self._predict(
            [cut_out(image, face.box, card.margin, size, card.color, face.landmarks) for face in faces]
        )

    def _predict(self, faces: list[Image]) -> NDArray[np.float32]:
        outputs = np.empty((len(faces), len(self.labels)), np.float32)
        with self._lock:
            for face, output in zip(faces, outputs, strict=True):
                output[:] = self._run(face)[0]
        with np.errstate(over="ignore", invalid="ignore"):  # what is no number shows in the sum
            if self.card.output == "logits":
                outputs -= outputs.max(axis=1, keepdims=True)
                outputs /= self.card.temperature
                np.exp(outputs, out=outputs)
            elif (outputs < 0).any():
                raise ModelError(f"{self.card.weights}: gives values below 0, its card says probabilities, not logits")
            sums = outputs.sum(axis=1, keepdims=True)
        if not ((sums > 0) & (sums < np.inf)).all():
            raise ModelError(
                f"{self.card.weights}: gives values that are no numbers (inf or NaN), or nothing but zeros"
            )
        outputs /= sums
        return outputs

    def _run(self, face: Image) -> NDArray[np.float32]:
        if self.card.layout == "NCHW" and face.ndim == 3:
            face = face.transpose(2, 0, 1)
        # `take` copies, so the engine always gets a contiguous array of its own type
        values = self._values.take(face).reshape(self._interpreter.input.shape)
        try:
            output = self._interpreter.run(values)
        except Exception as error:  # the engines' own errors share no base class
            raise ModelError(f"{self.card.weights}: {self.backend} cannot run it on this face: {error}") from error
        if output.shape != (1, len(self.labels)):
            raise ModelError(f"{self.card.weights}: gives {output.shape}, its card has {len(self.labels)} labels")
        return output
