"""What wrong bytes have in common, in words: where they lie, what they are, and whose bytes they are."""
