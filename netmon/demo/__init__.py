"""A simulated county over real protocols: what `netmon demo` runs. Marked as a simulation everywhere."""
