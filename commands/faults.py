"""What a command says when it cannot do what was asked."""


class CommandFailed(Exception):
    """The message says what is wrong and what to do next; it is printed instead of a traceback."""
