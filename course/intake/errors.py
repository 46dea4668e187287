"""What the instructor is told instead of a traceback."""


class CourseError(ValueError):
    """What the instructor gave cannot be used; the text says why, and what to do."""
