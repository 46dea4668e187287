"""The problem sets: how they are drawn, marked, and written as notebooks."""
