"""Alerts: what is wrong for a reason of its own becomes one mail, once; and another one when it is over."""
