"""Which cells of the network learn which face."""

from dataclasses import dataclass

import numpy as np

from ferlite.detectors.ferlite import STRIDES, cells

# Side of a face (square root of its area) in pixels that each stride learns; they overlap, for no box is exact
RANGES = {8: (8.0, 28.0), 16: (22.0, 62.0), 32: (52.0, np.inf)}
BEYOND = 1.5  # a face that is this much outside of a stride's range is not background there
CENTRE = 0.22  # half of the square around a face's centre whose cells learn it, in sides of the face; one cell at least
FACE, BACKGROUND, NEITHER = 1.0, 0.0, -1.0
# columns of the targets: state, box (centre x, centre y, width, height), ten of landmarks, whether they are known
COLUMNS = 16


@dataclass(frozen=True, slots=True)
class Assigner:
    """Faces → targets, for pictures of one size."""

    grid: np.ndarray  # (cells, 3): x and y of the centre, stride

    @classmethod
    def of(cls, height: int, width: int) -> "Assigner":
        return cls(cells(height, width))

    def __call__(self, boxes: np.ndarray, landmarks: np.ndarray, ignored: np.ndarray) -> np.ndarray:
        """Boxes (n, 4), landmarks (n, 5, 2), ignored (n,) as in `FacePicture` → (cells, 16) float32."""
        out = np.zeros((len(self.grid), COLUMNS), np.float32)
        if not len(boxes):
            return out
        x, y, stride = self.grid.T[:, :, None]
        width, height = boxes[:, 2], boxes[:, 3]
        centre_x, centre_y = boxes[:, 0] + width / 2, boxes[:, 1] + height / 2
        across, down = np.abs(x - centre_x), np.abs(y - centre_y)
        inside = (across < width / 2) & (down < height / 2)
        side = np.sqrt(width * height)
        reach = np.maximum(stride / 2, CENTRE * side)
        central = (across <= reach) & (down <= reach)
        low, high = (np.array([RANGES[s][end] for s in STRIDES])[_level(self.grid)][:, None] for end in (0, 1))
        near = (side >= low / BEYOND) & (side < high * BEYOND)
        mine = central & (side >= low) & (side < high) & ~ignored
        out[(inside & ignored).any(1) | (central & near & ~mine).any(1), 0] = NEITHER
        # what ignored faces and too small ones cover is unknown at the strides that would see them
        out[(inside & (side < RANGES[STRIDES[0]][0])).any(1), 0] = NEITHER
        # of several faces a cell learns the one it is most central in
        distance = np.where(mine, np.maximum(across, down) / side, np.inf)
        face = distance.argmin(1)
        learns = np.flatnonzero(mine.any(1))
        face = face[learns]
        points = landmarks[face].reshape(-1, 10)
        known = np.isfinite(points).all(1)
        out[learns, 0] = FACE
        out[learns, 1:5] = np.stack([centre_x[face], centre_y[face], width[face], height[face]], axis=1)
        out[learns, 5:15] = np.where(known[:, None], points, 0)
        out[learns, 15] = known
        return out


def _level(grid: np.ndarray) -> np.ndarray:
    return np.searchsorted(STRIDES, grid[:, 2])
