"""Every known mistake of every lesson, by the name of its function: `bugs.no_clamp`."""

from quantlib.lessons import all_exercises

globals().update({bug.function.__name__: bug for exercise in all_exercises().values() for bug in exercise.known})
