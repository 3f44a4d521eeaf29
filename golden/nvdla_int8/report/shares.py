"""Shares of a whole in words."""


def share_words(value: float | None) -> str:
    """A share of images or values; one above 0 is never printed as 0."""
    if value is None:
        return "-"
    return f"{value:.2%}" if value == 0 or value >= 5e-5 else f"{value:.1e}"
