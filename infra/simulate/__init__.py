"""Simulated nights: raw Goodman frames in the newest header dialect, with the truth about them.

>>> plan = small_night("930_M4", seed=3)          # or plan_night(...): the exposures, in time order
>>> for name, data, truth in frames(plan): ...    # one frame at a time, as they would arrive
>>> build_night("night", mode="930_M4", seed=3)   # or all into a folder, the truth beside it
"""

from .exposure import Exposure, Night
from .plan import plan_night, small_night
from .writer import build_night, frames, truth_paths

__all__ = ["Exposure", "Night", "build_night", "frames", "plan_night", "small_night", "truth_paths"]
