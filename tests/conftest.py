"""What holds for every test: property tests draw the same examples in every run, and no clock can fail them."""

from hypothesis import settings

settings.register_profile("fast", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("fast")
