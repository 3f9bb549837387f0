"""Published methods that make networks of a network: what each is asked, and what it answers."""
