"""Published methods that make networks of a network: what each is asked, and what it answers."""

from workloads.methods.method import Claim, Found, Method, Settings, find_method, known_methods

__all__ = ["Claim", "Found", "Method", "Settings", "find_method", "known_methods"]
