"""The probes as C for bare metal: a table for each, what runs them, and the results that it leaves."""
