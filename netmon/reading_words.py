"""What readings and device states are called, for people. Pure."""

from __future__ import annotations

from netmon.i18n import _n

__all__ = ["READINGS", "STATE_NAMES"]

READINGS = {
    "rtt_median_seconds": _n("round trip, median"),
    "rtt_min_seconds": _n("round trip, shortest"),
    "rtt_max_seconds": _n("round trip, longest"),
    "pdv_p95_seconds": _n("delay variation, 95th percentile"),
    "loss_ratio": _n("packet loss"),
    "in_bytes_per_second": _n("traffic in"),
    "out_bytes_per_second": _n("traffic out"),
    "in_utilisation_ratio": _n("utilisation in"),
    "out_utilisation_ratio": _n("utilisation out"),
    "total_seconds": _n("whole request"),
    "connect_seconds": _n("TCP connection"),
    "tls_seconds": _n("TLS handshake"),
    "first_byte_seconds": _n("first byte"),
    "lookup_seconds": _n("name lookup"),
    "forward_power_watts": _n("forward power"),
    "reflected_power_watts": _n("reflected power"),
    "supply_volts": _n("supply voltage"),
    "esno_db": _n("signal to noise, Es/No"),
    "sent": _n("packets sent"),
    "received": _n("packets answered"),
    "ipdv_mean_abs_seconds": _n("delay variation, mean"),
    "duplicates": _n("duplicate answers"),
    "reordered": _n("reordered answers"),
    "discarded": _n("answers discarded"),
    "reply_hop_limit": _n("hop limit of the answer"),
    "path_mtu_bytes": _n("path MTU"),
    "certificate_remaining_seconds": _n("certificate valid for"),
    "certificate_expiry_timestamp_seconds": _n("certificate expires at"),
    "answers": _n("records answered"),
    "ttl_min_seconds": _n("shortest TTL"),
    "soa_serial": _n("zone serial"),
    "resolve_seconds": _n("name lookup of the host"),
    "transfer_seconds": _n("transfer"),
    "status_code": _n("HTTP status"),
    "body_bytes": _n("size of the answer"),
    "redirects": _n("redirects"),
    "snmp_up": _n("SNMP answers"),
    "module_success": _n("group of objects complete"),
    "rejected_values": _n("values rejected"),
    "icmp_up": _n("ping answered"),
    "export_age_seconds": _n("figures of the export are old by"),
    "on_battery": _n("runs on battery"),
    "autonomy_seconds": _n("battery lasts for, at present"),
    "transmitting": _n("transmitting"),
    "transmission_age_seconds": _n("last seen transmitting before"),
    "provisioned_bits_per_second": _n("provisioned bandwidth"),
    "interface_found": _n("interface found"),
    "interface_speed_bits_per_second": _n("interface speed"),
    "line_capacity_bits_per_second": _n("line capacity"),
    "interface_unchanged_seconds": _n("interface unchanged for"),
    "in_errors_per_second": _n("errors in"),
    "out_errors_per_second": _n("errors out"),
    "in_discards_per_second": _n("discards in"),
    "out_discards_per_second": _n("discards out"),
    "rtt_floor_seconds": _n("least possible round trip"),
    "rtt_over_floor_seconds": _n("round trip above the least possible"),
    "hub_up": _n("hub answers"),
    "hub_rtt_min_seconds": _n("round trip to the hub, shortest"),
    "addresses": _n("addresses"),
    "failed_addresses": _n("addresses that fail"),
}
"""By name, without index and unit; what vendor profiles read has its names there."""

STATE_NAMES = {
    "interface_oper_status": _n("interface"),
    "interface_admin_status": _n("interface, as configured"),
}
"""What states are about that no vendor profile names."""
