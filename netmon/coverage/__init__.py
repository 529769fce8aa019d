"""Radio coverage: a survey by drive test, and what of it is available right now."""
