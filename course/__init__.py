"""The instructor's side: problem sets that differ from year to year, and grading that can be trusted.

A problem set is made of questions (questions.py), drawn by one seed (variants.py). `sheets` writes it as a notebook in
nbgrader's format. To grade, a box (box.py) runs a submission's functions and gives plain data back; what is right
is known outside of it alone (marking.py).
"""
