"""The order in which a core of this microarchitecture moves its data, beat by beat."""
