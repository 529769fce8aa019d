"""A simulated county: devices that speak real protocols on loopback, with faults that come and go."""
