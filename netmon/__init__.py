"""netmon: the application that schedules, judges, records and shows what the library ``probes`` measures."""

__all__ = ["__version__"]

__version__ = "0.1.0"
