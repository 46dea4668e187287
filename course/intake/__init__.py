"""What students handed in, as an LMS gives it."""
