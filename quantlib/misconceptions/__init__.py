"""Wrong functions that people really write, each under a name: what a check, a test or a grader recognises.

A misconception is called like the function that it stands for: `no_clamp(x, s, z)` returns wrong codes. Those of int8
codes stand for the grid from -128 to 127. A cast beyond the grid is written with `wrap`, so that it is the same on
every machine. MISCONCEPTIONS holds them all, by the deed that they get wrong; a module has those of one subject.
"""

from .base import MISCONCEPTIONS as MISCONCEPTIONS
from .base import Misconception as Misconception
from .choosing import *  # noqa: F403
from .granularity import *  # noqa: F403
from .ranges import *  # noqa: F403
from .rounding import *  # noqa: F403
from .ruler import *  # noqa: F403
