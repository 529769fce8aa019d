"""The pump in a thread of its own, and how it is doing."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from pathlib import Path

from netmon.forward.pump import Pump, forget
from netmon.forward.settings import ForwardSettings, load_forward
from netmon.logs import fields
from netmon.runner import Clock

__all__ = ["Forward"]

RETRY_SECONDS = 10.0

log = logging.getLogger(__name__)


class Forward:
    """Sends observations on where ``forward.yaml`` says so, and does nothing without one."""

    def __init__(self, folder: Path, path: Path, clock: Clock) -> None:
        """Read the file.

        Raises:
            ConfigError: the file has mistakes.
        """
        self._folder = folder
        self._path = path
        self._clock = clock
        self._settings = self._load()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._pump: Pump | None = None

    @property
    def pump(self) -> Pump | None:
        """What sends, for its figures; ``None`` while nothing is forwarded."""
        return self._pump

    def start(self) -> None:
        """Begin, or see to it that the journal keeps nothing for a store that is not there."""
        if self._settings is None:
            try:
                forget(self._folder)
            except sqlite3.Error as error:
                log.warning("the cursor of forwarding cannot be removed", extra=fields(error=error))
            return
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(self._settings, self._stop), name="forward", daemon=True
        )
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """End; a batch under way is given some seconds, and is sent again if it takes longer."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(seconds)
        self._thread = None
        self._pump = None

    def read(self) -> ForwardSettings | None:
        """The file as it is now.

        Raises:
            ConfigError: it has mistakes.
        """
        return self._load()

    def use(self, settings: ForwardSettings | None) -> None:
        """Take over other settings; equal ones change nothing."""
        if settings != self._settings:
            self.stop()
            self._settings = settings
            self.start()

    def _load(self) -> ForwardSettings | None:
        return load_forward(self._path, os.environ) if self._path.is_file() else None

    def _run(self, settings: ForwardSettings, stop: threading.Event) -> None:
        from netmon.forward.influx import InfluxStore  # slow to import, and most have no store

        while not stop.is_set():
            try:
                pump = Pump(self._folder, InfluxStore(settings), batch=settings.batch)
            except sqlite3.Error as error:
                log.warning("forwarding cannot read the journal", extra=fields(error=error))
                stop.wait(RETRY_SECONDS)
                continue
            self._pump = pump
            try:
                while not stop.is_set():
                    began = self._clock.monotonic()
                    wait = pump.step(began)
                    # While much is to be sent, no more than half of a core: probing comes first.
                    stop.wait(wait or self._clock.monotonic() - began)
            except sqlite3.Error as error:
                log.warning("forwarding cannot read the journal", extra=fields(error=error))
                stop.wait(RETRY_SECONDS)
            finally:
                pump.close()
