"""Questions people publish answers to: caches times streams, swept, stored, and reported."""
