"""Writers of committed files and other helpers of the checkout; never in a wheel."""
