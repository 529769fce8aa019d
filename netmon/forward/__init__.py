"""Observations to InfluxDB v2 or VictoriaMetrics, from the journal, so that an outage of the store loses nothing."""
