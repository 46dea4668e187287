"""Draw the README's animation: the explorer of notebook 01, its scale and then its zero point moved.

python -m tools.once.animation
"""

import io

from PIL import Image

from quantlib.data import T
from quantlib.lessons.affine_formula.explorer import explore_affine
from tools import project

PATH = project.ROOT / "docs" / "explorer.gif"
HOLD = 6  # frames to rest at each turning point


def path() -> list[tuple[float, int]]:
    """Return the values (s, z) of every frame: s down, up to where nothing clips, z to one side and back."""
    scale = [3.5 - 0.25 * i for i in range(9)] + [1.5 + 0.3 * i for i in range(12)]
    shift = [-70 + 8 * i for i in range(13)]
    back = [(4.8, z) for z in reversed(shift)]
    turns = [(s, -70) for s in scale], [(4.8, z) for z in shift], back, [(4.8 - 0.13 * i, -70) for i in range(11)]
    return [frame for turn in turns for frame in (*turn, *[turn[-1]] * HOLD)]


def main() -> None:
    explorer = explore_affine(T)
    frames = []
    for s, z in path():
        explorer.move(s=s, z=z)
        frames.append(Image.open(io.BytesIO(explorer.picture.png)).quantize(64, dither=Image.Dither.NONE))
    PATH.parent.mkdir(exist_ok=True)
    frames[0].save(PATH, save_all=True, append_images=frames[1:], duration=110, loop=0, optimize=True)
    print(f"{PATH.name}: {len(frames)} frames, {PATH.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
