"""The instructor's side: problem sets that differ from year to year, and grading that can be trusted.

problems/ draws questions by one seed, knows what is right, and writes the notebooks in nbgrader's format. intake/ reads
what students handed in. box/ runs a submission's functions and gives plain data back: what is right is known outside of
it alone. report/ writes scores and feedback. grade.py puts them together.
"""
