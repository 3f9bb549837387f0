"""The datasheet of one cache: its figures, what they are made of, and what moves them, on two pages."""
