"""What can go wrong with pixels, each with a code for programs and a sentence for people."""


class ScienceError(Exception):
    """A frame cannot be processed further; final for these inputs.

    ``str(error)`` is a full sentence for the person who took the frame: what is wrong and what to do.
    """

    code = "science_error"


class UnreadableFrame(ScienceError):
    """The bytes are not a FITS image that can be read."""

    code = "unreadable"


class UnusableFrame(ScienceError):
    """The file is readable but its pixels or cards cannot be used (constant image, wrong shape ...)."""

    code = "unusable"


class CalibrationMismatch(ScienceError):
    """A master or arc does not cover the frame it is applied to."""

    code = "calibration_mismatch"


class NoTargetFound(ScienceError):
    """No spectrum stands out of the sky."""

    code = "no_target"


class NoWavelengthSolution(ScienceError):
    """The lamp's lines do not give a solution that holds up; the sentence says why."""

    code = "no_wavelength_solution"
