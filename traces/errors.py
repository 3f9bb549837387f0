"""The one error a user's mistake raises here."""


class InputError(ValueError):
    """A value from the user that cannot be used: one line that names it, says what is wrong and what would be right."""

    is_input_error = True  # the command line shows such an error as its one line and exits with 2
