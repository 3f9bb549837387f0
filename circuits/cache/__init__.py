"""A cache: tags and data, access modes, and the search over organisations."""
