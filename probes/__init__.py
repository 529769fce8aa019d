"""A library that measures: it knows no site, schedule, threshold, metric store, file or mail.

``KINDS`` is its table of contents: one row a kind, from which inventory, metrics, archive and documentation follow.
"""
