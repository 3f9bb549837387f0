"""Networks, and the published methods that generate them."""
