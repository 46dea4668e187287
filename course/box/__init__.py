"""A box for one submission. What runs inside sees this file too, so nothing is imported here."""
