"""How the plan's targets stand in a period, as files that an office keeps. It computes nothing of its own."""
